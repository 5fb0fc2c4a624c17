"""The archive's calendar: the day that a job belongs to, and the periods of days.

A calendar is a time zone and the time of day at which a backup day starts. With `16:00`, a job that
starts at 02:15 belongs to the day before, so that one night's jobs share a day.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from archive import timestamps
from archive.errors import UsageError
from archive.text import quoted

# vCenter's job keys start with the UTC time at which the job was created.
_KEY_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII)
# Two digits each, so that times compare as texts.
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
# Years that a new archive has in its calendar. Other years are added with the first job in them.
CALENDAR_YEARS = range(2016, 2046)
_SECOND = timedelta(seconds=1)
_SECONDS_A_DAY = 24 * 60 * 60
# Columns of `calendar`, the shortest first.
PERIODS = ("day", "week", "month", "quarter", "year")


class Calendar(NamedTuple):
    """A time zone and the time of day (HH:MM) at which a backup day starts.

    Both have been checked by the function `calendar` before they are stored.
    """

    zone: str = "UTC"
    day_start: str = "00:00"

    def day(self, instant: str) -> str:
        """Return the ISO date of the backup day of an instant.

        `instant` is a fixed-width UTC text. A day may be 23 or 25 hours long where clocks change.
        """
        if self == _PLAIN:
            return instant[:10]
        moment = timestamps.to_datetime(instant)
        try:
            local = moment.astimezone(ZoneInfo(self.zone))
            start = time.fromisoformat(self.day_start)
            day = local.date() - timedelta(days=local.time() < start)
            if local.fold:  # clocks set back repeat an hour, but no day starts twice
                following = day + timedelta(days=1)
                if datetime.combine(following, start, local.tzinfo) <= moment:
                    day = following
            return day.isoformat()
        except OverflowError:  # the first and last hours of the years 1 and 9999
            return instant[:10]

    def start(self, day: str) -> str:
        """Return the instant at which a day starts; a day that the zone skips starts with the next one."""
        midnight = f"{day}T00:00:00.000000Z"
        if self == _PLAIN:
            return midnight

        def begun(seconds: int) -> bool:
            return self.day(_moved(midnight, seconds)) >= day

        zone = ZoneInfo(self.zone)
        local = datetime.combine(date.fromisoformat(day), time.fromisoformat(self.day_start), zone)
        if day[:4] not in _EDGES:  # most days start at the local time, without a search
            start = local.astimezone(UTC)
            if _first_shown(start, local) and _first_shown(start - _SECOND, local - _SECOND):
                return timestamps.from_datetime(start)
        seconds = int((local - timestamps.to_datetime(midnight)).total_seconds())
        if not begun(seconds) or begun(seconds - 1):  # clocks are changed
            seconds = bisect_left(range(-_REACH, _REACH), True, key=begun) - _REACH  # noqa: FBT003 - looked for
        return _moved(midnight, seconds)

    def job_day(self, start_time: str | None, key: str, first_seen: str) -> str:
        """Return a job's day: by its start, or by its key's timestamp, or by when it was first seen.

        All instants are fixed-width UTC texts. The result is stored with the job, and changes only
        with the calendar or an earlier sighting.
        """
        return self.day(start_time or key_stamp(key) or first_seen)


# The usual one, for which days are the first ten characters of an instant.
_PLAIN = Calendar()
# A day starts within so many seconds of midnight UTC: one day for the time of day, one for the zone,
# and one that the zone may have skipped.
_REACH = 3 * 86_400
# Years in which adding a zone's offset may leave the range of datetime.
_EDGES = ("0001", "9999")


def _first_shown(moment: datetime, local: datetime) -> bool:
    """Whether clocks show a local time at a moment, and do so for the first time."""
    shown = moment.astimezone(local.tzinfo)
    return shown == local and not shown.fold  # in one zone, datetimes compare as clocks show them


def _moved(instant: str, seconds: int) -> str:
    """Return the instant so many seconds later, within the years 1 to 9999."""
    try:
        return timestamps.from_datetime(
            timestamps.to_datetime(instant) + timedelta(seconds=seconds)
        )
    except OverflowError:
        return "9999-12-31T23:59:59.999999Z" if seconds > 0 else "0001-01-01T00:00:00.000000Z"


def calendar(zone: str, day_start: str) -> Calendar:
    """Return a checked calendar. Raises UsageError for an unknown zone or a malformed time.

    Zones are those of this machine's tz database, or of the package tzdata.
    """
    if not _TIME_OF_DAY.fullmatch(day_start):
        raise UsageError(f"invalid time of day {quoted(day_start)}: write HH:MM, for example 16:00")
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError) as error:
        raise UsageError(
            f"unknown time zone {quoted(zone)}: use an IANA name such as Europe/Berlin"
        ) from error
    return Calendar(zone, day_start)


def key_stamp(key: str) -> str | None:
    """Return the instant in a job key (YYYYMMDD-HHMMSS, UTC), or None if it has none."""
    match = _KEY_STAMP.match(key)
    if match is None:
        return None
    try:
        return timestamps.from_datetime(datetime(*map(int, match.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]  # six numbers, by the pattern
    except ValueError:
        return None


class CalendarDay(NamedTuple):
    """One row of the `calendar` table; labels sort as text in the order of time.

    `ordinal` counts as `date.toordinal`; `start_time` is a fixed-width UTC instant.
    """

    day: str
    ordinal: int
    week: str
    month: str
    quarter: str
    year: str
    start_time: str


@lru_cache(len(CALENDAR_YEARS))
def calendar_year(year: int, calendar: Calendar = _PLAIN) -> tuple[CalendarDay, ...]:
    """Return the rows of all days of one year (1 to 9999). Weeks are ISO 8601 weeks."""
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return tuple(
        calendar_day(date.fromordinal(ordinal), calendar) for ordinal in range(first, last + 1)
    )


def calendar_day(day: date, calendar: Calendar = _PLAIN) -> CalendarDay:
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
        start_time=calendar.start(text),
    )


# Days are counted as `date.toordinal` does. The days of fleets are few, and each is looked up often.
_REMEMBERED = 1 << 16


@lru_cache(_REMEMBERED)
def ordinal(day: str) -> int:
    """Return the ordinal of an ISO date."""
    return date.fromisoformat(day).toordinal()


@lru_cache(_REMEMBERED)
def iso(day: int) -> str:
    """Return the ISO date of an ordinal."""
    return date.fromordinal(day).isoformat()


@lru_cache(_REMEMBERED)
def start(calendar: Calendar, day: int) -> str:
    """Return the first instant of a day, given as an ordinal.

    The result is a fixed-width UTC text.
    """
    return calendar.start(iso(day))


# Before, vCenter made no file-based backups; starts of year 1 there are.
FIRST_DAY = ordinal(f"{CALENDAR_YEARS[0]}-01-01")


def check_seen(instant: str) -> str:
    """Return when an import was seen. Raises UsageError before FIRST_DAY: then a clock is wrong.

    All its jobs would count as jobs that start long after they were first seen, for ever.
    """
    if instant[:10] < iso(FIRST_DAY):
        raise UsageError(
            f"an import cannot be of {instant}, before file-based backups existed: correct this machine's"
            " clock, or --seen-at"
        )
    return instant
