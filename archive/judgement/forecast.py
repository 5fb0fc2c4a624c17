"""The forecast of an appliance's sizes: from the last change of level, with an interval that holds.

Pure. Weeks are what is looked at: the middle of a week has neither the pattern of its weekdays nor
single odd sizes. A forecast is of such a middle, too.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from math import exp, log, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import weeks
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.judgement.weeks import Week

# Older sizes say little about the months to come.
HISTORY_DAYS = 365
_DAYS_A_WEEK = 7
# With fewer weeks a slope is noise.
LEAST_WEEKS = 5
# A level that is younger has not shown yet where it is.
LEAST_LEVEL_WEEKS = 3
# A level that is younger grows as the one before it, if it may.
_OWN_GROWTH_WEEKS = 13
# Slopes that differ by less standard errors may be the same; one of less is no growth.
_SAME_ERRORS, _REAL_ERRORS = 2, 2.5
# The logarithm of growth by a percent in a month: less is no difference, however sure it is.
_SAME_SLOPE = 0.01 / 30
# The normal distribution has nine tenths of its values within so many standard deviations.
_HALF_WIDTH = 1.645
# Lines are chosen by the same weeks, which makes them look better than they are.
_CHOSEN = 1.15
# What remains of rounding, and a logarithm of odds beyond which there is no doubt.
_LEAST_SQUARES, _CERTAIN = 1e-12, 40
_GREATEST, _GREATEST_LOG = 2**63 - 1, 44


class Ahead(NamedTuple):
    """The size in bytes expected on a day, and what 90 % of such sizes lie between."""

    expected: int
    low: int
    high: int


class Forecast(NamedTuple):
    """A line and an exponential curve through the middles of weeks, and the weight of the line.

    `last` is the last day with a size, `size` what it then usually was.
    """

    line: _Line
    curve: _Line
    weight: float
    last: int

    @property
    def size(self) -> int:
        """The usual size on the last day, in bytes."""
        return self.on(self.last).expected

    def on(self, day: int) -> Ahead:
        """Return the usual size on a day (ordinal)."""
        ways = [(self.weight, self.line), (1 - self.weight, self.curve)]
        found = [(weight, *line.on(day)) for weight, line in ways]
        expected = sum(weight * middle for weight, middle, _, _ in found)
        # How far each end of an interval is, and how far the middles are apart, are independent.
        below, above = (
            sqrt(
                sum(
                    weight
                    * (
                        (ends[end] - middle) ** 2
                        + (_HALF_WIDTH * choose(middle - expected, 0)) ** 2
                    )
                    for weight, middle, *ends in found
                )
            )
            for end, choose in ((0, min), (1, max))
        )
        return Ahead(_whole(expected), _whole(expected - below), _whole(expected + above))

    def figures(self) -> Figures:
        """Return the numbers that make the forecast, for `made`."""
        line, curve = ((*one.centres[-1], *one[2:5]) for one in (self.line, self.curve))
        return Figures(self.last, self.weight, self.line.number, self.line.free, line, curve)

    @classmethod
    def made(cls, figures: Figures) -> Forecast:
        """Return the forecast of which these are the numbers."""
        line, curve = (
            _Line(is_exponential, [one[:2]], *one[2:], figures.number, figures.free)
            for is_exponential, one in ((False, figures.line), (True, figures.curve))
        )
        return cls(line, curve, figures.weight, figures.last)


class Figures(NamedTuple):
    """The numbers of a forecast: its last day (ordinal), the weight of the line, and both lines.

    `number` are the weeks of the last level, `free` the degrees of freedom. A line has its centre (day
    and value: bytes, or their logarithm), its slope a day with its error, and its deviation.
    """

    last: int
    weight: float
    number: int
    free: int
    line: tuple[float, float, float, float, float]
    curve: tuple[float, float, float, float, float]


def _whole(size: float) -> int:
    """Return a size in whole bytes, from 0 to the greatest of a column."""
    return max(min(round(size), _GREATEST), 0)


class NoForecast(NamedTuple):
    """Why there is no forecast."""

    reason: str


def week_of(day: int) -> int:
    """Return the Monday (ordinal) of the week of a day."""
    return day - (day - 1) % _DAYS_A_WEEK


def whole_weeks(
    sizes: Sequence[tuple[int, int]], history_days: int = HISTORY_DAYS
) -> Sequence[tuple[int, int]]:
    """Return the sizes (day ordinal, bytes), ordered by day, that a forecast follows from.

    They are those of so many days before the week of the last one. So a forecast changes once a week,
    and is not computed again each night.
    """
    if not sizes:
        return sizes
    until = week_of(sizes[-1][0])
    first, end = (bisect_left(sizes, (day,)) for day in (until - history_days, until))
    return sizes[first:end]


def forecast(sizes: Sequence[tuple[int, int]]) -> Forecast | NoForecast:
    """Return the forecast for sizes (day ordinal, bytes), ordered by day: see `whole_weeks`."""
    by_week = weeks.by_week(sizes)
    if len(by_week) < LEAST_WEEKS:
        return NoForecast(f"{counted(len(by_week), 'week')} with sizes, needs {LEAST_WEEKS}")
    levels = weeks.levels(by_week)
    if len(levels[-1]) < LEAST_LEVEL_WEEKS:
        since = date.fromordinal(levels[-1][0].day).isoformat()
        return NoForecast(f"a new level since {since}, needs {LEAST_LEVEL_WEEKS} weeks")
    lines = _fitted(levels[-1:])
    if len(levels) > 1 and len(levels[-1]) < _OWN_GROWTH_WEEKS:
        both = _fitted(levels[-2:])
        is_same = both[1].has_slope_of(lines[1])
        # A young level whose growth is another one is taken as flat: its own slope is not known
        # yet.
        lines = both if is_same else [line._replace(slope=0.0) for line in lines]
    line, curve = lines
    # How much likelier the line is than the curve, as a logarithm, if noise is normally distributed.
    squares = (max(one.squares(levels[-1]), _LEAST_SQUARES) for one in (curve, line))
    likelier = len(levels[-1]) / 2 * log(next(squares) / next(squares))
    weight = 1 / (1 + exp(-max(min(likelier, _CERTAIN), -_CERTAIN)))
    return Forecast(line, curve, weight, sizes[-1][0])


def _fitted(levels: Sequence[Sequence[Week]]) -> list[_Line]:
    """Return the best line and the best exponential curve."""
    return [_line(levels, is_exponential=way) for way in (False, True)]


def _line(levels: Sequence[Sequence[Week]], *, is_exponential: bool) -> _Line:
    """Return a line through the weeks of each level, all of one slope."""
    points = [
        [(float(week.day), week.log if is_exponential else exp(week.log)) for week in level]
        for level in levels
    ]
    return _Line.through(points, is_exponential)


_Points = list[tuple[float, float]]


class _Line(NamedTuple):
    """Lines of one slope, through a centre (day, value) each; the last one has `number` points."""

    is_exponential: bool
    centres: Sequence[tuple[float, float]]
    slope: float
    slope_error: float
    deviation: float
    number: int
    free: int

    @classmethod
    def through(cls, levels: Sequence[_Points], is_exponential: bool) -> _Line:  # noqa: FBT001 - private
        """Return the lines with the least squares."""
        centres = [
            (fmean(day for day, _ in level), fmean(value for _, value in level)) for level in levels
        ]
        pairs = [
            (day - centre[0], value - centre[1])
            for level, centre in zip(levels, centres, strict=True)
            for day, value in level
        ]
        squares = sum(x * x for x, _ in pairs)
        slope = sum(x * y for x, y in pairs) / squares
        free = max(len(pairs) - len(levels) - 1, 1)
        deviation = sqrt(sum((y - slope * x) ** 2 for x, y in pairs) / free)
        error = deviation / sqrt(squares)
        return cls(is_exponential, centres, slope, error, deviation, len(levels[-1]), free)

    def _logs(self, number: int, level: Sequence[Week]) -> list[float]:
        """Return how far the logarithms of weeks of a level are above its line."""
        day, value = self.centres[number]
        line = [value + self.slope * (week.day - day) for week in level]
        return [
            week.log - (one if self.is_exponential else log(max(one, 1)))
            for week, one in zip(level, line, strict=True)
        ]

    def squares(self, level: Sequence[Week]) -> float:
        """Return the sum of the squares by which logarithms of the last level miss it."""
        return sum(one * one for one in self._logs(-1, level))

    def has_slope_of(self, other: _Line) -> bool:
        """Say whether the slope of another curve may be the same."""
        apart = abs(self.slope - other.slope)
        return apart <= _SAME_ERRORS * other.slope_error + _SAME_SLOPE

    def on(self, day: int) -> tuple[float, float, float]:
        """Return the size on a day, and what 90 % are between; without real growth it is the mean."""
        # Nearly that of Student's distribution with so many degrees of freedom.
        quantile = _HALF_WIDTH + 1.523 / self.free + 1.42 / self.free**2
        centre, value = self.centres[-1]
        at = value + self.slope * (day - centre)
        is_real = abs(self.slope) * _HALF_WIDTH > _REAL_ERRORS * quantile * self.slope_error
        expected = at if is_real else value
        error = self.deviation**2 * (1 + 1 / self.number)
        width = _CHOSEN * quantile * sqrt(error + (self.slope_error * (day - centre)) ** 2)
        ends = (expected, min(at - width, expected), max(at + width, expected))
        if self.is_exponential:
            expected, low, high = (exp(min(one, _GREATEST_LOG)) for one in ends)
            return expected, low, high
        return ends
