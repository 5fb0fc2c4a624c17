"""The answers that a collector gets from the fleet over the years, one after the other."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps
from archive.demo.details import answer
from archive.demo.jobs import Job, jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.demo.fleet import Appliance, Plan

# Answers overlap: each has the jobs of MEMORY. (A real appliance may return all its jobs each time;
# that would only make the demonstration slow.)
EVERY = timedelta(days=30)
MEMORY = timedelta(days=40)
# No two answers have the same time, as in a real collection.
_BETWEEN_APPLIANCES = timedelta(seconds=4)


class Collected(NamedTuple):
    """One answer of one appliance, and when it was given.

    `content` is JSON as the appliance would have answered at `seen_at`.
    """

    appliance: str
    seen_at: str
    content: bytes


class _Visited:
    """One appliance and the jobs that it has created so far.

    It keeps only the jobs of MEMORY, so a plan of any length takes the same memory.
    """

    def __init__(self, plan: Plan, appliance: Appliance) -> None:
        self.appliance = appliance
        self._coming = jobs(plan, appliance)
        self._next: Job | None = next(self._coming, None)
        self._remembered: deque[Job] = deque()

    def remembered(self, at: datetime) -> deque[Job]:
        """Return the jobs in an answer at a moment, which must be later than the one before."""
        while self._next is not None and self._next.created <= at:
            self._remembered.append(self._next)
            self._next = next(self._coming, None)
        while self._remembered and self._remembered[0].created < at - MEMORY:
            self._remembered.popleft()
        return self._remembered


def collect(plan: Plan) -> Iterator[Collected]:
    """Yield the answers in order of time, up to the plan's end.

    An appliance answers from its first job until it stops reporting.

    There is one round every EVERY; an appliance without jobs yet gives no answer.
    """
    fleet = [_Visited(plan, appliance) for appliance in plan.appliances]
    for before in range(plan.days // EVERY.days, -1, -1):
        round_at = plan.until - before * EVERY
        for place, visited in enumerate(fleet):
            at = round_at + place * _BETWEEN_APPLIANCES
            known = visited.remembered(at)
            if known and visited.appliance.life.holds(plan.share(at)):
                content = answer(visited.appliance, known, at)
                yield Collected(visited.appliance.name, timestamps.from_datetime(at), content)
