"""Totals of the backups of each appliance over its whole history.

They are for counters, so they know no period and only ever grow, unless jobs are deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.reports.core import filters
from archive.statuses import FINISHED, OPEN

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Totals(NamedTuple):
    """Counts of backups, and the total size and duration of the successes.

    `other` counts the jobs whose status is not a published one.

    Sizes are in bytes, durations in seconds; a success without one adds nothing.
    """

    succeeded: int = 0
    failed: int = 0
    other: int = 0
    size_bytes: int = 0
    duration_seconds: int = 0


def totals(connection: Connection, scope: Scope) -> dict[str, Totals]:
    """Return the totals of the appliances in scope by name, without those that have no jobs.

    They come from the totals of months. A job of the future counts, too: counters never decrease.
    """
    month, appliance = tables.appliance_month, tables.appliance
    status, jobs = month.c.status, month.c.jobs
    succeeded = status == "SUCCEEDED"

    def total(column: sa.ColumnElement[Any], condition: sa.ColumnElement[bool]) -> Any:
        found = sa.func.sum(column).filter(condition)
        return sa.cast(sa.func.coalesce(found, 0), sa.BigInteger)

    query = sa.select(
        month.c.appliance_id,
        total(jobs, succeeded).label("succeeded"),
        total(jobs, status == "FAILED").label("failed"),
        total(jobs, status.not_in(FINISHED + OPEN)).label("other"),
        *(
            total(month.c[f"{name}_{half}"], succeeded).label(f"{name}_{half}")
            for name in ("size", "duration")
            for half in ("high", "low")
        ),
    ).group_by(month.c.appliance_id)
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(filters.of_appliances(month.c.appliance_id, ids))
    names = {row.id: row.name for row in connection.execute(sa.select(appliance))}
    return {
        names[row.appliance_id]: Totals(
            row.succeeded,
            row.failed,
            row.other,
            # Sums are stored in halves, since one could exceed 64 bits.
            (row.size_high << 32) + row.size_low,
            (row.duration_high << 32) + row.duration_low,
        )
        for row in connection.execute(query)
    }
