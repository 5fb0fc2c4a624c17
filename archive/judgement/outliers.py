"""Anomalies of succeeded jobs, compared with the jobs of the same appliance before them.

Pure: jobs in, findings out, in one pass that remembers a bounded number of jobs of each type.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.judgement import statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A job is compared with so many before it of its type, about a month of daily ones: enough for a
# median that few odd values move, few enough to have got used to a change after a week.
HISTORY = 30
# With fewer a spread means little: a week of daily jobs.
LEAST = 7
# Jobs further back say nothing of today; what is weekly has 26 in so many days.
HISTORY_DAYS = 180
# Nine median deviations are six standard deviations of values that are normally distributed: with
# ten thousand jobs a day, what chance makes of two measures stays a handful of a day.
DEVIATIONS = 9
# Where values hardly differ, a quarter more or less is no news, nor is a minute or a MiB.
LEAST_PERCENT = 25
LEAST_BYTES, LEAST_SECONDS = 2**20, 60
# A success of less than a tenth of what is expected has hardly backed up the same.
TINY_PERCENT = 10


class Job(NamedTuple):
    """A succeeded job. If it is not `judged`, others are compared with it, but it is not judged itself.

    `location`, `user`, `build` are anything that can be compared; None is not known.
    """

    day: int
    key: str
    type: str | None
    size: int | None
    duration: int | None
    location: Any
    user: Any
    build: Any
    judged: bool = True


class Range(NamedTuple):
    """What a value was expected to be, and from where to where it would have been usual."""

    expected: int
    lower: int
    upper: int


class Finding(NamedTuple):
    """Something unusual of a job; `before` is what a changed value was."""

    job: Job
    what: str
    figure: int | None = None
    usual: Range | None = None
    before: Any = None


def usual(values: Sequence[int], least: int) -> Range:
    """Return the range of the value that follows some (two at least), which may grow evenly.

    Growth is taken out by the median of how much values grow over half of the history. `least` is
    how much more or less is no news.
    """
    number = len(values)
    half = number // 2
    growth = statistics.median([values[at + half] - values[at] for at in range(number - half)])
    grown = [value + growth * (number - at) // half for at, value in enumerate(values)]
    middle = statistics.median(grown)
    deviation = statistics.median([abs(value - middle) for value in grown])
    expected = max(middle, 0)
    width = max(DEVIATIONS * deviation, expected * LEAST_PERCENT // 100, least)
    return Range(expected, max(expected - width, 0), expected + width)


def is_enough(jobs: Sequence[Job]) -> bool:
    """Say whether there are enough jobs before the last one: more would not be compared with it."""
    if not jobs:
        return False
    *before, last = jobs
    alike = [job for job in before if job.type == last.type]
    sizes = sum(job.size is not None and job.size >= 0 for job in alike)
    durations = sum(job.duration is not None and job.duration >= 0 for job in alike)
    return min(sizes, durations) >= HISTORY


def findings(jobs: Iterable[Job]) -> Iterator[Finding]:
    """Yield what is unusual in the succeeded jobs of one appliance, which are in their order."""
    known: dict[str | None, _Known] = {}
    before: Job | None = None
    for job in jobs:
        past = known.setdefault(job.type, _Known())
        past.forget(job.day - HISTORY_DAYS)
        if job.judged:
            yield from _of_size(job, past.sizes)
            yield from _of_duration(job, past.durations)
            recent = before if before and before.day >= job.day - HISTORY_DAYS else None
            yield from _changed(job, past.latest, recent)
        past.remember(job)
        before = job


@dataclass
class _Known:
    """The jobs of one type so far: the latest, and (day, value) of some that have one."""

    latest: Job | None = None
    sizes: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    durations: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def forget(self, day: int) -> None:
        for values in (self.sizes, self.durations):
            while values and values[0][0] < day:
                values.popleft()
        if self.latest is not None and self.latest.day < day:
            self.latest = None

    def remember(self, job: Job) -> None:
        self.latest = job
        if job.size is not None and job.size >= 0:
            self.sizes.append((job.day, job.size))
        if job.duration is not None and job.duration >= 0:
            self.durations.append((job.day, job.duration))


def _of_size(job: Job, sizes: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    if job.size is None or job.size < 0:
        return
    if len(sizes) < LEAST:
        if job.size == 0 and not any(size == 0 for _, size in sizes):
            yield Finding(job, "tiny", job.size)
        return
    found = usual([size for _, size in sizes], LEAST_BYTES)
    if job.size * 100 < found.expected * TINY_PERCENT:
        yield Finding(job, "tiny", job.size, found)
    elif not found.lower <= job.size <= found.upper:
        yield Finding(job, "size", job.size, found)


def _of_duration(job: Job, durations: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    if job.duration is None or job.duration < 0 or len(durations) < LEAST:
        return
    found = usual([duration for _, duration in durations], LEAST_SECONDS)
    if not found.lower <= job.duration <= found.upper:
        yield Finding(job, "duration", job.duration, found)


def _changed(job: Job, alike: Job | None, before: Job | None) -> Iterator[Finding]:
    """Yield what is not as it was with the job before: of the same type, but for type and build."""
    if alike is not None:
        if _differ(job.location, alike.location):
            yield Finding(job, "location", before=alike.location)
        if _differ(job.user, alike.user):
            yield Finding(job, "user", before=alike.user)
    elif before is not None and _differ(job.type, before.type):
        yield Finding(job, "type", before=before.type)
    if before is not None and _differ(job.build, before.build):
        yield Finding(job, "build", before=before.build)


def _differ(now: Any, before: Any) -> bool:
    return now is not None and before is not None and now != before
