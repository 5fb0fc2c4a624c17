"""Which due times an appliance keeps by habit, learned from the times at which its jobs started.

The habit is learned anew at each week's start, from the runs of the WINDOW days before the last run: it
does not depend on anything older, so judging can begin anywhere. Without runs the last habit holds: an
outage does not look like a change of habit.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from itertools import pairwise
from operator import sub
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.local_time import DAY, EPOCH, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

# A habit is learned from the runs of so many days, or from the last FEWEST if those are fewer.
WINDOW, FEWEST = 42, 12
# Three repetitions make a habit; of a daily one, four.
_LEAST_DAYS, _LEAST_RUNS = 3, 4
# A weekly habit is learned from the last four weeks.
_WEEK, _BLOCKS = 7, 4
# Runs that start further apart than this belong to different times of day.
_APART = 90 * 60
# An expected day of a habit has had a run at least so often, and so many of the runs are on such days.
_KEPT_PERCENT, _EXPLAINED_PERCENT = 75, 70
# Runs that start close after a failed one are retries, unless a schedule started them.
_RETRY = 4 * HOUR
# Of a time of day, so many of the latest starts say how late it usually is.
_LATEST = 14
# So many of the latest gaps between days with a run show what holds now.
_LATEST_GAPS = 6
# A run may start so much earlier than the earliest one lately, and still be expected.
_EARLY = 3 * HOUR
# A due time is a multiple of five minutes, so that it does not move with each run.
_ROUND = 5 * 60
# Days: longer intervals are months.
_LONGEST_INTERVAL = 28
# So many days are between the runs of a monthly habit.
_MONTH = range(26, 37)


class Run(NamedTuple):
    """When a job started, on the clocks of its zone, and whether a schedule started it, or it failed.

    `reading` is in seconds of the zone's clocks: see `clock`.
    """

    reading: int
    scheduled: bool
    failed: bool


class Weekly(NamedTuple):
    """On some days of the week, 0 being that of local day 0: all seven of a daily habit."""

    weekdays: frozenset[int]

    def expects(self, day: int) -> bool:
        """Return whether a local day is one of them."""
        return day % _WEEK in self.weekdays


class Every(NamedTuple):
    """Every so many days, counted from a day."""

    gap: int
    first: int

    def expects(self, day: int) -> bool:
        """Return whether a local day is one of them."""
        return (day - self.first) % self.gap == 0


class Monthly(NamedTuple):
    """On a day of the month, counted from 1; from the last, -1; or on the nth such weekday.

    `weekday` is that of local day 0 plus so many days; `nth` counts from 1.
    """

    day_of_month: int | None
    weekday: int | None = None
    nth: int | None = None

    def expects(self, day: int) -> bool:
        """Return whether a local day is one of them; a shorter month has it on its last day."""
        if self.day_of_month is None:
            return (day % _WEEK, _nth(day)) == (self.weekday, self.nth)
        of_month, last = _of_month(day)
        if self.day_of_month < 0:
            return of_month == last
        return of_month == min(self.day_of_month, last)


class Habit(NamedTuple):
    """A time of day and the days on which a run usually starts then.

    It usually has started by `due`, and never earlier than `opens`: seconds after a local day's start
    (negative and beyond a day where runs lie around midnight). `pattern` counts such days.

    `opens` may lie before the day, `due` is from 0 to a day.
    """

    opens: int
    due: int
    pattern: Weekly | Every | Monthly

    def covers(self, reading: int) -> bool:
        """Return whether it expects a run that is due at about a reading."""
        day = (reading - self.due + DAY // 2) // DAY
        away = abs(reading - self.due - day * DAY)
        return away <= _EARLY and self.pattern.expects(day)


def habits(runs: Sequence[Run]) -> tuple[Habit, ...]:
    """Return the habits that runs show, by time of day; none without a pattern.

    Runs are in the order of their start; those of the WINDOW days before the last one count.
    """
    counted = _counted(runs)
    if len(counted) < _LEAST_RUNS:
        return ()
    since = min(counted[-1] - WINDOW * DAY, counted[-min(FEWEST, len(counted))])
    if counted[0] < since:
        counted = [reading for reading in counted if reading >= since]
    boundary, clusters = _clusters(counted)
    last = (counted[-1] - boundary) // DAY
    all_days = _days(counted, boundary)
    excluded = _outage(all_days)
    found = []
    for times in clusters:
        days = all_days if len(clusters) == 1 else _days(times, boundary)
        within = sorted([(reading - boundary) % DAY for reading in times[-_LATEST:]])
        late = boundary + within[(9 * len(within) + 9) // 10 - 1]
        # From here on, days are those of the calendar at the usual time.
        shift, due = divmod(late // _ROUND * _ROUND, DAY)
        pattern = _pattern(
            [day + shift for day in days] if shift else days,
            last + shift,
            range(excluded.start + shift, excluded.stop + shift),
        )
        if pattern is not None:
            found.append(Habit(boundary + within[0] - _EARLY - shift * DAY, due, pattern))
    return tuple(found)


def _counted(runs: Sequence[Run]) -> list[int]:
    """Return the readings that count: of scheduled runs if there are such, otherwise without retries."""
    scheduled = [reading for reading, is_scheduled, _ in runs if is_scheduled]
    if len(scheduled) >= _LEAST_RUNS:
        return scheduled
    return [
        run.reading
        for before, run in zip((None, *runs), runs, strict=False)
        if before is None or not before.failed or run.reading - before.reading > _RETRY
    ]


def _clusters(readings: Sequence[int]) -> tuple[int, list[Sequence[int]]]:
    """Return where days are cut, in seconds, and the readings by time of day, in the order of time.

    Days are cut in the middle of the longest time without any start.
    """
    times = sorted({reading % DAY for reading in readings})
    gaps = _gaps([*times, times[0] + DAY])
    *_, second, longest = (0, *sorted(gaps))
    before = times[len(gaps) - 1 - gaps[::-1].index(longest)]
    middle = (before + longest // 2) % DAY
    boundary = middle if middle <= DAY // 2 else middle - DAY
    if second <= _APART:  # nearly always it is so
        return boundary, [readings]
    times = sorted((time - boundary) % DAY for time in times)
    ends = [before for before, after in pairwise(times) if after - before > _APART]
    clusters: list[list[int]] = [[] for _ in range(len(ends) + 1)]
    for reading in readings:
        time = (reading - boundary) % DAY
        clusters[bisect_left(ends, time)].append(reading)
    return boundary, [*clusters]


def _gaps(ordered: Sequence[int]) -> list[int]:
    """Return the differences of neighbours."""
    return [*map(sub, ordered[1:], ordered)]


def _days(readings: Sequence[int], boundary: int) -> list[int]:
    """Return the days of readings, cut at a boundary."""
    return sorted({(reading - boundary) // DAY for reading in readings})


def _outage(days: Sequence[int]) -> range:
    """Return the days of the longest time without runs, if it is no part of the pattern.

    Days are in order.
    """
    gaps = _gaps(days)
    ordered = sorted(gaps)
    if len(gaps) < _LEAST_DAYS or ordered[-1] < 2 * ordered[-2]:
        return range(0)
    before = days[gaps.index(ordered[-1])]
    return range(before + 1, before + ordered[-1])


def _pattern(days: Sequence[int], last: int, excluded: range) -> Weekly | Every | Monthly | None:
    """Return the pattern of days with a run, up to the appliance's last day with any."""
    if len(days) < _LEAST_DAYS:
        return None
    # The latest ones show what holds now.
    gaps = _gaps(days[-_LATEST_GAPS - 1 :])
    middle = sorted(gaps)[(len(gaps) - 1) // 2]
    if middle in _MONTH and last - days[-1] < _LEAST_DAYS * _MONTH[-1]:
        monthly = _monthly(days)
        if monthly is not None:
            return monthly
    every = _every(gaps, days[-1])
    if every is not None:
        return every if last - days[-1] < _LEAST_DAYS * every.gap else None
    return _weekly(days, last, excluded) if middle <= _WEEK else None


def _every(gaps: Sequence[int], last: int) -> Every | None:
    """Return the pattern of a fixed number of days: that of most gaps, the others being multiples of it.

    One day and seven are left to `_weekly`, which also knows days without a run.
    """
    gap = max(gaps, key=gaps.count)
    number = gaps.count(gap)
    multiples = all(one % gap == 0 for one in gaps)
    if gap in (1, _WEEK) or gap > _LONGEST_INTERVAL or not multiples:
        return None
    return Every(gap, last % gap) if number >= _LEAST_DAYS and number * 4 >= len(gaps) * 3 else None


def _weekly(days: Sequence[int], last: int, excluded: range) -> Weekly | None:
    """Return the weekdays with a run in at least half of the last weeks, if they explain most runs.

    Days of an outage do not count.
    """
    first = max(days[0], last - _WEEK * _BLOCKS + 1)
    present = days[bisect_left(days, first) :]
    came = _by_weekday(first, last + 1)
    if excluded:
        without = _by_weekday(max(excluded.start, first), min(excluded.stop, last + 1))
        came = [*map(sub, came, without)]
    ran = [0] * _WEEK
    for day in present:
        ran[day % _WEEK] += 1
    weekdays = [day for day in range(_WEEK) if ran[day] and 2 * ran[day] >= came[day]]
    kept = sum([ran[day] for day in weekdays])
    expected = sum([came[day] for day in weekdays])
    absent = sum(day % _WEEK in weekdays for day in range(days[-1] + 1, last + 1))
    if (
        kept < _LEAST_DAYS
        or absent >= _LEAST_RUNS
        or kept * 100 < expected * _KEPT_PERCENT
        or kept * 100 < len(present) * _EXPLAINED_PERCENT
    ):
        return None
    return Weekly(frozenset(weekdays))


def _by_weekday(first: int, until: int) -> list[int]:
    """Return how many days there are of each weekday, from a day until before another."""
    if first >= until:
        return [0] * _WEEK
    return [(until - 1 - day) // _WEEK - (first - 1 - day) // _WEEK for day in range(_WEEK)]


def _monthly(days: Sequence[int]) -> Monthly | None:
    """Return the day of the month, or the nth weekday, that the last three runs share."""
    latest = days[-_LEAST_DAYS:]
    lasts = [_of_month(day) for day in latest]
    longest = max(of_month for of_month, _ in lasts)
    if all(of_month == min(longest, last) for of_month, last in lasts):
        is_last = all(of_month == last for of_month, last in lasts)
        return Monthly(-1 if is_last else longest)
    if len({(day % _WEEK, _nth(day)) for day in latest}) == 1:
        return Monthly(None, latest[-1] % _WEEK, _nth(latest[-1]))
    return None


def _of_month(day: int) -> tuple[int, int]:
    """Return the day of the month of a local day, and the month's last."""
    local = date.fromordinal(day + EPOCH)
    following = date(local.year + local.month // 12, local.month % 12 + 1, 1)
    return local.day, local.day + following.toordinal() - EPOCH - day - 1


def _nth(day: int) -> int:
    """Return which one of its weekday a local day is in its month, from 1."""
    return (_of_month(day)[0] - 1) // _WEEK + 1
