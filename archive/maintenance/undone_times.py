"""Take back when jobs were seen first, and in which status, as far as only an undone import shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.store import seen_documents
from archive.store.dimension_keys import References
from archive.store.job_writer import update_jobs

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar


def forget_statuses(connection: Connection, run_id: int, seen_at: str, appliance: int) -> None:
    """Take back the statuses that an import seen at an instant was the first to show.

    The document of each job of the appliance must be from another import, which showed its status, too;
    in other statuses the job was seen with this one alone.
    """
    job, status, run = tables.job, tables.job_status, tables.ingest_run
    columns = {column.key: column for column in seen_documents.job_columns()}
    query = (
        sa.select(
            status.c.job_id,
            status.c.status,
            (status.c.status == job.c.status).label("is_present"),
            columns["last_seen"],
            job.c.run_id,
            run.c.seen_at,
        )
        .select_from(
            seen_documents.joined()
            .join(
                status,
                (status.c.appliance_id == job.c.appliance_id) & (status.c.job_id == job.c.id),
            )
            .join(run, run.c.id == job.c.run_id)
        )
        .where(status.c.appliance_id == appliance, status.c.run_id == run_id)
    )
    for row in connection.execute(query).all():
        of_job = (status.c.appliance_id == appliance, status.c.job_id == row.job_id)
        of_status = (*of_job, status.c.status == row.status)
        if row.is_present:
            # What an export or quarantine brought was last seen before its import.
            observed_at = min(row.seen_at, row.last_seen)
            update = sa.update(status).where(*of_status)
            connection.execute(update.values(observed_at=observed_at, run_id=row.run_id))
        else:
            connection.execute(sa.delete(status).where(*of_status))
        first = sa.select(sa.func.min(status.c.observed_at)).where(*of_job).scalar_subquery()
        connection.execute(
            sa.update(job)
            .where(
                job.c.appliance_id == appliance,
                job.c.id == row.job_id,
                job.c.first_seen == seen_at,
            )
            .values(first_seen=first)
        )


def correct_days(connection: Connection, calendar: Calendar, appliance: int) -> None:
    """Correct the days of an appliance's jobs without a start, which follow from when they were seen first."""
    job = tables.job
    query = sa.select(job.c.id, job.c.key, job.c.day, job.c.first_seen)
    without_start = query.where(job.c.appliance_id == appliance, job.c.start_time.is_(None))
    changes = [
        {"of_appliance": appliance, "of_job": row.id, "new_day": day}
        for row in connection.execute(without_start)
        if (day := calendar.job_day(None, row.key, row.first_seen)) != row.day
    ]
    References().learn_days(connection, [change["new_day"] for change in changes])
    update_jobs(connection, changes)
