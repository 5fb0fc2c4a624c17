"""The last job of an appliance: one of those that were read, or the one that was it before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.calendar import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.store.appliance_history import Jobs, JobTimes


def last_job(
    jobs: Jobs,
    find: Callable[[int], JobTimes | None],
    read_all: Callable[[], Jobs],
    status: str | None,
    stored: int | None,
) -> int | None:
    """Return the ID of the last job, or of the last one in a status; None without any.

    `stored` was it before `jobs` were read, which are those from a day on that may have changed.
    """
    found = (row.id for row in reversed(jobs.ordered) if status is None or row.status == status)
    last = next(found, None)
    if last is not None or stored is None:
        return last
    row = find(stored)
    if row is not None and row.day < iso(jobs.first_day):
        return stored
    # It was read, so its document has been replaced: the job has failed after all, for example.
    return last_job(read_all(), find, read_all, status, None)
