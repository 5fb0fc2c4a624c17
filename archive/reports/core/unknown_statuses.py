"""Jobs whose status is not a published one: nobody can say whether they are backups.

They are neither successes nor failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.reports.core import filters
from archive.statuses import OPEN

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class UnknownStatus(NamedTuple):
    """A status, the jobs of an appliance that have it, and the newest day and greatest key of these.

    `day` is an ISO date of the archive's calendar.
    """

    appliance: str
    status: str
    jobs: int
    day: str
    key: str


def unknown_statuses(connection: Connection, scope: Scope) -> list[UnknownStatus]:
    """Return the unknown statuses of jobs in scope by appliance and status, the newest first."""
    job, appliance = tables.job, tables.appliance
    query = (
        sa.select(
            appliance.c.name,
            job.c.status,
            sa.func.count(),
            sa.func.max(job.c.day, type_=job.c.day.type),
            sa.func.max(job.c.key),
        )
        .join_from(job, appliance, job.c.appliance_id == appliance.c.id)
        .where(
            filters.not_finished(),
            job.c.status.not_in(OPEN),
            *filters.of_jobs(scope, scope.appliance_ids(connection)),
        )
        .group_by(appliance.c.name, job.c.status)
    )
    found = sorted(UnknownStatus._make(row) for row in connection.execute(query))
    return sorted(found, key=lambda one: one.day, reverse=True)
