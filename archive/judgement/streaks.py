"""Consecutive failures of an appliance: now, at worst, and how long recovery took."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.standing import seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable


class Finished(NamedTuple):
    """A finished job: whether it failed, when it started, and when it ended if that is known.

    Instants are fixed-width UTC texts.
    """

    failed: bool
    began: str
    end: str | None


class Streaks(NamedTuple):
    """Consecutive failures now and since when, the most there were, and recoveries in seconds.

    A recovery lasts from the start of the first failure to the end of the next success. Of two equally
    long worst streaks, the later one counts.
    """

    failures: int = 0
    since: str | None = None
    worst: int = 0
    worst_since: str | None = None
    recoveries: int = 0
    recovery_seconds: int = 0
    recovery_worst_seconds: int = 0


def fold(before: Streaks, jobs: Iterable[Finished]) -> Streaks:
    """Return the streaks after further finished jobs, which are in the order of their start."""
    failures, since, worst, worst_since, recoveries, total, longest = before
    for job in jobs:
        if job.failed:
            since = since or job.began
            failures += 1
            if failures >= worst:
                worst, worst_since = failures, since
        elif since is not None:
            # A job without a start time can be ordered before one that has ended earlier.
            took = max(seconds_between(since, max(job.end or "", job.began)), 0)
            recoveries, total, longest = recoveries + 1, total + took, max(longest, took)
            failures, since = 0, None
    return Streaks(failures, since, worst, worst_since, recoveries, total, longest)
