"""How often, and at what time of day, an appliance usually backs up, by its latest jobs."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from typing import NamedTuple

# Of so many days with a job, the latest ones; with fewer than the least nothing can be told.
DAYS = 16
LEAST = 4
LONGEST_GAP = 31
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
    quarters of an hour.
    """

    gap: int | None
    phase: int
    offset: int


class Rhythm:
    """The latest days with jobs, and what is usual of them. Days are learned in their order."""

    def __init__(self) -> None:
        self._days: deque[JobDay] = deque(maxlen=DAYS)
        self._usual: Usual | None = None
        self._learned = True

    def learn(self, day: JobDay) -> None:
        """Add a day with jobs."""
        self._days.append(day)
        self._learned = False

    @property
    def usual(self) -> Usual | None:
        """What is usual; None as long as there are too few days."""
        if not self._learned:
            self._usual = self._tell()
            self._learned = True
        return self._usual

    def _tell(self) -> Usual | None:
        days = [day for day in self._days if day.scheduled]
        if len(days) < LEAST:
            days = list(self._days)
        if len(days) < LEAST:
            return None
        ordinals = [day.day for day in days]
        gap = _median([after - before for before, after in pairwise(ordinals)])
        offset = _median([day.offset for day in days]) // _QUARTER * _QUARTER
        if gap > LONGEST_GAP:
            return Usual(None, 0, offset)
        # Of phases that are as common as one another, the latest counts.
        phases = Counter(ordinal % gap for ordinal in reversed(ordinals))
        return Usual(gap, phases.most_common(1)[0][0], offset)


def _median(values: list[int]) -> int:
    values.sort()
    return values[(len(values) - 1) // 2]
