"""The earlier days that a day may repeat: by the week, and by the month in three ways."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Enough for each of the patterns to have come several times, and the month of a year before.
_WEEKS, _MONTHS = 9, 13
# A fleet shares its days: they are computed once for all of its appliances.
_CACHED = 8192


class Earlier(NamedTuple):
    """Day ordinals, newest first, up to nine weeks and thirteen months back.

    `month_end` has the days that are as far from the end of their month, `nth_weekday` such as the
    first Sundays of months; a month that has no such day is left out.
    """

    weekday: tuple[int, ...]
    month_day: tuple[int, ...]
    month_end: tuple[int, ...]
    nth_weekday: tuple[int, ...]


@lru_cache(_CACHED)
def earlier(day: int) -> Earlier:
    """Return the days that a day (ordinal) may repeat."""
    own = date.fromordinal(day)
    length = monthrange(own.year, own.month)[1]
    nth = (own.day - 1) // 7
    days: list[int] = []
    ends: list[int] = []
    nths: list[int] = []
    for first, length_then in _months_before(own):
        if own.day <= length_then:
            days.append(first + own.day - 1)
        if length - own.day < length_then:
            ends.append(first + length_then - 1 - (length - own.day))
        same = first + (day - first) % 7 + 7 * nth
        if same < first + length_then:
            nths.append(same)
    weeks = range(day - 7, max(day - 7 * _WEEKS, 1) - 1, -7)
    return Earlier(tuple(weeks), tuple(days), tuple(ends), tuple(nths))


def _months_before(day: date) -> Iterator[tuple[int, int]]:
    """Yield the ordinal of the first day of each month before, and the month's length."""
    year, month = day.year, day.month
    for _ in range(_MONTHS):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        if year < 1:
            return
        yield date(year, month, 1).toordinal(), monthrange(year, month)[1]
