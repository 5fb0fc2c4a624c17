"""The usual level of a measure by the values before it, and whether a value is unlike them.

Pure. A value is judged by at most `KEPT` values before it, of the `KEPT_DAYS` days before it, and by
nothing else. So the verdict is the same alone and in a row, after a late import and from scratch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.blocks import (
    BLOCK,
    BLOCKS_OF_GROWTH,
    above_blocks,
    deviation,
    one_a_day,
)
from archive.judgement.recurrence import earlier
from archive.judgement.statistics import median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Half a year of daily backups, with six of each day of the month; monthly ones have 13 in the days.
KEPT, KEPT_DAYS = 200, 400
# With fewer values nothing is known: a week of daily backups.
LEAST = 7
# What has come so often is a pattern.
REPETITIONS = 3
# A weekday's offset is the median of its last values in seven blocks.
_BLOCKS_OF_WEEK, _OF_WEEKDAY = 7, 9
# Of normally distributed values one in a million deviates more.
DEVIATIONS = 5
# Two values are alike if they differ by less.
_ALIKE_DEVIATIONS = 4
# Where values hardly differ, so many percent more, or the same factor less, is no news.
LEAST_PERCENT = 28
_LEAST = log(1 + LEAST_PERCENT / 100)
# Until each weekday could come so often, only less than half or more than double is news.
EARLY_DAYS = 7 * REPETITIONS
# A factor of two.
_EARLY = log(2)
# The offset of a weekday or of a day of the month counts if it exceeds so many standard errors.
_ERRORS = 3
# An ordinary value is known by those of so many days, which have two first Sundays of a month.
NEAR_DAYS, _LAST_OF_MONTHS = 70, 2

# Entries of the cache of days, which the appliances of a fleet share.
_CACHED = 8192
# Sizes and durations have 64 bits; the exponential of more could overflow.
_GREATEST, _GREATEST_LOG = 2**63 - 1, 44


class Range(NamedTuple):
    """What a value was expected to be, and from where to where it would have been usual."""

    expected: int
    lower: int
    upper: int


class Usual(NamedTuple):
    """What is usual on a day, in logarithms: the expected value, and how far others are from it.

    `last` are the last values, and `repeated` those of the days that this one may repeat, by the
    ways it may and by day, newest first; each is moved to what it would be now. Values within `alike` are
    alike. Without what comes on a weekday, values are at `level`; the `offsets` of weekdays are by
    day ordinal modulo 7.
    """

    expected: float
    tolerance: float
    alike: float
    last: Sequence[float]
    repeated: Sequence[Sequence[Sequence[float]]]
    level: float
    offsets: Sequence[float]

    def is_usual(self, value: int) -> bool:
        """Say whether a value is as expected, as one of the last two, or as what is repeated."""
        own = _log(value)
        return (
            abs(own - self.expected) <= self.tolerance
            or any(abs(own - one) <= self.alike for one in self.last)
            or any(
                sum(
                    any(abs(own - one) <= self.alike for one in of_day)
                    for of_day in theirs[:REPETITIONS]
                )
                >= REPETITIONS - 1
                for theirs in self.repeated
            )
        )

    def is_level(self, day: int, value: int, other_day: int, other: int) -> bool:
        """Say whether the value of another day is alike, apart from weekdays, and off the old level."""
        above, others = (
            _log(one) - self.offsets[at % 7] - self.level
            for at, one in ((day, value), (other_day, other))
        )
        return abs(above - others) <= self.alike and abs(others) > self.tolerance

    def range(self, least: int) -> Range:
        """Return the range in whole numbers, which is no narrower than `least` either way."""
        expected = _value(self.expected)
        lower, upper = (_value(self.expected + way * self.tolerance) for way in (-1, 1))
        lower, upper = min(lower, expected - least), max(upper, expected + least)
        return Range(expected, max(lower, 0), min(upper, _GREATEST))


class Values:
    """The values of one measure so far, in order: bytes or seconds, and days as ordinals.

    Logarithms are kept: a level grows or falls by a factor, not by a number of bytes.
    """

    def __init__(self, values: Iterable[tuple[int, int]] = ()) -> None:
        known = list(values)
        self._days = [day for day, _ in known]
        self._logs = [_log(value) for _, value in known]
        # The last value of each day.
        self._places = {day: place for place, day in enumerate(self._days)}

    def add(self, day: int, value: int) -> None:
        """Add the next value, which is not negative."""
        self._places[day] = len(self._days)
        self._days.append(day)
        self._logs.append(_log(value))

    def usual(self, day: int) -> Usual | None:
        """Return what is usual on a day, by the values so far; None if there are too few."""
        start = self._start(day)
        if len(self._days) - start < LEAST:
            return None
        return _usual(self._days[start:], self._logs[start:], day)

    def are_mostly_empty(self, day: int) -> bool:
        """Say whether at least half of the values, and one at least, are 0."""
        logs = self._logs[self._start(day) :]
        return bool(logs) and 2 * logs.count(0.0) >= len(logs)

    def _start(self, day: int) -> int:
        return max(len(self._days) - KEPT, bisect_left(self._days, day - KEPT_DAYS))

    def is_ordinary(self, day: int, value: int) -> bool:
        """Say whether a value is clearly like others before it, which saves the rest.

        It is near one of the last two, and one of the last of each of the ways in which its day may
        repeat others, in the `NEAR_DAYS` before it.
        """
        days, logs, own = self._days, self._logs, _log(value)
        first = day - NEAR_DAYS
        if not (
            (days and days[-1] >= first and abs(own - logs[-1]) <= _LEAST)
            or (len(days) > 1 and days[-2] >= first and abs(own - logs[-2]) <= _LEAST)
        ):
            return False
        start = max(len(logs) - KEPT, 0)
        for repeated in _near(day):
            is_known = False
            for other in repeated:
                place = self._places.get(other, -1)
                if place >= start:
                    if abs(own - logs[place]) <= _LEAST:
                        break
                    is_known = True
            else:
                if is_known:
                    return False
        return True


@lru_cache(_CACHED)
def _near(day: int) -> list[tuple[int, ...]]:
    """Return the last days that a day may repeat in each of the ways, in the `NEAR_DAYS` before it."""
    weekday, *of_month = earlier(day)
    ways = [weekday[:REPETITIONS], *(days[:_LAST_OF_MONTHS] for days in of_month)]
    return [tuple(other for other in days if other >= day - NEAR_DAYS) for days in ways]


def _usual(days: Sequence[int], logs: Sequence[float], day: int) -> Usual:
    """Return what is usual on a day after some values (logarithms).

    Of several values of a day, the most usual one counts for it; the others, such as those of a full
    backup beside the nightly ones, are only what a day may repeat.
    """
    beside: dict[int, list[float]] = {}
    if any(one == after for one, after in pairwise(days)):
        days, logs, beside = one_a_day(days, logs)
    above = above_blocks(logs)
    recent = list(zip(days, above, strict=True))[-_BLOCKS_OF_WEEK * BLOCK :]
    offsets = _offsets(recent)
    # A median of few is nearer to them than to what is to come.
    noise = deviation([one - offsets[at % 7] for at, one in recent]) * (1 + LEAST / len(recent))
    plain = [one - offsets[at % 7] for at, one in zip(days[-BLOCK:], logs[-BLOCK:], strict=True)]
    level = median(plain)
    places = [_places(days, theirs) for theirs in earlier(day)]
    repeated_days = [[days[place] for place in found] for found in places]
    repeated = [[above[place] - offsets[days[place] % 7] for place in found] for found in places]
    early = _EARLY if day - days[0] < EARLY_DAYS else 0
    alike = max(_ALIKE_DEVIATIONS * noise, _LEAST, early)
    special = 0.0
    for of_days, theirs in zip(repeated_days[1:], repeated[1:], strict=True):
        offset = _offset(theirs[:REPETITIONS], noise)
        if offset and all(abs(one - offset) <= alike for one in theirs[:REPETITIONS]):
            # The day is known to differ: it is compared with days like it, not with those around.
            special = offset
            if not beside:  # else by weekday something may come beside it
                repeated, repeated_days = [theirs], [of_days]
            break
    on_weekday = level + offsets[day % 7]
    return Usual(
        on_weekday + special,
        max(DEVIATIONS * noise, _LEAST, early),
        alike,
        [on_weekday + special + one - level for one in plain[-2:]],
        [
            [
                [on_weekday + one, *(on_weekday + one + other for other in beside.get(at, ()))]
                for at, one in zip(of_days, theirs, strict=True)
            ]
            for of_days, theirs in zip(repeated_days, repeated, strict=True)
        ],
        level,
        offsets,
    )


def weekday_offsets(days: Sequence[int], logs: Sequence[float]) -> list[float]:
    """Return what weekdays add to logarithms lately, by day ordinal modulo 7; 0 if it is chance."""
    days, logs = days[-_BLOCKS_OF_WEEK * BLOCK :], logs[-_BLOCKS_OF_WEEK * BLOCK :]
    found = [0.0] * 7
    if len(days) < BLOCK * BLOCKS_OF_GROWTH:
        return found  # growth over a block would look like a pattern
    for _ in range(2):  # the second time, medians of blocks have no pattern that moves them
        plain = [one - found[day % 7] for day, one in zip(days, logs, strict=True)]
        above = above_blocks(plain)
        found = _offsets(
            [(day, one + found[day % 7]) for day, one in zip(days, above, strict=True)]
        )
    return found


def _offsets(recent: Sequence[tuple[int, float]]) -> list[float]:
    by_weekday: list[list[float]] = [[] for _ in range(7)]
    for at, one in recent:
        by_weekday[at % 7].append(one)
    rough = deviation([one for _, one in recent])
    return [_offset(theirs[-_OF_WEEKDAY:], rough) for theirs in by_weekday]


def _places(days: Sequence[int], wanted: Iterable[int]) -> list[int]:
    """Return where the last values of the wanted days are, as far as there are any."""
    found = []
    for day in wanted:
        if day < days[0]:
            break
        place = bisect_right(days, day) - 1
        if days[place] == day:
            found.append(place)
    return found


def _offset(repeated: Sequence[float], deviation: float) -> float:
    """Return the median of what has come on the same days, if it is more than chance."""
    if len(repeated) < REPETITIONS:
        return 0.0
    middle = median(repeated)
    return middle if abs(middle) > _ERRORS * deviation / sqrt(len(repeated)) else 0.0


def _log(value: int) -> float:
    return log(value) if value > 1 else 0.0


def _value(logarithm: float) -> int:
    return min(round(exp(min(logarithm, _GREATEST_LOG))), _GREATEST)
