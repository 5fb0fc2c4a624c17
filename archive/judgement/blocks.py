"""Values by blocks of the same number of values, whose medians show the level and the growth.

Pure. Values are logarithms: a level grows or falls by a factor.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from archive.judgement.statistics import median, percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A level is the median of so many values: two of each weekday.
BLOCK = 14
# Growth shows in the medians of so many blocks, even if one of them is on another level.
BLOCKS_OF_GROWTH = 4
# Of normally distributed values, so many percent are within one standard deviation.
_WITHIN_DEVIATION = 68


def above_blocks(logs: Sequence[float]) -> list[float]:
    """Return how far values are above the median of their block, apart from steady growth.

    The first block may be longer than the others.
    """
    number = max(len(logs) // BLOCK, 1)
    ends = [len(logs) - BLOCK * after for after in range(number - 1, -1, -1)]
    blocks = [logs[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    middles = [median(block) for block in blocks]
    growth = 0.0
    if number >= BLOCKS_OF_GROWTH:
        growth = median([after - before for before, after in pairwise(middles)]) / BLOCK
    return [
        one - middle - growth * (place - (len(block) - 1) // 2)
        for block, middle in zip(blocks, middles, strict=True)
        for place, one in enumerate(block)
    ]


def one_a_day(
    days: Sequence[int], logs: Sequence[float]
) -> tuple[list[int], list[float], dict[int, list[float]]]:
    """Return the days with the value of each that is nearest to its block, and the others above it."""
    above = above_blocks(logs)
    chosen: dict[int, int] = {}
    for place, day in enumerate(days):
        if abs(above[place]) < abs(above[chosen.setdefault(day, place)]):
            chosen[day] = place
    beside: dict[int, list[float]] = {}
    for place, day in enumerate(days):
        if place != chosen[day]:
            beside.setdefault(day, []).append(logs[place] - logs[chosen[day]])
    return list(chosen), [logs[place] for place in chosen.values()], beside


def deviation(values: Iterable[float]) -> float:
    """Return the standard deviation of values about 0, without regard to the greatest third."""
    return percentile(sorted(map(abs, values)), _WITHIN_DEVIATION)
