"""How often an appliance is usually imported, and how long ago its last import may be."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from archive.judgement import statistics
from archive.judgement.standing import seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOUR, _DAY = 3_600, 86_400
# Imports that are less than this apart are one: an afternoon of imports by hand says nothing about
# the next day, nor do hourly collections ask for an import each hour.
_APART = 22 * _HOUR
# Most of the latest gaps are no longer than the usual one: at weekends there may be no import. With fewer
# gaps than _MANY it is their median, and with fewer than LEAST_GAPS there is none.
_GAPS, _MANY, LEAST_GAPS, _MOST_PERCENT = 14, 7, 3, 85
# The last import may be half as long ago again as is usual: with daily imports, 36 hours.
LONG_PERCENT = 150
# Where nothing is usual, two nights may pass without an import.
DEFAULT_LIMIT = 50 * _HOUR


def usual_interval(instants: Iterable[str]) -> int | None:
    """Return the usual seconds between imports, at least a day; None if there are too few.

    Instants must be in ascending order.

    Instants are fixed-width UTC texts; imports less than 22 hours apart count as one.
    """
    firsts: list[str] = []
    for instant in instants:
        if not firsts or seconds_between(firsts[-1], instant) >= _APART:
            firsts.append(instant)
    gaps = sorted(seconds_between(*pair) for pair in pairwise(firsts[-_GAPS - 1 :]))
    if len(gaps) < LEAST_GAPS:
        return None
    percent = _MOST_PERCENT if len(gaps) >= _MANY else 50
    return max(statistics.percentile(gaps, percent), _DAY)


def is_long(gap: int, usual: int) -> bool:
    """Return whether a gap is long compared with the usual one; both are in seconds."""
    return gap * 100 > usual * LONG_PERCENT


def limit(usual: int | None, rpo_seconds: int) -> int:
    """Return how many seconds ago the last import may be before it is missing.

    Without a usual interval that is two nights, or the RPO if it is longer.
    """
    if usual is None:
        return max(DEFAULT_LIMIT, rpo_seconds)
    return usual * LONG_PERCENT // 100
