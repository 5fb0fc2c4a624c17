"""Select the jobs of an export: from a day on, and changed by imports after a given one.

An import gets its number before its jobs can be read, and imports overlap. So the next export
starts after a number up to which all imports have ended.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import sqlalchemy as sa

from archive import timestamps
from archive.db import tables
from archive.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# An import running longer than this is assumed to have died.
_LONGEST = timedelta(days=1)


class Selection(Protocol):
    """A choice of jobs."""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on `job`, for a query that selects from it."""


class Extent(NamedTuple):
    """Jobs from the day `since` on, added or changed by imports after the number `after`.

    A new time of last seen alone is not a change.

    `since` is an ISO date. Both together must hold; with neither, all jobs are selected.
    """

    since: str | None = None
    after: int | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on `job`, for a query that selects from it."""
        # An alias, because the query may select from `job_status` itself.
        job, status = tables.job, tables.job_status.alias("seen_in")
        conditions: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            conditions.append(job.c.day >= self.since)
        if self.after is not None:
            # A job seen in another status, or earlier, keeps its document and its `run_id`.
            seen_so = sa.exists().where(
                status.c.appliance_id == job.c.appliance_id,
                status.c.job_id == job.c.id,
                status.c.run_id > self.after,
            )
            conditions.append(sa.or_(job.c.run_id > self.after, seen_so))
        return conditions


class Irregular(NamedTuple):
    """Jobs whose document is kept whole, since the tables cannot represent all of it."""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on `job`, for a query that selects from it."""
        job, whole = tables.job, tables.irregular_document
        kept = sa.exists().where(
            whole.c.appliance_id == job.c.appliance_id, whole.c.job_id == job.c.id
        )
        return [kept]


IRREGULAR = Irregular()


def following(connection: Connection, after: int, now: str) -> int:
    """Return the number after which the next export starts; this one is made at `now`.

    Raises UsageError if no import has the number `after` yet.

    `now` is a fixed-width UTC instant. Jobs of imports that still run come again with the next
    export, which does no harm: a job is written as a whole.
    """
    run = tables.ingest_run
    newest: int = connection.execute(
        sa.select(sa.func.coalesce(sa.func.max(run.c.id), 0))
    ).scalar_one()
    if after > newest:
        raise UsageError(f"--after {after}: no such import; the newest one is {newest}")
    long_ago = timestamps.from_datetime(timestamps.to_datetime(now) - _LONGEST)
    running = connection.execute(
        sa.select(run.c.id, run.c.started).where(run.c.id > after, run.c.outcome == "running")
    )
    return min((number - 1 for number, started in running if started > long_ago), default=newest)
