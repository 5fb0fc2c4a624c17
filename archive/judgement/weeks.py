"""Sizes by week, without the pattern of weekdays, and cut where their level or their growth changes.

Pure. Weeks are counted back from the last day with a size, so the last one is always whole. Sizes
are logarithms here: growth by a factor is a line, and so is growth by bytes for a while.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from math import exp, log, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.blocks import one_a_day
from archive.judgement.levels import weekday_offsets
from archive.judgement.statistics import median, percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAYS = 7
# A line has two points; to prefer two lines, there must be one more.
_LEAST_WEEKS = 5
# Two lines instead of one must be so much better: the number of weeks times the logarithm of how much
# less squares remain. Less is needed for growth that has ended, which is a simpler thing to say.
_BETTER, _BETTER_FLAT = 20, 7
# Two lines go through so many weeks whatever these are.
_BY_CHANCE = 3
# Weeks within a fifth of a percent are on a line, however much better another one is.
_LEAST_SQUARE = 0.002**2
# A week that is further from the one before and the one after is odd: in deviations, in logarithms.
_ODD_DEVIATIONS, _ODD = 5, log(1.25)
# Of normally distributed values, so many percent are within one standard deviation.
_WITHIN_DEVIATION = 68


class Week(NamedTuple):
    """The median of the days that have sizes (ordinals), and the middle of the logarithms of sizes.

    Of an even number of days the median is the lower of the two in the middle.
    """

    day: int
    log: float


def by_week(sizes: Sequence[tuple[int, int]]) -> list[Week]:
    """Return the weeks with sizes, of which the last one ends with the last day.

    Sizes are pairs of a day ordinal and bytes, ordered by day. The weeks are in order of time;
    those without sizes are left out. Of several sizes of a day the most usual one counts.
    """
    if not sizes:
        return []
    days = [day for day, _ in sizes]
    logs = [log(max(size, 1)) for _, size in sizes]
    if any(one == after for one, after in pairwise(days)):
        days, logs, _ = one_a_day(days, logs)
    offsets = weekday_offsets(days, logs)
    weeks: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for day, one in zip(days, logs, strict=True):
        weeks[(days[-1] - day) // _DAYS].append((day, one - offsets[day % 7]))
    return [
        Week(median([day for day, _ in of_week]), _middle([one for _, one in of_week]))
        for of_week in weeks.values()
    ]


def _middle(logs: list[float]) -> float:
    """Return the mean of the middle half, which is nearer to the level than the median.

    Two odd values of seven move it as little.
    """
    odd = (len(logs) + 1) // 4
    return fmean(sorted(logs)[odd : len(logs) - odd])


def _even(weeks: Sequence[Week]) -> Sequence[Week]:
    """Return the weeks, with single odd ones moved to the one before; two may be a new level."""
    if len(weeks) < _LEAST_WEEKS:
        return weeks
    logs = [week.log for week in weeks]
    most = max(_ODD_DEVIATIONS * _noise(logs), _ODD)
    found = [weeks[0]._replace(log=logs[1]) if abs(logs[0] - logs[1]) > most else weeks[0]]
    for week, after in zip(weeks[1:], [*logs[2:], None], strict=True):
        away = week.log - found[-1].log
        back = away if after is None else week.log - after
        is_odd = min(abs(away), abs(back)) > most and (away > 0) == (back > 0)
        found.append(week._replace(log=found[-1].log) if is_odd else week)
    return found


def _noise(logs: Sequence[float]) -> float:
    """Return the standard deviation of weeks about a line, from the differences of neighbours."""
    steps = [after - before for before, after in pairwise(logs)]
    usual = median(steps)
    return percentile(sorted(abs(step - usual) for step in steps), _WITHIN_DEVIATION) / sqrt(2)


def levels(weeks: Sequence[Week]) -> list[Sequence[Week]]:
    """Return the weeks (three at least) cut where their level or their growth changes."""
    found: list[Sequence[Week]] = []
    rest: Sequence[Week] = _even(weeks)
    while (cut := _cut(rest)) is not None:
        found.append(rest[:cut])
        rest = rest[cut:]
    return [*found, rest]


def _cut(weeks: Sequence[Week]) -> int | None:
    """Return where to cut so that two lines are much better than one; None if they are not."""
    number = len(weeks)
    if number < _LEAST_WEEKS:
        return None
    before = _squares(weeks)
    # What is a line in bytes is none in logarithms, but needs no cut.
    centre = fmean(week.log for week in weeks)
    in_bytes = _squares([week._replace(log=exp(week.log - centre)) for week in weeks])
    one = min(before[-1], in_bytes[-1])
    least = number * _LEAST_SQUARE
    cuts = range(2, number - 1)
    for squares, least_gain in ((_squares, _BETTER), (_flat_squares, _BETTER_FLAT)):
        rest = squares(weeks[::-1])[::-1]
        best = min(cuts, key=lambda cut: before[cut - 1] + rest[cut])
        two = before[best - 1] + rest[best]
        # Through few weeks two lines may go by chance.
        needed = least_gain * number / (number - _BY_CHANCE)
        if number * log((one + least) / (two + least)) > needed:
            return best
    return None


def _flat_squares(weeks: Sequence[Week]) -> list[float]:
    """Return for each week what squares remain about the mean of all until it."""
    n = y = yy = 0.0
    found = []
    for week in weeks:
        above = week.log - weeks[0].log
        n, y, yy = n + 1, y + above, yy + above * above
        found.append(max(yy - y * y / n, 0.0))
    return found


def _squares(weeks: Sequence[Week]) -> list[float]:
    """Return for each week what squares remain about the best line through all until it."""
    found = []
    first = weeks[0]
    n = x = y = xx = xy = yy = 0.0
    for week in weeks:
        days, above = week.day - first.day, week.log - first.log
        n, x, y = n + 1, x + days, y + above
        xx, xy, yy = xx + days * days, xy + days * above, yy + above * above
        spread = xx - x * x / n
        along = xy - x * y / n
        rest = yy - y * y / n - (along * along / spread if spread > 0 else 0)
        found.append(max(rest, 0.0))
    return found
