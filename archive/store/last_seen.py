"""Store when jobs were last seen: at a time of their own, or with their appliance's latest import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import seals, tables
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

# Up to so many jobs of an appliance take less time one by one, with those of other appliances.
_FEW = 20
_JOB = tables.job.c
_INSTANT = sa.bindparam("instant", type_=_JOB.last_seen.type)
# A clock that was ahead can have written a `first_seen` after the instant.
_LATER = sa.case((_JOB.first_seen > _INSTANT, _JOB.first_seen), else_=_INSTANT)
_OF_JOBS = sa.update(tables.job).where(
    _JOB.appliance_id == sa.bindparam("of_appliance"),
    _JOB.id.in_(sa.bindparam("ids", expanding=True)),
)
_IN_LATEST, _SEEN_LAST = _OF_JOBS.values(last_seen=sa.null()), _OF_JOBS.values(last_seen=_LATER)
_OF_JOB = sa.update(tables.job).where(
    _JOB.appliance_id == sa.bindparam("of_appliance"), _JOB.id == sa.bindparam("of_job")
)
_ONE_IN_LATEST = seals.PreparedUpdate(_OF_JOB.values(last_seen=sa.null()))
_ONE_SEEN_LAST = seals.PreparedUpdate(_OF_JOB.values(last_seen=_LATER))


class LastSeen:
    """Changes of `last_seen`, collected for many appliances; each job may be among them once."""

    def __init__(self) -> None:
        self._in_latest: list[dict[str, Any]] = []
        self._seen_last: list[dict[str, Any]] = []
        self._of_many: list[tuple[int, list[int], str | None]] = []

    def set(self, appliance_id: int, job_ids: Iterable[int], instant: str | None) -> None:
        """Set it for jobs of an appliance: see `set_last_seen`."""
        jobs = sorted(job_ids)
        if len(jobs) > _FEW:
            self._of_many.append((appliance_id, jobs, instant))
        elif instant is None:
            self._in_latest += [{"of_appliance": appliance_id, "of_job": job} for job in jobs]
        else:
            self._seen_last += [
                {"of_appliance": appliance_id, "of_job": job, "instant": instant} for job in jobs
            ]

    def write(self, connection: Connection) -> None:
        """Write the changes, and forget them."""
        for update, rows in ((_ONE_IN_LATEST, self._in_latest), (_ONE_SEEN_LAST, self._seen_last)):
            if rows:
                update.execute(connection, rows)
                rows.clear()
        for appliance_id, jobs, instant in self._of_many:
            for chunk in chunks(jobs):
                values = {"of_appliance": appliance_id, "ids": chunk}
                if instant is None:
                    connection.execute(_IN_LATEST, values)
                else:
                    connection.execute(_SEEN_LAST, {**values, "instant": instant})
        self._of_many.clear()


def set_last_seen(
    connection: Connection, appliance_id: int, job_ids: Iterable[int], instant: str | None
) -> None:
    """Set `last_seen` of an appliance's jobs.

    `instant` None: they belong to their appliance's latest import, which has the time. It is never
    set before `first_seen`, which a clock that was ahead can have written.
    """
    changes = LastSeen()
    changes.set(appliance_id, job_ids, instant)
    changes.write(connection)
