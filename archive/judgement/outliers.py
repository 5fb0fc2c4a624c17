"""Anomalies of succeeded jobs, compared with the jobs of the same appliance before them.

Pure: jobs in, findings out. A job is judged by the jobs of the `KEPT_DAYS` days before it, and by no
others; only whether it began a new level is known from jobs of the `CONFIRMATION_DAYS` after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from archive.judgement.levels import KEPT_DAYS, Range, Usual, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A MiB or a minute more or less is no news.
LEAST_BYTES, LEAST_SECONDS = 2**20, 60
# A success of less than a tenth of what is expected has hardly backed up the same.
TINY_PERCENT = 10
# So many of the next values confirm a new level, if they come soon enough.
CONFIRMATIONS, CONFIRMATION_DAYS = 2, 31
# How bad an anomaly is: a backup with nothing in it; one that may lack something, takes too long or
# goes elsewhere; and all else that an administrator may want to know.
CRITICAL, WARNING, NOTICE = 3, 2, 1


class Job(NamedTuple):
    """A succeeded job. If it is not `judged`, others are compared with it, but it is not judged itself.

    `location`, `user`, `build` are anything that can be compared; None is not known.

    `day` is an ordinal, `size` in bytes, `duration` in seconds; negative values count as unknown.
    """

    id: int
    day: int
    key: str
    type: str | None
    size: int | None
    duration: int | None
    location: Any
    user: Any
    build: Any
    judged: bool = True


class Finding(NamedTuple):
    """Something unusual of a job; `before` is what a changed value was.

    With the job `confirmed_by`, a size or duration is known to be the first of a new level.

    `what` is empty, tiny, size, duration, location, user, type or build; `figure` is in bytes or
    seconds, None for a changed value.
    """

    job: Job
    what: str
    severity: int
    figure: int | None = None
    usual: Range | None = None
    before: Any = None
    confirmed_by: Job | None = None


def findings(jobs: Iterable[Job]) -> list[Finding]:
    """Return what is unusual in the succeeded jobs of one appliance, which are in their order.

    They come in the order of the jobs; a job may have several. Only jobs with `judged` have any.
    """
    found: list[Finding] = []
    known: dict[str | None, _Known] = {}
    before: Job | None = None
    for job in jobs:
        past = known.get(job.type)
        if past is None:
            past = known[job.type] = _Known(found)
        past.sizes.follow(job, job.size)
        past.durations.follow(job, job.duration)
        if job.judged and not (before and _is_same(job, past.latest, before)):
            found += _changed(job, past.latest, before)
        past.latest = before = job
    return found


def are_plain(jobs: Sequence[Job]) -> bool:
    """Say whether the judged jobs clearly have no anomaly, which takes little time.

    It is enough to know the jobs of the `NEAR_DAYS` days before them.
    """
    begun = next((place for place, job in enumerate(jobs) if job.judged), len(jobs))
    earlier: dict[str | None, list[Job]] = {}
    for job in jobs[:begun]:
        earlier.setdefault(job.type, []).append(job)
    known = {type_: _Plain(theirs) for type_, theirs in earlier.items()}
    before = jobs[begun - 1] if begun else None
    for job in jobs[begun:]:
        past = known.setdefault(job.type, _Plain())
        if job.judged and not (past.has(job) and before and not _differ(job.build, before.build)):
            return False
        past.add(job)
        before = job
    return True


class _Plain:
    """The jobs of one type so far, without models of their values."""

    def __init__(self, jobs: Sequence[Job] = ()) -> None:
        self._latest = jobs[-1] if jobs else None
        self._sizes = Values([(job.day, job.size) for job in jobs if _is_value(job.size)])
        self._durations = Values(
            [(job.day, job.duration) for job in jobs if _is_value(job.duration)]
        )

    def has(self, job: Job) -> bool:
        """Say whether a job is clearly like these."""
        latest = self._latest
        return (
            latest is not None
            and latest.day >= job.day - KEPT_DAYS
            and job.size != 0
            and not _differ(job.location, latest.location)
            and not _differ(job.user, latest.user)
            and (not _is_value(job.size) or self._sizes.is_ordinary(job.day, job.size))
            and (not _is_value(job.duration) or self._durations.is_ordinary(job.day, job.duration))
        )

    def add(self, job: Job) -> None:
        """Add a job."""
        self._latest = job
        if _is_value(job.size):
            self._sizes.add(job.day, job.size)
        if _is_value(job.duration):
            self._durations.add(job.day, job.duration)


def _is_value(value: int | None) -> TypeGuard[int]:
    return value is not None and value >= 0


class _Measure:
    """The sizes or durations of a type so far, and the findings that may have begun a new level."""

    def __init__(self, found: list[Finding]) -> None:
        self._found = found
        self._values = Values()
        self._open: list[_Begun] = []

    def follow(self, job: Job, value: int | None) -> None:
        """Judge the next value by those so far, then add it to them."""
        if value is None or value < 0:
            return
        if self._open:
            self._open = [begun for begun in self._open if begun.goes_on(job, value, self._found)]
        # A size of 0 is like others of 0, and yet no backup.
        if job.judged and not (value and self._values.is_ordinary(job.day, value)):
            self._judge(job, value)
        self._values.add(job.day, value)

    def _judge(self, job: Job, value: int) -> None:
        """Judge a value, and remember a finding that may begin a new level."""
        usual = self._values.usual(job.day)
        if (finding := self._finding(job, value, usual)) is None:
            return
        # An empty or tiny backup never begins a level: it stays a problem however often it comes.
        if usual is not None and finding.severity < CRITICAL:
            self._open.append(_Begun(len(self._found), usual, job.day, value))
        self._found.append(finding)

    def _finding(self, job: Job, value: int, usual: Usual | None) -> Finding | None:
        raise NotImplementedError


class _Sizes(_Measure):
    """Sizes: an empty or tiny one is critical, a small one a warning, a large one a notice."""

    def _finding(self, job: Job, value: int, usual: Usual | None) -> Finding | None:
        range_ = None if usual is None else usual.range(LEAST_BYTES)
        if value == 0:
            if self._values.are_mostly_empty(job.day):
                return None
            return Finding(job, "empty", CRITICAL, 0, range_)
        if usual is None or range_ is None:
            return None
        if value * 100 < range_.expected * TINY_PERCENT and value < range_.expected - LEAST_BYTES:
            return Finding(job, "tiny", CRITICAL, value, range_)
        if range_.lower <= value <= range_.upper or usual.is_usual(value):
            return None
        severity = WARNING if 2 * value < range_.expected else NOTICE
        return Finding(job, "size", severity, value, range_)


class _Durations(_Measure):
    """Durations: a long one is a warning, another unusual one a notice."""

    def _finding(self, job: Job, value: int, usual: Usual | None) -> Finding | None:
        if usual is None:
            return None
        range_ = usual.range(LEAST_SECONDS)
        if range_.lower <= value <= range_.upper or usual.is_usual(value):
            return None
        severity = WARNING if value > 2 * range_.expected else NOTICE
        return Finding(job, "duration", severity, value, range_)


@dataclass
class _Begun:
    """A finding, by its place, that begins a new level if the next values are like it."""

    place: int
    usual: Usual
    day: int
    value: int
    confirmed: int = 0

    def goes_on(self, job: Job, value: int, found: list[Finding]) -> bool:
        """Compare the next value; return whether another one is needed to tell."""
        is_soon = job.day <= self.day + CONFIRMATION_DAYS
        if not (is_soon and self.usual.is_level(self.day, self.value, job.day, value)):
            return False
        self.confirmed += 1
        if self.confirmed < CONFIRMATIONS:
            return True
        found[self.place] = found[self.place]._replace(confirmed_by=job)
        return False


class _Known:
    """The jobs of one type so far."""

    def __init__(self, found: list[Finding]) -> None:
        self.latest: Job | None = None
        self.sizes = _Sizes(found)
        self.durations = _Durations(found)


def _is_same(job: Job, alike: Job | None, before: Job) -> bool:
    """Whether nothing of a job has changed, which takes little time to say."""
    return (
        alike is not None
        and alike.day >= job.day - KEPT_DAYS
        and job.location == alike.location
        and job.user == alike.user
        and job.build == before.build
    )


def _changed(job: Job, alike: Job | None, before: Job | None) -> Iterator[Finding]:
    """Yield what is not as it was with the job before: of the same type, but for type and build."""
    first = job.day - KEPT_DAYS
    if before is None or before.day < first:
        return
    if alike is not None and alike.day >= first:
        if _differ(job.location, alike.location):
            yield Finding(job, "location", WARNING, before=alike.location)
        if _differ(job.user, alike.user):
            yield Finding(job, "user", NOTICE, before=alike.user)
    elif _differ(job.type, before.type):
        yield Finding(job, "type", NOTICE, before=before.type)
    if _differ(job.build, before.build):
        yield Finding(job, "build", NOTICE, before=before.build)


def _differ(now: Any, before: Any) -> bool:
    return now is not None and before is not None and now != before
