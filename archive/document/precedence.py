"""Which of two observations of a job wins, and what both together say of it.

The order is total, so merging is commutative, associative and idempotent: any order, duplication or
split of the same imports gives the same archive.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from archive.statuses import FINISHED, OPEN

# A status that the published schema does not know comes after RUNNING: it may well be an end, but a
# job that is known to have finished never leaves that state.
_UNKNOWN_RANK = len(OPEN)
_RANKS = {status: rank for rank, status in enumerate(OPEN)} | dict.fromkeys(
    FINISHED, _UNKNOWN_RANK + 1
)

Rank = tuple[int, int, int, str, bytes]


def rank(
    status: str,
    progress_completed: int | None,
    duration_seconds: int | None,
    end_time: str | None,
    digest: bytes,
) -> Rank:
    """Return the place of a document in the order of states; the greatest is the job's state."""
    lowest = -(2**63) - 1
    return (
        _RANKS.get(status, _UNKNOWN_RANK),
        lowest if progress_completed is None else progress_completed,
        lowest if duration_seconds is None else duration_seconds,
        end_time or "",
        digest,
    )


class SeenInterval(NamedTuple):
    """When a job was seen: first, last, and first in each status."""

    first_seen: str
    last_seen: str
    statuses: dict[str, str]

    def merge(self, other: SeenInterval) -> SeenInterval:
        """Return what both sights together say."""
        statuses = dict(self.statuses)
        for status, observed_at in other.statuses.items():
            known = statuses.get(status)
            if known is None or observed_at < known:
                statuses[status] = observed_at
        return SeenInterval(
            min(self.first_seen, other.first_seen), max(self.last_seen, other.last_seen), statuses
        )


class State(NamedTuple):
    """A job as far as it has been observed. `document` is whatever belongs to the winning rank."""

    rank: Rank
    seen: SeenInterval
    document: Any

    def merge(self, other: State) -> State:
        """Return the state after both observations; of two equal documents this one stays."""
        winner = other if other.rank > self.rank else self
        return State(winner.rank, self.seen.merge(other.seen), winner.document)
