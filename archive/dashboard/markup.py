"""The parts of the page that work without a script: tables of problems, and the figures.

All text from the archive is escaped here and shown on one line.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from archive.columns import NUMERIC, Kind
from archive.render import units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.columns import Column
    from archive.dashboard.tables import Table
    from archive.reports.summary_row import SummaryRow

# The maximum number of rows of a table without a script.
ROWS = 50
# Shown for a missing value.
_NONE = "\N{EN DASH}"
# The sections of `summary` that the page shows as figures.
_FIGURES = ("backups", "data", "time", "expected")


def text(value: str) -> str:
    """Return a text escaped for use between tags or in an attribute.

    Control characters are escaped first, as in tables on a terminal.
    """
    return escape(units.text(value))


def figures(rows: Iterable[SummaryRow]) -> str:
    """Return the table of the figures of the period, compared with the period before.

    Figures stand in the order of the rows.
    """
    body = "".join(
        "<tr>"
        f'<th scope="row">{text(f"{row.section}: {row.name}")}</th>'
        f'<td class="number">{text(_value(row.kind, row.value))}</td>'
        f'<td class="number">{text(_value(row.kind, row.before))}</td>'
        f'<td class="number">{text(_value(row.kind.difference, row.change, signed=True))}</td></tr>'
        for row in rows
        if row.section in _FIGURES
    )
    head = "".join(
        f'<th scope="col" class="number">{name}</th>' for name in ("value", "before", "change")
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">figure</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _value(kind: Kind, value: float | None, *, signed: bool = False) -> str:
    """Return a value in readable units; a dash for None."""
    return _NONE if value is None else units.readable(kind, value, signed=signed)


def table(shown: Table, zone: str) -> str:
    """Return a table with its heading; without rows, a sentence instead. Times are those of a zone."""
    return (
        f'<div id="t-{shown.name}"><h3>{text(shown.title)}</h3>'
        f"{_rows(shown, zone) if shown.rows else f'<p>{text(shown.empty)}</p>'}</div>"
    )


def _rows(shown: Table, zone: str) -> str:
    """Return the first 50 rows of a table, and how many more there are."""
    head = "".join(
        f'<th scope="col"{_class(column)}>{text(column.label)}</th>' for column in shown.columns
    )
    body = "".join(
        f"<tr>{''.join(_cells(shown.columns, row, zone))}</tr>" for row in shown.rows[:ROWS]
    )
    return within(head, body) + rest(shown)


def within(head: str, body: str) -> str:
    """Return a table of a row of header cells, and rows."""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def rest(shown: Table) -> str:
    """Return a sentence on the rows of a table that are not shown; empty if there are none."""
    more = len(shown.rows) - ROWS + shown.left_out
    return f'<p class="soft">And {more:,} more.</p>' if more > 0 else ""


def _class(column: Column) -> str:
    """Return the class of a column's cells: numbers are right-aligned."""
    return ' class="number"' if column.kind in NUMERIC else ""


def _cells(columns: Sequence[Column], row: Sequence[Any], zone: str) -> Iterator[str]:
    """Yield the cells of a row; instants are in the zone, with UTC when one points at them."""
    for column, value in zip(columns, row, strict=True):
        if column.kind is Kind.INSTANT and value is not None:
            yield f"<td{title(value)}>{escape(units.local(value, zone))}</td>"
            continue
        shown = "" if value is None else units.readable(column.kind, value)
        yield f"<td{_class(column)}>{escape(shown)}</td>"


def title(instant: str) -> str:
    """Return the attribute that shows an instant in UTC when one points at it."""
    return f' title="{units.moment(instant, units.UTC)}"'
