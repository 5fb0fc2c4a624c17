"""The archive's calendar: to which day a job belongs, and the periods that days make.

A calendar is a time zone and the time of day at which a backup day starts. With `16:00`, a job that
starts at 02:15 belongs to the day before, so that one night's jobs share a day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from archive import instants
from archive.errors import UsageError

# vCenter's job keys start with the UTC time at which the job was created.
_KEY_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII)
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
# The years that the calendar has from the start; others come with the first job in them.
CALENDAR_YEARS = range(2016, 2046)
_SECOND = timedelta(seconds=1)
_SECONDS_A_DAY = 24 * 60 * 60
PERIODS = ("day", "week", "month", "quarter", "year")


class Calendar(NamedTuple):
    """How the archive cuts time into days."""

    zone: str = "UTC"
    day_start: str = "00:00"

    def day(self, instant: str) -> str:
        """Return the ISO date of the backup day of an instant."""
        if self == _PLAIN:
            return instant[:10]
        moment = instants.to_datetime(instant)
        try:
            local = moment.astimezone(ZoneInfo(self.zone))
            start = time.fromisoformat(self.day_start)
            day = local.date() - timedelta(days=local.time() < start)
            if local.fold:  # clocks set back show an hour again, but no day starts twice
                following = day + timedelta(days=1)
                if datetime.combine(following, start, local.tzinfo) <= moment:
                    day = following
            return day.isoformat()
        except OverflowError:  # the first and last hours of the years 1 and 9999
            return instant[:10]

    def start(self, day: str) -> str:
        """Return the first instant of a backup day, given as an ISO date of the years 2 to 9998.

        Of a day that clocks skip it is that of the next, so each day ends where the next starts.
        """
        wall = datetime.combine(
            date.fromisoformat(day), time.fromisoformat(self.day_start), ZoneInfo(self.zone)
        )
        begun = wall.astimezone(UTC)
        if self._has(begun, day) and not self._has(begun - _SECOND, day):
            return instants.from_datetime(begun)
        # Clocks skip that time of day: it starts with the first second that they show after it.
        before, after = -2 * _SECONDS_A_DAY, 2 * _SECONDS_A_DAY
        while after - before > 1:
            between = (before + after) // 2
            if self._has(begun + between * _SECOND, day):
                after = between
            else:
                before = between
        return instants.from_datetime(begun + after * _SECOND)

    def _has(self, moment: datetime, day: str) -> bool:
        """Say whether a day has started."""
        return self.day(instants.from_datetime(moment)) >= day

    def job_day(self, start_time: str | None, key: str, first_seen: str) -> str:
        """Return a job's day: from its start, else its key's stamp, else when it was first seen."""
        return self.day(start_time or key_stamp(key) or first_seen)


_PLAIN = Calendar()


def calendar(zone: str, day_start: str) -> Calendar:
    """Return a checked calendar. Raises UsageError for an unknown zone or a malformed time."""
    if not _TIME_OF_DAY.fullmatch(day_start):
        raise UsageError(
            f"{day_start!r} is not a time of day; write it as HH:MM, for example 16:00"
        )
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError) as error:
        raise UsageError(
            f"{zone!r} is not an IANA time zone; an example of one is Europe/Berlin"
        ) from error
    return Calendar(zone, day_start)


def key_stamp(key: str) -> str | None:
    """Return the instant that a job key names, or None if it has no valid stamp."""
    match = _KEY_STAMP.match(key)
    if match is None:
        return None
    try:
        return instants.from_datetime(datetime(*map(int, match.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]  # six numbers, by the pattern
    except ValueError:
        return None


class CalendarDay(NamedTuple):
    """One row of the `calendar` table; labels sort as text in the order of time."""

    day: str
    ordinal: int
    week: str
    month: str
    quarter: str
    year: str


def calendar_year(year: int) -> list[CalendarDay]:
    """Return the rows of all days of one year (1 to 9999). Weeks are ISO 8601 weeks."""
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return [calendar_day(date.fromordinal(ordinal)) for ordinal in range(first, last + 1)]


def calendar_day(day: date) -> CalendarDay:
    """Return the row of one day."""
    iso_year, iso_week, _ = day.isocalendar()
    text = day.isoformat()
    return CalendarDay(
        day=text,
        ordinal=day.toordinal(),
        week=f"{iso_year:04d}-W{iso_week:02d}",
        month=text[:7],
        quarter=f"{text[:4]}-Q{(day.month + 2) // 3}",
        year=text[:4],
    )
