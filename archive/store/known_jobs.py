"""Jobs already in the archive that are imported again, their statuses, and IDs for new jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document import precedence
from archive.store.chunks import chunks
from archive.store.day_totals import Contribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

# The ID of a job's appliance, and the job's key.
JobKey = tuple[int, str]


class Stored(NamedTuple):
    """A job in the archive; `counted` is its contribution to the day totals.

    `own_last_seen` is None for a job of its appliance's latest import.
    """

    id: int
    rank: precedence.Rank
    counted: Contribution
    build_id: int | None
    start_time: str | None
    first_seen: str
    own_last_seen: str | None

    @property
    def status(self) -> str:
        """The job's status."""
        return self.counted.status


def is_empty(connection: Connection) -> bool:
    """Return whether the archive has no jobs."""
    return connection.execute(sa.select(tables.job.c.id).limit(1)).first() is None


class _JobRow(NamedTuple):
    """The columns of `job` that an import compares with, in the order of the query."""

    appliance_id: int
    id: int
    key: str
    day: str
    type: str | None
    status: str
    size_bytes: int | None
    progress_completed: int | None
    duration_seconds: int | None
    build_id: int | None
    start_time: str | None
    end_time: str | None
    digest: bytes
    first_seen: str
    last_seen: str | None


# Making a statement takes longer than executing it for a few rows.
_JOB = tables.job.c
# Reads only the end of each appliance's part of the primary key.
_GREATEST_IDS = sa.select(
    tables.appliance.c.id,
    sa.func.coalesce(
        sa.select(sa.func.max(_JOB.id))
        .where(_JOB.appliance_id == tables.appliance.c.id)
        .correlate(tables.appliance)
        .scalar_subquery(),
        0,
    ).label("greatest"),
).where(tables.appliance.c.id.in_(sa.bindparam("ids", expanding=True)))
_GREATEST_ID = db.Prepared(
    sa.select(sa.func.max(_JOB.id)).where(_JOB.appliance_id == sa.bindparam("of_appliance"))
)


def find_stored(connection: Connection, wanted_jobs: Iterable[JobKey]) -> dict[JobKey, Stored]:
    """Return those of the wanted jobs that the archive has, by job key.

    `first_seen` and `own_last_seen` are fixed-width UTC instants.
    """
    job = tables.job
    keys = (job.c.appliance_id, job.c.key)
    columns = [job.c[name] for name in _JobRow._fields]
    rows = map(_JobRow._make, db.find_pairs(connection, keys, wanted_jobs, columns))
    return {
        (row.appliance_id, row.key): Stored(
            row.id,
            precedence.rank(
                row.status,
                row.progress_completed,
                row.duration_seconds,
                row.end_time,
                row.digest,
            ),
            Contribution(row.day, row.type or "", row.status, row.size_bytes, row.duration_seconds),
            row.build_id,
            row.start_time,
            row.first_seen,
            row.last_seen,
        )
        for row in rows
    }


def new_ids(connection: Connection, new: Iterable[JobKey]) -> dict[JobKey, int]:
    """Return IDs for new jobs, following the greatest of their appliance; the caller has locked it.

    Ids are unique within an appliance only, so appliances do not wait for each other.
    """
    keys = list(new)
    following = _greatest_ids(connection, sorted({appliance_id for appliance_id, _ in keys}))
    numbers: dict[JobKey, int] = {}
    for key in keys:
        following[key[0]] += 1
        numbers[key] = following[key[0]]
    return numbers


def _greatest_ids(connection: Connection, appliance_ids: Sequence[int]) -> dict[int, int]:
    """Return the greatest job ID of each appliance, 0 without jobs."""
    if len(appliance_ids) == 1:
        ((greatest,),) = _GREATEST_ID.rows(connection, {"of_appliance": appliance_ids[0]})
        return {appliance_ids[0]: greatest or 0}
    return {
        row.id: row.greatest
        for chunk in chunks(appliance_ids)
        for row in connection.execute(_GREATEST_IDS, {"ids": chunk})
    }


def record_statuses(
    connection: Connection, observed: Mapping[tuple[int, int], Mapping[str, str]], run_id: int
) -> None:
    """Record when jobs (appliance ID, job ID) were first seen in a status, if new or earlier.

    The caller has locked the appliances.
    """
    table = tables.job_status
    rows = []
    for (appliance_id, job_id), statuses in observed.items():
        query = sa.select(table.c.status, table.c.observed_at).where(
            table.c.appliance_id == appliance_id, table.c.job_id == job_id
        )
        known = dict(map(tuple, connection.execute(query)))
        # Of a status counts the earliest sighting, whichever import came first.
        rows += [
            (appliance_id, job_id, status, observed_at, run_id)
            for status, observed_at in statuses.items()
            if status not in known or observed_at < known[status]
        ]
    db.upsert(connection, table, rows, ["observed_at", "run_id"])
