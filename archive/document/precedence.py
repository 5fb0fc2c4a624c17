"""Merge two observations of a job: which document wins, and when the job was seen.

The order is total, so merging is commutative, associative and idempotent: the same imports give the
same archive in any order, repeated or split.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from archive.statuses import FINISHED, OPEN

# A status that the published schema does not have ranks after RUNNING: it may be final, but a job that
# has SUCCEEDED or FAILED keeps that status.
_UNKNOWN_RANK = len(OPEN)
# SUCCEEDED and FAILED rank alike: between them the other fields decide.
_RANKS = {status: rank for rank, status in enumerate(OPEN)} | dict.fromkeys(
    FINISHED, _UNKNOWN_RANK + 1
)

# Status, progress, duration in seconds, end time, digest; compared from left to right.
Rank = tuple[int, int, int, str, bytes]


def rank(
    status: str,
    progress_completed: int | None,
    duration_seconds: int | None,
    end_time: str | None,
    digest: bytes,
) -> Rank:
    """Return the rank of a document; of a job's documents the greatest wins.

    `end_time` is a fixed-width UTC instant, `digest` the SHA-256 of the canonical JSON.

    An absent number ranks below all that 64 bits can hold. The digest decides between documents
    that are equal in all else, so that the result does not depend on which came first.
    """
    # Less than any number of a document.
    lowest = -(2**63) - 1
    return (
        _RANKS.get(status, _UNKNOWN_RANK),
        lowest if progress_completed is None else progress_completed,
        lowest if duration_seconds is None else duration_seconds,
        end_time or "",
        digest,
    )


class SeenInterval(NamedTuple):
    """When a job was seen: first, last, and first in each status; fixed-width UTC instants.

    `statuses` has at least the status of the document that it belongs to.
    """

    first_seen: str
    last_seen: str
    statuses: dict[str, str]

    def merge(self, other: SeenInterval) -> SeenInterval:
        """Return the interval of both together."""
        statuses = dict(self.statuses)
        for status, observed_at in other.statuses.items():
            known = statuses.get(status)
            if known is None or observed_at < known:
                statuses[status] = observed_at
        return SeenInterval(
            min(self.first_seen, other.first_seen), max(self.last_seen, other.last_seen), statuses
        )


class State(NamedTuple):
    """A job's merged observations; `document` is the content with the winning rank."""

    rank: Rank
    seen: SeenInterval
    document: Any

    def merge(self, other: State) -> State:
        """Return the state of both together; of two equal ranks this one wins."""
        winner = other if other.rank > self.rank else self
        return State(winner.rank, self.seen.merge(other.seen), winner.document)
