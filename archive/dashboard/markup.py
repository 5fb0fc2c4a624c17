"""The parts of the page that work without a script: tables that need attention, and the figures.

All text from the archive is escaped here and shown on one line.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.dashboard.reported import ANOMALY_DAYS
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OVERDUE
from archive.render import units
from archive.reports import summary
from archive.reports.summary_row import SummaryRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.columns import Column
    from archive.dashboard.tables import Table

# The maximum number of rows of a table without a script.
ROWS = 50
_NUMBERS = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_NAMES = {
    NEVER: "never succeeded",
    "missed": f"missed in {summary.DAYS} days",
    "not-reporting": "not reporting",
}
# Figures that are problems if they are above 0.
_ALARMS = {
    ("attention", name)
    for name in (OVERDUE, NEVER, NO_RECENT_DATA, "consecutive failures", summary.STUCK)
} | {
    ("expected", "missed"),
}
# The tables with the details of a figure, where they have another name.
_TABLES = {
    NEVER: "overdue",
    NO_RECENT_DATA: "overdue",
    "consecutive failures": "consecutive-failures",
}
# Tables whose rows are counted.
_COUNTED = {
    "not-reporting": "no import for longer than usual",
    "anomalies": f"in the last {ANOMALY_DAYS} days",
}
# Shown for a missing value.
_NONE = "\N{EN DASH}"
_FIGURES = ("backups", "data", "time", "expected")


def text(value: str) -> str:
    """Return a text escaped for use between tags or in an attribute.

    Control characters are escaped first, as in tables on a terminal.
    """
    return escape(units.text(value))


def tiles(rows: Iterable[SummaryRow], tables: Iterable[Table]) -> str:
    """Return the tiles: figures that show whether something needs attention, and lengths of tables."""
    shown = [_tile(row) for row in rows if (row.section, row.name) in _ALARMS]
    for table in tables:
        if table.name in _COUNTED:
            number = len(table.rows) + table.left_out
            counted = SummaryRow("", table.name, Kind.COUNT, number, detail=_COUNTED[table.name])
            shown.append(_tile(counted))
    return f'<dl class="tiles">{"".join(shown)}</dl>'


def _tile(row: SummaryRow) -> str:
    """Return a tile: a figure with a link to the table of its details."""
    alarm = " alarm" if row.value else ""
    detail = [row.detail] if row.detail else []
    if row.before is not None:
        detail.append(f"before: {_value(row.kind, row.before)}")
    return (
        f'<div class="tile{alarm}"><dt><a href="#t-{_TABLES.get(row.name, row.name)}">'
        f"{text(_NAMES.get(row.name, row.name))}</a></dt>"
        f'<dd><span class="value">{text(_value(row.kind, row.value))}</span>'
        f'<div class="detail">{text("; ".join(detail))}</div></dd></div>'
    )


def figures(rows: Iterable[SummaryRow]) -> str:
    """Return the table of the figures of the period, compared with the period before.

    Figures stand in the order of the rows.
    """
    body = "".join(
        "<tr>"
        f'<th scope="row">{text(f"{row.section}: {row.name}")}</th>'
        f'<td class="number">{text(_value(row.kind, row.value))}</td>'
        f'<td class="number">{text(_value(row.kind, row.before))}</td>'
        f'<td class="number">{text(_value(row.kind, row.change, signed=True))}</td></tr>'
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


def table(shown: Table) -> str:
    """Return a table with its heading; without rows, a sentence instead."""
    return (
        f'<div id="t-{shown.name}"><h3>{text(shown.title)}</h3>'
        f"{_rows(shown) if shown.rows else f'<p>{text(shown.empty)}</p>'}</div>"
    )


def _rows(shown: Table) -> str:
    """Return the first 50 rows of a table, and how many more there are."""
    head = "".join(
        f'<th scope="col"{_class(column)}>{text(column.label)}</th>' for column in shown.columns
    )
    body = "".join(f"<tr>{''.join(_cells(shown.columns, row))}</tr>" for row in shown.rows[:ROWS])
    more = len(shown.rows) - ROWS + shown.left_out
    rest = f'<p class="soft">And {more:,} more.</p>' if more > 0 else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{rest}"
    )


def _class(column: Column) -> str:
    """Return the class of a column's cells: numbers are right-aligned."""
    return ' class="number"' if column.kind in _NUMBERS else ""


def _cells(columns: Sequence[Column], row: Sequence[Any]) -> Iterator[str]:
    for column, value in zip(columns, row, strict=True):
        shown = "" if value is None else units.readable(column.kind, value)
        yield f"<td{_class(column)}>{escape(shown)}</td>"
