"""Check the archive: rebuild every document and compare it with what was archived.

Everything else is checked by making it anew, too: findings, totals, judgement, the days of jobs.
Errors are sentences, each with what to do about it where there is something to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db, json_numbers
from archive.db import migrate, tables
from archive.document import canonical, findings
from archive.document.flatten import normalise
from archive.document.masked import mask_findings, mask_rows
from archive.document.rebuild import content_digest, rebuild
from archive.maintenance.verify_collections import contradictions
from archive.store import (
    fact_history,
    job_reader,
    judged_backups,
    message_contents,
    seen_documents,
    settings,
    totals,
)
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.calendar import Calendar
    from archive.store.job_reader import ArchivedJob

# Jobs between two reports of the progress.
_PROGRESS_EVERY = 1000


def verify(engine: Engine, on_job: Callable[[int, int], None] = lambda *_: None) -> Iterator[str]:
    """Yield one line for each error; nothing if the archive is intact.

    `on_job` is called with the number of jobs compared so far, and the number of all jobs.

    It reads every job in one transaction and changes nothing. Lines come in the order in which
    checks are made: database, schema, totals, judgement, logs, calendar, then job by job. Passwords
    in them are not masked yet.
    """
    with db.reading(engine) as connection:
        # The file itself first: if it is damaged, the rest follows from that.
        yield from db.complaints(connection)
        yield from _drift(connection)
        for name, wrong in totals.differences(connection):
            if wrong:
                yield f"{name}: {counted(wrong, 'wrong row')}: run `archive db rebuild`"
        wrong = judged_backups.differences(connection)
        if wrong:
            yield f"expected backups: {counted(wrong, 'wrong row')}: run `archive db rebuild`"
        yield from _latest_imports(connection)
        yield from _message_contents(connection)
        yield from fact_history.contradictions(connection)
        yield from contradictions(connection)
        calendar = settings.calendar(connection)
        misplaced = settings.misplaced_days(connection)
        if misplaced:
            yield (
                f"calendar: {counted(len(misplaced), 'day')} with a wrong start: run"
                f" `archive db calendar --time-zone {calendar.zone}`"
            )
        total = connection.execute(sa.select(sa.func.count()).select_from(tables.job)).scalar_one()
        for number, job in enumerate(job_reader.jobs(connection), 1):
            yield from _wrong(job, calendar)
            if number % _PROGRESS_EVERY == 0:
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
            yield f"{name}: the jobs do not match the latest import: import its answer again"


def _message_contents(connection: Connection) -> Iterator[str]:
    """Compare the digests of contents, by which imports find them, with the contents."""
    appliance, content = tables.appliance, tables.message_content
    names = sa.select(appliance.c.id, appliance.c.name).order_by(appliance.c.name)
    for appliance_id, name in connection.execute(names).all():
        wanted = sa.select(content.c.id).where(content.c.appliance_id == appliance_id)
        contents = message_contents.read(connection, appliance_id, wanted).values()
        wrong = sum(content_digest(each) != each.digest for each in contents)
        if wrong:
            yield f"{name}: {counted(wrong, 'message content')} with a wrong digest"


def _drift(connection: Connection) -> Iterator[str]:
    """Compare the tables of the database with those of this version."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found = migrate.revision(connection)
    if found != migrate.HEAD:
        yield f"schema: revision {found} instead of {migrate.HEAD}"
    # As for a new migration, which should have nothing to do.
    context = MigrationContext.configure(connection, opts=migrate.COMPARED)
    for difference in compare_metadata(context, tables.metadata):
        yield f"schema: differs from this version: {difference}"


def _wrong(job: ArchivedJob, calendar: Calendar) -> Iterator[str]:
    """Yield what is wrong with a job: its document, findings, day or status.

    A document that is not the archived one has no further lines: they would follow from that.
    """
    name = f"job {job.key} of {job.appliance}"
    if not job.intact():
        yield f"{name}: the document is not the one that was archived"
        return
    info = rebuild(job.rows)
    # Its rows may have texts masked or replaced, so they are compared with rows made the same way.
    if job.irregular:
        document = canonical.read(json_numbers.loads(job.text))
        found = mask_findings(document.findings)
        if info.to_json() != rebuild(mask_rows(normalise(document.info))).to_json():
            yield f"{name}: the rows do not match the stored document"
    else:
        found = mask_findings(findings.examine(info))
    if job.findings != found:
        yield f"{name}: the findings do not match the document"
    day = calendar.job_day(job.rows.job.start_time, job.key, job.seen.first_seen)
    if job.day != day:
        yield f"{name}: the day is {job.day}, but by the calendar {day}"
    if job.rows.job.status not in job.seen.statuses:
        yield f"{name}: no time is stored for its status {job.rows.job.status}"
