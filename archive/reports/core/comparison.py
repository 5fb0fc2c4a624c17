"""Compare each row of a report by period with the same row of the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from archive.calendar import calendar_day
from archive.columns import Column
from archive.reports.core.date_ranges import Span, label_before, of_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.reports.core.scope import Scope

# The period, the group, then a value for each column.
Row = tuple[Any, ...]
Run = Callable[["Scope"], Iterator[Row]]
# The longest first: a unit stays at the end of a column's name.
_UNITS = ("_bytes_per_second", "_bytes", "_seconds")
# Decimals of the change of a ratio: beyond these there is only floating-point noise.
_DECIMALS = 12


def columns(compared: Iterable[Column]) -> Iterator[Column]:
    """Yield two columns for each compared column: its value before, and its change.

    Both have the unit of the column; the change is the value minus the one before.
    """
    for column in compared:
        unit = next((unit for unit in _UNITS if column.name.endswith(unit)), "")
        name = column.name.removesuffix(unit)
        yield Column(f"{name}_before{unit}", column.kind, expendable=7)
        yield Column(f"{name}_change{unit}", column.kind.difference, signed=True, expendable=2)


def widened(scope: Scope) -> Scope:
    """Return a scope extended by the whole period before its first day."""
    if scope.since is None:
        return scope
    label = _label(scope.since, scope.period)
    before = label_before(label, scope.period) or label
    return replace(scope, since=of_label(before).first.isoformat())


def compared(run: Run, scope: Scope, places: Sequence[int], today: str) -> Iterator[Row]:
    """Yield the rows of a scope, each followed by the earlier values at `places` and their changes.

    `run` returns the rows of any scope, ordered by period: the label first, the group second. The
    period before is always the whole calendar period, even if it begins before the scope's first
    day; for the period in progress on the day `today` it is the same number of days of the period
    before. Values are NULL where these days have no such row. Two periods are in memory at a time.
    """
    previous: tuple[str, dict[str | None, Row]] | None = None
    for label, found in groupby(run(scope), key=lambda row: row[0]):
        rows = list(found)
        wanted = label_before(label, scope.period)
        if wanted is None:
            before = {}
        elif (part := _same_part(label, wanted, today, scope.until)) is not None:
            before = _by_group(run(_only(scope, part)))
        elif scope.since is not None and of_label(wanted).first.isoformat() < scope.since:
            before = _by_group(run(_only(scope, of_label(wanted))))
        else:
            before = previous[1] if previous is not None and previous[0] == wanted else {}
        for row in rows:
            yield row + tuple(_added(row, before.get(row[1]), places))
        previous = label, _by_group(rows)


def notes(scope: Scope, today: str) -> Iterator[str]:
    """Yield notes on the rows of some days only: of the period in progress, and at the scope's ends."""
    in_progress = _label(today, scope.period)
    if scope.period != "day" and _label(scope.until or today, scope.period) == in_progress:
        yield f"{in_progress} is not over: compared with the same days of the {scope.period} before."
    if scope.since is not None:
        label = _label(scope.since, scope.period)
        before = label_before(label, scope.period)
        if before is not None and of_label(label).first.isoformat() < scope.since:
            yield f"{label} begins on {scope.since}, but is compared with {before} from its first day."
    if scope.until is not None:
        label = _label(scope.until, scope.period)
        before = label_before(label, scope.period)
        last = of_label(label).last.isoformat()
        if before is not None and scope.until < last and label != in_progress:
            yield f"{label} ends on {scope.until}, but is compared with the whole of {before}."


def _added(row: Row, before: Row | None, places: Sequence[int]) -> Iterator[Any]:
    """Yield the earlier value and the change for each place; None where either is missing."""
    for place in places:
        then = None if before is None else before[place]
        yield then
        yield None if then is None or row[place] is None else _change(row[place], then)


def _change(now: Any, then: Any) -> Any:
    # Of a ratio: in its own units, not in percent of itself.
    change = now - then
    return round(change, _DECIMALS) if isinstance(change, float) else change


def _by_group(rows: Iterable[Row]) -> dict[str | None, Row]:
    """Return the rows of one period by their group."""
    return {row[1]: row for row in rows}


def _same_part(label: str, before: str, today: str, until: str | None) -> Span | None:
    """Return the days of the period before that correspond to those of the period in progress.

    None if the period is not in progress today: then whole periods are compared.
    """
    first, end = of_label(label)
    if not first.isoformat() <= today < end.isoformat():
        return None
    days = date.fromisoformat(min(today, until or today)) - first
    start, whole = of_label(before)
    return Span(start, min(start + days, whole))


def _only(scope: Scope, days: Span) -> Scope:
    """Return a scope limited to some days."""
    first, last = days
    return replace(scope, since=first.isoformat(), until=last.isoformat())


def _label(day: str, period: str) -> str:
    """Return the label of the period that a day (ISO) is in."""
    label: str = getattr(calendar_day(of_label(day).first), period)
    return label
