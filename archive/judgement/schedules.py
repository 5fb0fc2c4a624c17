"""When backup schedules are due, as the archive has collected them."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.local_time import DAY, EPOCH, Clock, clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Names of vSphere's enumeration DayOfWeek.
_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
# Ordinals count from a Monday, 1.
_MONDAY = (1 - EPOCH) % 7


class Schedule(NamedTuple):
    """A schedule in force from `since` until before `until` (seconds; None: it still is).

    `minute` is the minute of the appliance's day, None if it says none that a clock shows; `weekdays`
    count from Monday, 0. `seen` is when an answer had it last: it may have ended at any time after that.
    """

    since: int
    until: int | None
    enabled: bool
    minute: int | None
    weekdays: tuple[int, ...]
    seen: int | None = None

    def holds(self, at: int) -> bool:
        """Return whether it was in force at an instant (seconds)."""
        return self.since <= at and (self.until is None or at < self.until)


class Zone(NamedTuple):
    """A time zone of an appliance, in force from an instant, and last seen at one (seconds)."""

    since: int
    name: str
    seen: int | None = None


def weekdays(names: Iterable[str] | None) -> tuple[int, ...]:
    """Return the weekdays of names such as MONDAY, counted from 0; none are all."""
    known = tuple(sorted({_WEEK.index(name) for name in names or () if name in _WEEK}))
    return known or tuple(range(7))


def minute(hour: int | None, minutes: int | None) -> int | None:
    """Return the minute of the day; None for a time that no clock shows, which an answer may have."""
    if hour not in range(24) or minutes not in range(60):
        return None
    return hour * 60 + minutes  # type: ignore[operator]  # both are numbers by now


def known_from(schedules: Iterable[Schedule]) -> int | None:
    """Return since when schedules alone say what is expected; None if none says anything.

    A schedule that is enabled without a time of day says nothing.

    The result is in seconds.
    """
    return min(
        (row.since for row in schedules if row.minute is not None or not row.enabled), default=None
    )


@lru_cache
def clock_of(zone: str) -> Clock | None:
    """Return the clocks of a zone; None if this machine does not know it."""
    try:
        return clock(zone)
    except (LookupError, ValueError, OSError):
        return None


def zone_at(zones: Sequence[Zone], at: int) -> Clock | None:
    """Return the clocks in force at an instant; before the first collected zone, its clocks.

    None if no zone is known, or this machine does not know it.
    """
    if not zones:
        return None
    found = next((zone for zone in reversed(zones) if zone.since <= at), zones[0])
    return clock_of(found.name)


def due(schedule: Schedule, zones: Sequence[Zone], first: int, until: int) -> Iterator[int]:
    """Yield the instants from `first` until before `until` at which a schedule is due, in order.

    Where the zone is not known, they are those of UTC.

    In a zone that skips the time, it is due at the earlier of the two possible instants: see
    `Clock.at`.
    """
    if not schedule.enabled or schedule.minute is None:
        return
    first = max(first, schedule.since)
    until = until if schedule.until is None else min(until, schedule.until)
    # A day more on both sides, since local days do not begin with those of UTC.
    for day in range(first // DAY - 1, until // DAY + 2):
        if (day - _MONDAY) % 7 not in schedule.weekdays:
            continue
        reading = day * DAY + schedule.minute * 60
        clocks = zone_at(zones, reading)
        at = reading if clocks is None else clocks.at(reading)
        if first <= at < until:
            yield at


def doubtful(
    schedules: Sequence[Schedule], zones: Sequence[Zone], first: int, until: int
) -> set[int]:
    """Return the instants at which a schedule may have been due, or not any more.

    They lie between the last answer with it, or with its time zone, and the first one without. What is
    due by both answers is not among them.
    """
    found: set[int] = set()
    for row in schedules:
        if row.until is not None and row.seen is not None:
            span = max(first, row.seen + 1), min(until, row.until)
            following = [
                one._replace(since=span[0], until=None) for one in schedules if one.holds(row.until)
            ]
            found |= _due([row], zones, span) - _due(following, zones, span)
    for zone, after in pairwise(zones):
        if zone.seen is not None:
            span = max(first, zone.seen + 1), min(until, after.since)
            found |= _due(schedules, [zone], span) - _due(schedules, [after], span)
    return found


def _due(schedules: Iterable[Schedule], zones: Sequence[Zone], span: tuple[int, int]) -> set[int]:
    """Return the instants of a span at which any schedule is due."""
    if span[0] >= span[1]:
        return set()
    return {at for row in schedules for at in due(row, zones, *span)}
