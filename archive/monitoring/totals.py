"""Totals of the backups of each appliance over its whole history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.reports.core import sql
from archive.reports.core.sql import DURATION, SIZE
from archive.store import settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Totals(NamedTuple):
    """Counts of finished backups, and the total size and duration of the successes."""

    succeeded: int = 0
    failed: int = 0
    size_bytes: int = 0
    duration_seconds: int = 0


def totals(connection: Connection, scope: Scope) -> dict[str, Totals]:
    """Return the totals of the appliances in scope by name, up to today, without those that have no jobs.

    This reads all their jobs.

    Of open jobs nothing counts. Days are those of the archive's calendar; jobs of later days, from
    an appliance whose clock is ahead, are left out.
    """
    job, appliance = tables.job, tables.appliance
    today = settings.calendar(connection).day(scope.now)
    ids = scope.appliance_ids(connection)
    whole = sql.conditions(replace(scope, since=None, until=today), ids)
    # Grouped by id, the order in which jobs are stored: by name or year, databases would sort all jobs.
    keys = [job.c.appliance_id.label("grouped")]
    measures = {measure: job.c[measure] for measure in (SIZE, DURATION)}
    scoped = sql.scoped(job, keys, measures, whole)
    query = sql.summary(
        scoped, *sql.counts(scoped), *sql.total(scoped, SIZE), *sql.total(scoped, DURATION)
    )
    names = {row.id: row.name for row in connection.execute(sa.select(appliance))}
    return {
        names[row.grouped]: Totals(
            row.succeeded,
            row.failed,
            sql.joined(row, SIZE) or 0,
            sql.joined(row, DURATION) or 0,
        )
        for row in connection.execute(query)
    }
