"""Change the archive's calendar: recompute every job's day and every day's start.

All of it is one transaction.

Import and collection wait meanwhile. Documents and their digests stay as they are: a job's day is
not in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store import judged_backups, maintenance_log, settings, totals
from archive.store.dimension_keys import References
from archive.store.job_writer import update_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.calendar import Calendar

# Jobs read and updated at a time.
_CHUNK = 5000


def change_calendar(engine: Engine, chosen: Calendar) -> int:
    """Store a calendar and return the number of jobs whose day has changed.

    It reads every job, and judges every appliance anew. The same calendar again repairs days that
    are wrong.
    """
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"])
        # First, since what is calculated below reads it.
        settings.store_calendar(connection, chosen)
        db.upsert(connection, tables.calendar, settings.misplaced_days(connection), ["start_time"])
        references = References()
        changed = 0
        for chunk in _chunks(connection):
            changes = [
                {"of_appliance": row.appliance_id, "of_job": row.id, "new_day": day}
                for row in chunk
                if (day := chosen.job_day(row.start_time, row.key, row.first_seen)) != row.day
            ]
            # A job's day refers to a row of the calendar, which must be there first.
            references.learn_days(connection, {change["new_day"] for change in changes})
            update_jobs(connection, changes)
            changed += len(changes)
        # Totals are by day: they stay right if no job has another one.
        if changed:
            totals.rebuild(connection)
        judged_backups.rebuild(connection)
        maintenance_log.record(
            connection,
            maintenance_log.CALENDAR,
            jobs=changed,
            detail=f"days start at {chosen.day_start} {chosen.zone}",
        )
    return changed


def _chunks(connection: Connection) -> Iterator[list[Any]]:
    """Yield all jobs, in the order of their key; a job's own change does not move it."""
    job = tables.job
    after = (0, 0)
    columns = (
        job.c.appliance_id,
        job.c.id,
        job.c.key,
        job.c.start_time,
        job.c.first_seen,
        job.c.day,
    )
    while True:
        rows = connection.execute(
            sa.select(*columns)
            .where(sa.tuple_(job.c.appliance_id, job.c.id) > sa.tuple_(*map(sa.literal, after)))
            .order_by(job.c.appliance_id, job.c.id)
            .limit(_CHUNK)
        ).all()
        if not rows:
            return
        yield list(rows)
        after = (rows[-1].appliance_id, rows[-1].id)
