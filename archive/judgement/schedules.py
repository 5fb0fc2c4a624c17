"""When backup schedules are due, as the archive has been told of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from archive import timestamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.calendar import Calendar

_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
# Due instants are the same for all appliances with one zone and one time of day.
_REMEMBERED = 1 << 16


class Schedule(NamedTuple):
    """A schedule in force from `first_seen` until before `ended_at`; None: it still is.

    `hour` and `minute` are appliance time; `weekdays` count from Monday, 0.
    """

    first_seen: str
    ended_at: str | None
    enabled: bool
    hour: int | None
    minute: int | None
    weekdays: tuple[int, ...]

    @property
    def time(self) -> time | None:
        """When it is due; None if it does not say, or nothing that a clock shows."""
        if self.hour not in range(24) or self.minute not in range(60):
            return None
        return time(self.hour, self.minute)  # type: ignore[arg-type]  # both are numbers by now

    def holds(self, instant: str) -> bool:
        """Say whether it was in force."""
        return self.first_seen <= instant and (self.ended_at is None or instant < self.ended_at)


class Zone(NamedTuple):
    """A time zone of an appliance, in force from `first_seen` until before `ended_at`."""

    first_seen: str
    ended_at: str | None
    name: str


class Due(NamedTuple):
    """A backup that is due: the instant, None where the appliance's time zone is not known.

    `gap` is in how many days the next one is.
    """

    instant: str | None
    gap: int


class Dues(NamedTuple):
    """What schedules say of days, by ordinal.

    `known_from` is the day on which the first was collected; None if none was. In `spans` (instants
    from, until before; None for still) they alone say when a backup is due.
    """

    days: dict[int, Due]
    known_from: int | None
    spans: list[tuple[str, str | None]]

    def decide(self, calendar: Calendar, day: int) -> bool:
        """Say whether schedules alone say if a day is expected."""
        if not self.spans:
            return False
        begun, over = start(calendar, day), start(calendar, day + 1)
        return any(
            first <= begun and (until is None or over <= until) for first, until in self.spans
        )


def weekdays(names: Iterable[str] | None) -> tuple[int, ...]:
    """Return the weekdays of names such as MONDAY, counted from 0; none are all."""
    known = tuple(sorted({_WEEK.index(name) for name in names or () if name in _WEEK}))
    return known or tuple(range(7))


def dues(
    calendar: Calendar, schedules: Iterable[Schedule], zones: Sequence[Zone], first: int, last: int
) -> Dues:
    """Return what schedules say of the days from the first to the last."""
    # One that is switched on without a time of day says nothing.
    told = [row for row in schedules if row.time is not None or not row.enabled]
    found: dict[int, Due] = {}
    for row in told:
        if row.enabled:
            _add(found, calendar, row, zones, (first, last))
    known_from = min((row.first_seen for row in told), default=None)
    return Dues(
        {day: found[day] for day in found if first <= day <= last},
        None if known_from is None else ordinal(calendar.day(known_from)),
        _joined((row.first_seen, row.ended_at) for row in told if row.enabled),
    )


def longest_gap(schedules: Iterable[Schedule], now: str) -> int | None:
    """Return the most days between two backups that are due as of now; None if none are."""
    due = {
        day
        for row in schedules
        if row.enabled and row.time is not None and row.holds(now)
        for day in row.weekdays
    }
    return max((_gap(day, tuple(due)) for day in due), default=None)


def _add(
    found: dict[int, Due],
    calendar: Calendar,
    row: Schedule,
    zones: Sequence[Zone],
    bounds: tuple[int, int],
) -> None:
    """Add the days on which a schedule is due; of a day, the first due instant counts."""
    at = row.time
    assert at is not None  # noqa: S101 - the caller has looked
    gaps = {day: _gap(day, row.weekdays) for day in row.weekdays}
    # The date of an appliance can be two days from the archive's.
    first = max(bounds[0], ordinal(row.first_seen[:10])) - 2
    last = bounds[1] if row.ended_at is None else min(bounds[1], ordinal(row.ended_at[:10]))
    for local in range(first, last + 3):
        gap = gaps.get((local - 1) % 7)
        if gap is None:
            continue
        zone = _zone(zones, local)
        if zone is None:
            if row.holds(start(calendar, local)) and local not in found:
                found[local] = Due(None, gap)
            continue
        instant, day = _due(calendar, zone, at, local)
        known = found.get(day)
        if row.holds(instant) and (
            known is None or known.instant is None or instant < known.instant
        ):
            found[day] = Due(instant, gap)


def _gap(day: int, among: tuple[int, ...]) -> int:
    return min((other - day - 1) % 7 + 1 for other in among)


def _zone(zones: Sequence[Zone], local: int) -> str | None:
    """Return the zone at noon of a date; before the first collected zone, the first.

    None if there is none, or the archive does not know it.
    """
    if not zones:
        return None
    told = zones[0]
    if len(zones) > 1:
        noon = f"{iso(local)}T12"
        told = next((zone for zone in reversed(zones) if zone.first_seen <= noon), told)
    return told.name if _is_known(told.name) else None


@lru_cache
def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return False
    return True


@lru_cache(_REMEMBERED)
def _due(calendar: Calendar, zone: str, at: time, local: int) -> tuple[str, int]:
    """Return when a local time is, and the ordinal of its day.

    Of one that clocks show twice, or skip, it is the earlier of the two readings: a backup follows.
    """
    wall = datetime.combine(date.fromordinal(local), at, ZoneInfo(zone))
    moment = min(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    instant = timestamps.from_datetime(moment)
    return instant, ordinal(calendar.day(instant))


def _joined(spans: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Return spans of time as few that do not touch."""
    joined: list[tuple[str, str | None]] = []
    for first, until in sorted(spans, key=lambda span: span[0]):
        if joined and (joined[-1][1] is None or first <= joined[-1][1]):
            before = joined[-1][1]
            latest = None if before is None or until is None else max(before, until)
            joined[-1] = (joined[-1][0], latest)
        else:
            joined.append((first, until))
    return joined


@lru_cache(_REMEMBERED)
def start(calendar: Calendar, day: int) -> str:
    """Return the first instant of a day."""
    return calendar.start(iso(day))


@lru_cache(_REMEMBERED)
def iso(day: int) -> str:
    """Return the ISO date of an ordinal."""
    return date.fromordinal(day).isoformat()


@lru_cache(_REMEMBERED)
def ordinal(day: str) -> int:
    """Return the ordinal of an ISO date."""
    return date.fromisoformat(day).toordinal()
