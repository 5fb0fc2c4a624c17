"""The streaks of an appliance, continued with rows of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.judgement import streaks
from archive.judgement.streaks import Finished, Streaks
from archive.statuses import FINISHED
from archive.store import appliance_history

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUCCEEDED = "SUCCEEDED"


def folded(last: int | None, known: Streaks, rows: Sequence[Any]) -> tuple[int | None, Streaks]:
    """Return the last finished job and the streaks after further jobs, in their order."""
    new: list[Finished] = []
    failing = known.since is not None
    for row in rows:
        status = row.status
        if status not in FINISHED:
            continue
        last = row.id
        failed = status != _SUCCEEDED
        if failed or failing:  # any other success changes nothing
            new.append(Finished(failed, appliance_history.began(row), row.end_time))
        failing = failed
    return last, streaks.fold(known, new)
