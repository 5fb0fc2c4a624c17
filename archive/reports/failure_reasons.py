"""Why jobs failed, by the first message of each: for the page of a large fleet.

Each failed job counts once, as on the page of a small fleet. The report `failures` counts a job under
each of its message ids, which takes ten times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.reports import jobs
from archive.reports.core import filters
from archive.reports.core.job_order import place

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("message_id"),
    Column("jobs", Kind.COUNT),
    Column("appliances", Kind.COUNT),
    Column("first_time", Kind.INSTANT),
    Column("last_time", Kind.INSTANT),
    Column("example"),
)


class ReasonRow(NamedTuple):
    """The failed jobs whose first message has an id; the id is NULL for jobs without any message.

    The times are those at which the first and the last of the jobs began, as fixed-width UTC texts.
    `example` is the alphabetically first text.
    """

    message_id: str | None
    jobs: int
    appliances: int
    first_time: str
    last_time: str
    example: str | None


def read(connection: Connection, scope: Scope) -> list[ReasonRow]:
    """Return the reasons of the failed jobs in scope, the one with the most jobs first."""
    job = tables.job
    failed = (
        sa.select(
            jobs.first_message_id().label("message_id"),
            job.c.appliance_id,
            place(job).label("place"),
            jobs.first_message().label("text"),
        )
        .where(*filters.failed(scope), *filters.of_jobs(scope, scope.appliance_ids(connection)))
        .subquery("failed")
    )
    number = sa.func.count()
    query = (
        sa.select(
            failed.c.message_id,
            number,
            sa.func.count(failed.c.appliance_id.distinct()),
            sa.func.min(failed.c.place),
            sa.func.max(failed.c.place),
            sa.func.min(failed.c.text),
        )
        .group_by(failed.c.message_id)
        .order_by(number.desc(), failed.c.message_id.asc().nulls_last())
    )
    return [ReasonRow._make(row) for row in connection.execute(query)]
