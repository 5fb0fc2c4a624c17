"""Statistics that a few odd values do not move, in whole numbers where values are whole.

Percentiles are nearest rank, as in all reports.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T", int, float)
# The standard normal distribution has nine tenths of its values within so many deviations.
_NINE_TENTHS = 1.645


def percentile(ordered: Sequence[_T], percent: int) -> _T:
    """Return the least of some ordered values (one at least) that so many percent do not exceed."""
    return ordered[max((len(ordered) * percent + 99) // 100, 1) - 1]


def median(values: Sequence[_T]) -> _T:
    """Return the median of one value or more."""
    return sorted(values)[(len(values) - 1) // 2]


class Slope(NamedTuple):
    """The median of the slopes between any two points, and where 9 in 10 such slopes would lie."""

    middle: float
    low: float
    high: float


def theil_sen(points: Sequence[tuple[int, int]]) -> Slope:
    """Return the slope of points (x, y) with rising x, two at least; it takes the square of time.

    The interval is between order statistics of the slopes, as Kendall's tau gives them.
    """
    slopes = sorted(
        (y - points[before][1]) / (x - points[before][0])
        for place, (x, y) in enumerate(points)
        for before in range(place)
    )
    number, pairs = len(points), len(slopes)
    spread = _NINE_TENTHS * sqrt(number * (number - 1) * (2 * number + 5) / 18)
    low = max(int((pairs - spread) / 2), 1) - 1
    high = min(ceil((pairs + spread) / 2) + 1, pairs) - 1
    return Slope(percentile(slopes, 50), slopes[low], slopes[high])
