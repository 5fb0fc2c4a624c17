"""Statistics that a few odd values do not move, in whole numbers where values are whole.

Percentiles are nearest rank, as in all reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T", int, float)


def percentile(ordered: Sequence[_T], percent: int) -> _T:
    """Return the least of some ordered values (one at least) that so many percent do not exceed.

    Nearest rank, so it is always one of the values.
    """
    return ordered[max((len(ordered) * percent + 99) // 100, 1) - 1]


def median(values: Sequence[_T]) -> _T:
    """Return the median of one value or more.

    Of an even number it is the lower one of the two in the middle, so whole numbers stay whole.
    """
    return sorted(values)[(len(values) - 1) // 2]
