"""The top of the page: a verdict in one sentence, tiles, and the table of all appliances.

The page's script shows the same, for the selected appliances: see `fleet.js`.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.dashboard import markup
from archive.dashboard.reported import ANOMALY_DAYS, MISSED_DAYS
from archive.render import units
from archive.reports import appliances
from archive.reports.appliances import SEVERITIES, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.dashboard.tables import Table

# Each severity has a sign, for people who cannot distinguish the colours.
SIGNS = dict(
    zip(
        SEVERITIES, ("\N{MULTIPLICATION X}", "!", "?", "\N{CHECK MARK}", "\N{EN DASH}"), strict=True
    )
)
# Tables whose rows are counted, and what the box says.
_COUNTED = {
    "missed": ("missed backups", f"in the last {MISSED_DAYS} days"),
    "stuck": ("stuck jobs", "longer than any success"),
    "not-reporting": ("not reporting", "no import for longer than usual"),
    "anomalies": ("anomalies", f"in the last {ANOMALY_DAYS} days"),
}
# The severities that have a box, and what it says of them.
_DETAILS = {
    "critical": "overdue, never or 3 failures",
    "warning": "1 or 2 failures, or small",
    "no data": "import too old to judge",
    "ok": "last good backup as due",
}
# Numbers are aligned by their class.
_HEADS = "".join(
    f'<th scope="col"{shape}>{name}</th>'
    for name, shape in (
        ("state", ""),
        ("appliance", ""),
        ("last good backup", ""),
        ("size", ' class="number"'),
        ("duration", ' class="number"'),
        ("next due", ""),
        ("consecutive failures", ' class="number"'),
    )
)


def sentence(fleet: Table) -> str:
    """Return the verdict on all appliances, with a sign of the worst severity."""
    worst, words = verdict(row[1] for row in fleet.rows)
    return f'<p id="verdict" class="verdict of-{_class(worst)}">{_sign(worst)} {escape(words)}</p>'


def tiles(fleet: Table, tables: Iterable[Table]) -> str:
    """Return the boxes: appliances by severity, and the lengths of tables, each with a link."""
    number = Counter(row[1] for row in fleet.rows)
    shown = [
        _tile(name, number[name], detail, "fleet", _class(name))
        for name, detail in _DETAILS.items()
    ]
    for table in tables:
        if table.name in _COUNTED:
            name, detail = _COUNTED[table.name]
            shown.append(
                _tile(name, len(table.rows) + table.left_out, detail, f"t-{table.name}", "problem")
            )
    return f'<dl class="tiles">{"".join(shown)}</dl>'


def _tile(name: str, number: int, detail: str, target: str, kind: str) -> str:
    """Return a box with a number, which links to the rows that it counts."""
    return (
        f'<div class="tile is-{kind}{" any" if number else ""}"><dt><a href="#{target}">'
        f'{_sign(name)} {escape(name)}</a></dt><dd><span class="value">{number:,}</span>'
        f'<div class="detail">{escape(detail)}</div></dd></div>'
    )


def _sign(severity: str) -> str:
    """Return the sign of a severity, hidden from screen readers, which read its name."""
    return f'<span aria-hidden="true">{SIGNS[severity]}</span>' if severity in SIGNS else ""


def _class(severity: str) -> str:
    """Return a severity as the name of a class."""
    return severity.replace(" ", "-")


def table(fleet: Table, zone: str) -> str:
    """Return the table of all appliances, worst first; times are those of a zone."""
    if not fleet.rows:
        return f"<p>{escape(fleet.empty)}</p>"
    names = [column.name for column in fleet.columns]
    rows = (dict(zip(names, row, strict=True)) for row in fleet.rows[: markup.ROWS])
    body = "".join(f"<tr>{''.join(_cells(row, zone))}</tr>" for row in rows)
    return markup.within(_HEADS, body) + markup.rest(fleet)


def _cells(row: dict[str, Any], zone: str) -> Iterator[str]:
    """Yield the cells of an appliance, in the order of the heads."""
    severity = row["severity"]
    reason = appliances.reason(row["state"], severity, row["consecutive_failures"])
    more = f'<div class="soft">{escape(reason)}</div>' if reason else ""
    yield f'<td><span class="badge of-{_class(severity)}">{_sign(severity)} {severity}</span>{more}</td>'
    yield f"<td>{markup.text(row['appliance'])}</td>"
    end = row["success_end_time"]
    if end is None:
        yield "<td>none</td>"
    else:
        yield (
            f"<td{markup.title(end)}>{units.duration(row['age_seconds'])} ago"
            f'<div class="soft">{units.local(end, zone)}</div></td>'
        )
    change = row["size_change_ratio"]
    soft = "" if change is None else units.readable(Kind.RATIO, change, signed=True)
    size = row["size_bytes"]
    yield (
        f'<td class="number">{"" if size is None else units.size(size)}'
        f'<div class="soft">{soft}</div></td>'
    )
    took = row["duration_seconds"]
    yield f'<td class="number">{"" if took is None else units.duration(took)}</td>'
    due = row["next_due_time"]
    passed = escape(row["next_due"] or "")
    yield (
        f"<td>{passed}</td>"
        if due is None
        else f"<td{markup.title(due)}>{units.local(due, zone)}</td>"
    )
    yield f'<td class="number">{row["consecutive_failures"] or ""}</td>'
