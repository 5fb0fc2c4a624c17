"""How often, and at what time of day, an appliance usually backs up, by its latest jobs."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# The habit is learned from so many of the latest days with a job, and from no fewer than LEAST.
DAYS = 16
LEAST = 4
LONGEST_GAP = 31
# A day of the week on which nothing ran is not expected if it came so often: once is chance.
LEAST_IDLE = 2
_WEEK = 7
_QUARTER = 15 * 60


class JobDay(NamedTuple):
    """A day with jobs, by ordinal; whether one of them was SCHEDULED, and when the first started.

    `offset` is in seconds after the day's start: of the first SCHEDULED job, if there is one.
    """

    day: int
    scheduled: bool
    offset: int


class Usual(NamedTuple):
    """What is usual: a backup each `gap` days, `phase` being the day's ordinal modulo the gap.

    `gap` is None if it is longer than a month. `offset` is in seconds after a day's start, in whole
    quarters of an hour. If it is daily, not on `idle` days of the week: ordinals modulo 7.
    """

    gap: int | None
    phase: int
    offset: int
    idle: frozenset[int] = frozenset()

    def after(self, day: int) -> int | None:
        """Return in how many days after one the next backup is usual; None if none is on that day."""
        if self.gap is None or day % self.gap != self.phase:
            return None
        if not self.idle:
            return self.gap
        if day % _WEEK in self.idle:
            return None
        return next(gap for gap in range(1, _WEEK + 1) if (day + gap) % _WEEK not in self.idle)


class Rhythm:
    """What is usual as of a day. Days with jobs are given in their order, and read as they are needed."""

    def __init__(self, days: Iterable[JobDay]) -> None:
        self._coming = iter(days)
        self._next = next(self._coming, None)
        self._latest: deque[JobDay] = deque(maxlen=DAYS)
        self._usual: Usual | None = None

    def before(self, day: int) -> Usual | None:
        """Return what is usual by the days before one; None as long as they are too few.

        Must be asked for days in their order.
        """
        if self._next is None or self._next.day >= day:
            return self._usual
        while self._next is not None and self._next.day < day:
            self._latest.append(self._next)
            self._next = next(self._coming, None)
        self._usual = _usual(self._latest)
        return self._usual


def _usual(latest: Iterable[JobDay]) -> Usual | None:
    days = list(latest)
    scheduled = [day for day in days if day.scheduled]
    if len(scheduled) >= LEAST:
        days = scheduled
    if len(days) < LEAST:
        return None
    ordinals = [day.day for day in days]
    offset = _median([day.offset for day in days]) // _QUARTER * _QUARTER
    if ordinals[-1] - ordinals[0] + 1 == len(ordinals):  # each of them: most often it is so
        return Usual(1, 0, offset)
    gap = _median([after - before for before, after in pairwise(ordinals)])
    if gap > LONGEST_GAP:
        return Usual(None, 0, offset)
    if gap == 1:
        return Usual(1, 0, offset, _idle(ordinals))
    # Of phases that are as common as one another, the latest counts.
    phases = Counter(ordinal % gap for ordinal in reversed(ordinals))
    return Usual(gap, phases.most_common(1)[0][0], offset)


def _idle(ordinals: list[int]) -> frozenset[int]:
    """Return the days of the week that came often enough, and never with a job."""
    first, number = ordinals[0], ordinals[-1] - ordinals[0] + 1
    without = set(range(_WEEK)).difference(ordinal % _WEEK for ordinal in ordinals)
    return frozenset(
        day for day in without if (number - (day - first) % _WEEK - 1) // _WEEK + 1 >= LEAST_IDLE
    )


def _median(values: list[int]) -> int:
    values.sort()
    return values[(len(values) - 1) // 2]
