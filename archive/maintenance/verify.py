"""Check the archive: rebuild every document and compare it with what was archived.

Everything else is checked by making it anew, too: findings, totals, judgement, the days of jobs. Errors
are sentences, with what to do about them. A sample leaves out what needs all jobs.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from archive import db, json_numbers
from archive.db import damaged_values, seals, tables
from archive.document import canonical, findings
from archive.document.flatten import normalise
from archive.document.masked import mask_findings, mask_rows
from archive.document.rebuild import content_digest, rebuild
from archive.errors import ArchiveError
from archive.maintenance import verify_evidence, verify_rows, verify_schema, verify_values
from archive.maintenance.verify_collections import contradictions
from archive.maintenance.verify_sample import EVERYTHING
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
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from archive.calendar import Calendar
    from archive.maintenance.verify_sample import Sample
    from archive.store.job_reader import ArchivedJob
    from archive.store.wrong_rows import WrongRow

# Jobs between two reports of the progress.
_PROGRESS_EVERY = 1000
# So many rows with the same problem have a line each.
_SHOWN = 10
# Processor time of the checks, in parts of a hundred: of 20,000 jobs on SQLite. The others take little.
_TIMES = {"values": 13, "job": 3, "job_status": 1, "day totals": 8, "judgement": 8, "messages": 7}
_TIME_OF_JOBS = 60
_RESTORE = "restore it from a backup, or accept your own change with `archive db rebuild --seals`"
_REBUILD = "run `archive db rebuild`"
_Key = tuple[Any, ...]


def verify(
    engine: Engine,
    on_progress: Callable[[float], None] = lambda _: None,
    sample: Sample = EVERYTHING,
) -> Iterator[str]:
    """Yield one line for each error; nothing if the archive is intact.

    `on_progress` is called with the part of the work that is done, up to 1. With a `sample`, rows of
    other jobs are not read, and no totals are computed again.

    It changes nothing, and reads one state of the archive. Lines come in the order in which checks are
    made: database, schema, values, seals, totals, judgement, logs, then job by job. Passwords in them
    are not masked yet.
    """
    yield from verify_schema.differences(engine)
    with db.reading(engine) as connection:
        damaged_values.read_any_value(connection)
        # The file itself first: if it is damaged, the rest follows from that.
        yield from db.complaints(connection, fast=sample.is_part)
        done = 0
        for name, check in _checks(connection, sample):
            yield from _guarded(connection, name, check)
            done += _TIMES.get(name, 0)
            on_progress(done / 100)

        def on_job(jobs: int, of: int) -> None:
            on_progress((100 - _TIME_OF_JOBS + _TIME_OF_JOBS * jobs / of) / 100)

        yield from _guarded(connection, "jobs", lambda: _jobs(connection, sample, on_job))


def _checks(
    connection: Connection, sample: Sample
) -> Iterator[tuple[str, Callable[[], Iterable[str]]]]:
    """Yield the checks of everything but the documents of jobs, with their names."""
    yield "values", lambda: _malformed(connection, sample)
    for table in tables.metadata.sorted_tables:
        if seals.covered(table):
            yield table.name, partial(_unsealed, connection, table, sample)
    yield "references", lambda: _orphans(connection, sample)
    yield "names", lambda: _repeated(connection)
    yield "texts", lambda: _rows(verify_rows.wrong_digests(connection), _RESTORE)
    yield "order", lambda: _rows(verify_rows.gaps(connection, sample), _RESTORE)
    yield "paths", lambda: _rows(verify_rows.wrong_paths(connection, sample), _REBUILD)
    yield "calendar", lambda: _days(connection)
    yield "histories", lambda: fact_history.contradictions(connection)
    yield "collections", lambda: contradictions(connection)
    yield "evidence", lambda: verify_evidence.problems(connection, with_lists=not sample.is_part)
    if not sample.is_part:
        yield "latest imports", lambda: _latest_imports(connection)
        # Each by itself: a value that one cannot read does not hide what another finds.
        for kind, find in totals.COMPARISONS.items():
            yield kind, partial(_compared, connection, find)
        yield "judgement", lambda: _wrong_rows(judged_backups.differences(connection))
        yield "messages", lambda: _message_contents(connection)


def _guarded(
    connection: Connection, name: str, check: Callable[[], Iterable[str]]
) -> Iterator[str]:
    """Yield the lines of a check; a value that it cannot read is a line, too."""
    try:
        with damaged_values.undone_if_unreadable(connection):
            yield from check()
    except damaged_values.UnreadableError as error:
        yield f"{name}: cannot be checked, since a value is malformed: {error}"
    except (ArchiveError, DBAPIError):
        raise
    except Exception as error:  # noqa: BLE001 - damage can be anything
        yield f"{name}: cannot be checked, since a value is malformed: {type(error).__name__}"


def _named(table: str, key: _Key) -> str:
    names = [column.name for column in tables.metadata.tables[table].primary_key]
    return ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))


def _rows(found: Iterable[tuple[str, _Key, list[str]]], advice: str) -> Iterator[str]:
    yield from _first(
        (table, key, f"wrong {' or '.join(columns)}: {advice}") for table, key, columns in found
    )


def _first(found: Iterable[tuple[str, _Key, str]]) -> Iterator[str]:
    """Yield a line for each row; only the first lines of what is wrong in the same way with many."""
    more: Counter[tuple[str, str]] = Counter()
    for table, key, problem in found:
        more[table, problem] += 1
        if more[table, problem] <= _SHOWN:
            yield f"{table} ({_named(table, key)}): {problem}"
    for (table, problem), number in more.items():
        if number > _SHOWN:
            yield f"{table}: {counted(number - _SHOWN, 'more row')}: {problem}"


def _orphans(connection: Connection, sample: Sample) -> Iterator[str]:
    yield from _first(
        (
            constraint.table.name,
            key,
            (
                f"refers to a missing row of {constraint.referred_table.name}"
                f" by {' and '.join(constraint.column_keys)}: {_RESTORE}"
            ),
        )
        for constraint, key in verify_rows.orphans(connection, sample)
    )


def _repeated(connection: Connection) -> Iterator[str]:
    yield from _first(
        (table, key, f"an earlier row has the same {' and '.join(columns)}: {_RESTORE}")
        for table, key, columns in verify_rows.repeated(connection)
    )


def _malformed(connection: Connection, sample: Sample) -> Iterator[str]:
    yield from _first(
        (table, key, f"malformed {column}: {_RESTORE}")
        for table, column, key in verify_values.malformed(connection, sample)
    )


def _unsealed(connection: Connection, table: sa.Table, sample: Sample) -> Iterator[str]:
    yield from _rows(verify_rows.unsealed(connection, table, sample), _RESTORE)


def _days(connection: Connection) -> Iterator[str]:
    advice = f"run `archive db calendar --time-zone {settings.calendar(connection).zone}`"
    yield from _rows(verify_rows.wrong_days(connection), advice)


def _compared(
    connection: Connection, find: Callable[[Connection], Iterable[WrongRow]]
) -> Iterator[str]:
    yield from _wrong_rows(find(connection))


def _wrong_rows(found: Iterable[WrongRow]) -> Iterator[str]:
    yield from _first(
        (
            table,
            key,
            f"wrong {' and '.join(columns)}: {_REBUILD}"
            if columns
            else f"the row is {problem}: {_REBUILD}",
        )
        for table, key, problem, columns in found
    )


def _jobs(
    connection: Connection, sample: Sample, on_job: Callable[[int, int], None]
) -> Iterator[str]:
    """Compare the documents of jobs; one that cannot even be read does not hide the others."""
    job, calendar = tables.job, settings.calendar(connection)
    count = sa.select(sa.func.count()).select_from(job).where(*sample.conditions())
    total = connection.execute(count).scalar_one()
    done = 0
    try:
        for done, one in enumerate(job_reader.jobs(connection, sample), 1):
            yield from _wrong(one, calendar)
            if done % _PROGRESS_EVERY == 0:
                on_job(done, total)
    except (ArchiveError, DBAPIError):
        raise
    except Exception:  # noqa: BLE001 - found one by one below
        yield from _one_by_one(connection, sample, calendar, done)


def _one_by_one(
    connection: Connection, sample: Sample, calendar: Calendar, after: int
) -> Iterator[str]:
    appliance, job = tables.appliance, tables.job
    keys = (
        sa.select(appliance.c.name, job.c.key)
        .join(job, job.c.appliance_id == appliance.c.id)
        .where(*sample.conditions())
        .order_by(appliance.c.name, job.c.key)
    )
    for name, key in connection.execute(keys).all()[after:]:
        try:
            one = job_reader.job(connection, name, key)
            if one is not None:
                yield from _wrong(one, calendar)
        except (ArchiveError, DBAPIError):
            raise
        except Exception as error:  # noqa: BLE001 - damage can be anything
            yield f"job {key} of {name}: the document cannot be rebuilt: {type(error).__name__}"


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
