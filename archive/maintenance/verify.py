"""Whether the archive still says what was archived: every document rebuilt and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db, json_numbers
from archive.db import migrate, tables
from archive.document import canonical, findings, schema
from archive.document.rebuild import rebuild
from archive.maintenance.verify_collections import contradictions
from archive.store import (
    day_totals,
    fact_history,
    job_reader,
    seen_documents,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.calendar import Calendar
    from archive.store.job_reader import ArchivedJob

_TOLD_EVERY = 1000


def verify(engine: Engine, on_job: Callable[[int, int], None] = lambda *_: None) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong; nothing if the archive is sound.

    `on_job` is told how many jobs have been compared, and of how many.
    """
    with db.reading(engine) as connection:
        yield from db.complaints(connection)
        yield from _drift(connection)
        wrong = day_totals.differences(connection, day_totals.count(connection))
        if wrong:
            yield f"{wrong:,} rows of the day totals are wrong; `archive db rebuild` writes them anew"
        yield from _latest_imports(connection)
        yield from fact_history.contradictions(connection)
        yield from contradictions(connection)
        calendar = settings.calendar(connection)
        misplaced = settings.misplaced_days(connection)
        if misplaced:
            yield (
                f"{len(misplaced):,} days of the calendar do not start when it says;"
                f" `archive db calendar --time-zone {calendar.zone}` mends that"
            )
        total = connection.execute(sa.select(sa.func.count()).select_from(tables.job)).scalar_one()
        for number, job in enumerate(job_reader.jobs(connection), 1):
            yield from _wrong(job, calendar)
            if number % _TOLD_EVERY == 0:
                on_job(number, total)


def _latest_imports(connection: Connection) -> Iterator[str]:
    """Compare the jobs of the latest imports with those that have no `last_seen` of their own."""
    appliance, job, table = tables.appliance, tables.job, tables.latest_import
    named = sa.select(appliance.c.id, appliance.c.name, table.c.documents).outerjoin(
        table, appliance.c.id == table.c.appliance_id
    )
    for appliance_id, name, data in connection.execute(named.order_by(appliance.c.name)).all():
        unmarked = connection.execute(
            sa.select(job.c.id).where(job.c.appliance_id == appliance_id, job.c.last_seen.is_(None))
        ).scalars()
        if set(seen_documents.decode(data or b"").values()) != set(unmarked):
            yield f"{name}: when its jobs were last seen is not known; import its answer again"


def _drift(connection: Connection) -> Iterator[str]:
    """Compare the tables that are there with those that this version works with."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found = migrate.revision(connection)
    if found != migrate.HEAD:
        yield f"the schema is {found}, not {migrate.HEAD}"
    context = MigrationContext.configure(connection, opts=migrate.COMPARED)
    for difference in compare_metadata(context, tables.metadata):
        yield f"the schema differs from this version's: {difference}"


def _wrong(job: ArchivedJob, calendar: Calendar) -> Iterator[str]:
    name = f"job {job.key} of {job.appliance}"
    if not job.intact():
        yield f"{name}: its document is no longer the one that was archived"
        return
    info = rebuild(job.rows)
    if job.irregular:
        document = canonical.read(json_numbers.loads(job.text))
        found = document.findings
        if schema.to_json(info) != schema.to_json(document.info):
            yield f"{name}: its rows do not agree with the document that was kept whole"
    else:
        found = findings.examine(info)
    if job.findings != found:
        yield f"{name}: its findings are not those of its document"
    day = calendar.job_day(job.rows.job.start_time, job.key, job.sight.first_seen)
    if job.day != day:
        yield f"{name}: its day is {job.day}, but the calendar says {day}"
    if job.rows.job.status not in job.sight.statuses:
        yield f"{name}: its status {job.rows.job.status} is not among those that were observed"
