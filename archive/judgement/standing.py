"""Whether the last success is recent enough, and for how much of a time there was such a one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps
from archive.judgement.schedules import ordinal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archive.calendar import Calendar

OK, OVERDUE, NEVER, NO_RECENT_DATA = "ok", "overdue", "never", "no recent data"
_TICK = timedelta(microseconds=1)


class Span(NamedTuple):
    """The time from an instant until before another."""

    first: str
    until: str


def state(end: str | None, rpo_seconds: int, last_seen: str, now: str, limit_seconds: int) -> str:
    """Return the state of an appliance as its last import shows it.

    `end` is that of the last success. OVERDUE: the last success was too old at the last import. It is
    NO_RECENT_DATA only where an import is missing: the last one is longer than the limit ago.
    """
    imported = timestamps.to_datetime(min(last_seen, now))
    if end is None:
        return NEVER
    if timestamps.to_datetime(end) + timedelta(seconds=rpo_seconds) < imported:
        return OVERDUE
    if imported + timedelta(seconds=limit_seconds) < timestamps.to_datetime(now):
        return NO_RECENT_DATA
    return OK


def seconds_between(first: str, last: str) -> int:
    """Return the whole seconds from an instant to a later one."""
    return (timestamps.to_datetime(last) - timestamps.to_datetime(first)) // timedelta(seconds=1)


def shares(
    calendar: Calendar, ends: Iterable[str], rpo_seconds: int, span: Span
) -> tuple[float | None, float | None]:
    """Return the share of a span's time, and of its days, within the RPO; None of nothing.

    That is where a success ended no longer ago than the RPO; of a day, all of it in the span.
    """
    if span.first >= span.until:
        return None, None
    first, until = timestamps.to_datetime(span.first), timestamps.to_datetime(span.until)
    uncovered = timedelta()
    outside: set[int] = set()
    rpo = timedelta(seconds=rpo_seconds)
    for begun, over in _gaps(map(timestamps.to_datetime, sorted(ends)), rpo, first, until):
        uncovered += over - begun
        outside.update(range(_day(calendar, begun), _day(calendar, over - _TICK) + 1))
    days = _day(calendar, until - _TICK) - _day(calendar, first) + 1
    whole = until - first
    return ((whole - uncovered) // _TICK) / (whole // _TICK), (days - len(outside)) / days


def _gaps(
    ends: Iterable[datetime], rpo: timedelta, first: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what of a span no success covers."""
    covered = first
    for end in ends:
        if end >= until:
            break
        if end > covered:
            yield covered, end
        covered = max(covered, end + rpo)
    if covered < until:
        yield covered, until


def _day(calendar: Calendar, moment: datetime) -> int:
    return ordinal(calendar.day(timestamps.from_datetime(moment)))
