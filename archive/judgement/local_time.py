"""Instants as whole seconds since 1970 in UTC, and what the clocks of a time zone show then.

Judging compares and adds many instants; whole numbers make that fast. Clock readings are seconds since
1970 on the clocks of the zone, so that a reading // DAY counts local days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR, DAY = 3_600, 86_400
# The ordinal of 1970-01-01, as `date.toordinal` counts: local days + EPOCH are ordinals.
EPOCH = date(1970, 1, 1).toordinal()
# Zones that need no look-up.
_UTC = ("UTC", "Etc/UTC")
# Zones change their offset at whole quarters of an hour.
_QUARTER = 900
# A day from the ends of what datetime can hold, so that a zone's offset does not leave it.
_EARLIEST, _LATEST = (datetime(year, 1, 2, tzinfo=UTC) for year in (1, 9999))
_BOUNDS = tuple(int(moment.timestamp()) for moment in (_EARLIEST, _LATEST))


@lru_cache(1 << 16)
def seconds(instant: str) -> int:
    """Return an instant's whole seconds since 1970; fractions are cut off.

    `instant` is a fixed-width UTC text. Results are shared by all appliances of a fleet.
    """
    moment = datetime.fromisoformat(instant)
    return (moment.toordinal() - EPOCH) * DAY + (
        moment.hour * HOUR + moment.minute * 60 + moment.second
    )


@lru_cache(1 << 16)
def instant(at: int) -> str:
    """Return the instant of seconds since 1970, within the years 1 to 9999.

    The result is a fixed-width UTC text.
    """
    day, second = divmod(min(max(at, _BOUNDS[0]), _BOUNDS[1]), DAY)
    return f"{_iso(day)}T{second // HOUR:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"


@lru_cache(1 << 13)
def _iso(day: int) -> str:
    """Return the ISO form of a day that is counted from 1970."""
    return date.fromordinal(day + EPOCH).isoformat()


class Clock:
    """The clocks of a time zone; make it with `clock`, which shares what was looked up."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, int] = {}
        self._is_utc = zone in _UTC

    def reading(self, at: int) -> int:
        """Return what the clocks show at an instant.

        Offsets are looked up once for each quarter of an hour, and kept.
        """
        if self._is_utc:
            return at
        place = at // _QUARTER
        offset = self._offsets.get(place)
        if offset is None:
            offset = self._offsets[place] = self._offset(place * _QUARTER)
        return at + offset

    def at(self, reading: int) -> int:
        """Return the instant of a reading.

        Of a reading that clocks show twice, or skip, it is the earlier of the two possible instants: a
        backup follows it.
        """
        if self._is_utc:
            return reading
        early = reading - self.reading(reading - DAY) + reading - DAY
        late = reading - self.reading(reading + DAY) + reading + DAY
        if early == late:
            return early
        fitting = [at for at in sorted((early, late)) if self.reading(at) == reading]
        return fitting[0] if fitting else min(early, late)

    def _offset(self, at: int) -> int:
        """Return the zone's offset from UTC at an instant, in seconds."""
        moment = datetime.fromtimestamp(min(max(at, _BOUNDS[0]), _BOUNDS[1]), UTC)
        offset = moment.astimezone(self._zone).utcoffset()
        assert offset is not None  # noqa: S101 - an aware datetime has one
        return int(offset.total_seconds())


@lru_cache
def clock(zone: str) -> Clock:
    """Return the clocks of an IANA time zone. Raises LookupError, ValueError or OSError for no zone."""
    return Clock(zone)
