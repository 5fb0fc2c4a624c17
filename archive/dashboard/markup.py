"""The parts of the page that are there without a script: what needs attention, and the figures.

All text that comes from the archive is escaped here, and shown on one line.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.dashboard.reported import ODD_DAYS
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OVERDUE
from archive.render import units
from archive.reports import summary
from archive.reports.summary_row import SummaryRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.columns import Column
    from archive.dashboard.tables import Table

# A page without a script has so many rows of a table.
ROWS = 50
_NUMBERS = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_NAMES = {
    OVERDUE: "overdue",
    NEVER: "never succeeded",
    NO_RECENT_DATA: "no recent data",
    "consecutive failures": "consecutive failures",
    "missed": f"missed in {summary.DAYS} days",
    "not-reporting": "not reporting",
    "anomalies": "anomalies",
}
# Of these any is too many.
_ALARMS = {
    ("attention", name) for name in (OVERDUE, NEVER, NO_RECENT_DATA, "consecutive failures")
} | {
    ("expected", "missed"),
}
# The tables that say more of a figure.
_TABLES = {OVERDUE: "overdue", NEVER: "overdue", NO_RECENT_DATA: "overdue"}
# Tables whose rows are counted.
_COUNTED = {
    "not-reporting": "no import for longer than usual",
    "anomalies": f"in the last {ODD_DAYS} days",
}
# In place of a value.
_NONE = "\N{EN DASH}"
_FIGURES = ("backups", "data", "time", "expected")


def text(value: str) -> str:
    """Return a text as it stands between tags or in an attribute."""
    return escape(units.text(value))


def tiles(rows: Iterable[SummaryRow], tables: Iterable[Table]) -> str:
    """Return the figures that say whether something needs attention, and how long some tables are."""
    shown = [_tile(row) for row in rows if (row.section, row.name) in _ALARMS]
    for table in tables:
        if table.name in _COUNTED:
            number = len(table.rows) + table.left_out
            counted = SummaryRow("", table.name, Kind.COUNT, number, detail=_COUNTED[table.name])
            shown.append(_tile(counted))
    return f'<dl class="tiles">{"".join(shown)}</dl>'


def _tile(row: SummaryRow) -> str:
    alarm = " alarm" if row.value else ""
    detail = [row.detail] if row.detail else []
    if row.before is not None:
        detail.append(f"before: {_value(row.kind, row.before)}")
    return (
        f'<div class="tile{alarm}"><dt><a href="#t-{_TABLES.get(row.name, row.name)}">'
        f"{text(_NAMES[row.name])}</a></dt>"
        f'<dd><span class="value">{text(_value(row.kind, row.value))}</span>'
        f'<div class="detail">{text("; ".join(detail))}</div></dd></div>'
    )


def figures(rows: Iterable[SummaryRow]) -> str:
    """Return the figures of the last days beside those of the days before."""
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
    return _NONE if value is None else units.readable(kind, value, signed=signed)


def table(shown: Table) -> str:
    """Return a table with its heading; one without rows is a sentence."""
    return (
        f'<div id="t-{shown.name}"><h3>{text(shown.title)}</h3>'
        f"{_rows(shown) if shown.rows else f'<p>{text(shown.empty)}</p>'}</div>"
    )


def _rows(shown: Table) -> str:
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
    return ' class="number"' if column.kind in _NUMBERS else ""


def _cells(columns: Sequence[Column], row: Sequence[Any]) -> Iterator[str]:
    for column, value in zip(columns, row, strict=True):
        shown = "" if value is None else units.readable(column.kind, value)
        yield f"<td{_class(column)}>{escape(shown)}</td>"
