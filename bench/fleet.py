"""The archive of a large fleet with everything that imports write, made by copying appliances in SQL.

Some appliances are imported as a nightly collection does it: 14 nights ago with their history, and
since then every night, half of them with their schedules. Then all their rows are copied to further
appliances, which so differ in nothing but number and name. Two shortcuts are taken: messages are
copied of failed jobs only, and day totals are counted from the jobs at the end.

An appliance has a backup every night of two years, a further one in each of the last 270, all within
five hours of the evening. 4 % of the jobs failed, and all of the last ten nights on one appliance in 20.
"""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import migrate, seals, tables
from archive.document.appliance_facts import Facts, Schedule
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.store import day_totals
from bench.documents import END, lines
from bench.measure import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

    from bench.claim import Site
    from bench.documents import Line

# The number of appliances that are imported.
IMPORTED = 20
PER_APPLIANCE = 1000
NAME = "vc{:05}.example.com"
_NIGHTS, _COLLECTED_NIGHTS = 730, 14
# The last collection, the time as of which reports are asked, and the first of the last 30 days.
LAST, NOW = END + timedelta(hours=6), "2026-09-30T08:00:00.000000Z"
SINCE = "2026-09-01"
# The number of the appliance, of those imported, whose last jobs failed, and of how many nights.
_TROUBLED, _FAILED_NIGHTS = 0, 10
_SCHEDULED = (Schedule("default", True, 21, 30, None, 7, None, None, None, None, None),)  # noqa: FBT003 - enabled
# In the order of their foreign keys; `appliance` and `ingest_run` have numbers of their own.
_COPIED = (
    tables.schedule,
    tables.system_time_zone,
    tables.job,
    tables.latest_import,
    tables.message_content,
    tables.message_arg,
    tables.message_param,
    tables.message,
    tables.expected_backup,
    tables.appliance_standing,
    tables.anomaly,
    tables.appliance_month,
    tables.build_sketch,
    tables.size_forecast,
)


class _Copy(NamedTuple):
    """What a copy of the imported appliances adds to numbers of appliances and of imports."""

    appliances: int
    runs: int


def filled(site: Site, kind: str) -> Engine:
    """Return an archive with the site's number of jobs, which several claims share."""
    place = site.databases.get(kind, "fleet")
    engine = migrate.connect(place.url)
    if _made.get(place.url) != site.jobs:
        place.migrate()
        progress(f"  making an archive of {site.jobs:,} jobs on {kind}")
        fill(engine, site.jobs)
        _made[place.url] = site.jobs
    return engine


_made: dict[str, int] = {}


def appliances(jobs: int) -> int:
    """Return the number of appliances for a number of jobs: a multiple of those imported."""
    number = max(1, jobs // PER_APPLIANCE)
    return number - number % min(number, IMPORTED)


def fill(engine: Engine, jobs: int) -> None:
    """Fill a new archive, and run the database's maintenance."""
    number = appliances(jobs)
    imported = min(number, IMPORTED)
    for documents in _histories(imported):
        _import(engine, documents)
    with db.writing(engine) as connection:
        _hurry(connection)
        _copy(connection, imported, number // imported)
    with db.writing(engine) as connection:
        day_totals.rebuild(connection)
    _tidy(engine)


def _histories(appliances: int) -> Iterator[list[Line]]:
    """Yield the documents of each appliance, oldest first."""
    more = PER_APPLIANCE - _NIGHTS
    nightly = lines(appliances * _NIGHTS, per_appliance=_NIGHTS)
    further = lines(appliances * more, per_appliance=more, seed=2)
    for number in range(appliances):
        own = chain(_next(nightly, _NIGHTS), _next(further, more))
        # Two jobs may have got the same key.
        found = sorted({line.key: line for line in own}.values(), key=lambda line: line.key)
        yield list(map(_failed_lately, found)) if number == _TROUBLED else found


def _failed_lately(line: Line) -> Line:
    if line.key < f"{LAST - timedelta(days=_FAILED_NIGHTS):%Y%m%d}":
        return line
    return line._replace(info=line.info.replace('"SUCCEEDED"', '"FAILED"'))


def _next(found: Iterator[Line], number: int) -> list[Line]:
    return [next(found) for _ in range(number)]


def _import(engine: Engine, documents: Sequence[Line]) -> None:
    name = documents[0].appliance
    schedules = _SCHEDULED if int(name[2:7]) % 2 else ()
    for night in range(_COLLECTED_NIGHTS, -1, -1):
        seen = LAST - timedelta(days=night)
        stamp = f"{seen:%Y%m%d-%H%M%S}"
        answer = ",".join(f'"{key}":{info}' for _, key, info in documents if key < stamp)
        content = io.BufferedReader(io.BytesIO(f"{{{answer}}}".encode()))
        at = timestamps.from_datetime(seen)
        with ingest_answer(engine, Source("collect", content, name, at)) as answered:
            answered.record_facts(Facts(None, "UTC", schedules), at)


def _copy(connection: Connection, appliances: int, times: int) -> None:
    """Copy the first appliances until there are so many times as many."""
    run = tables.ingest_run
    runs = connection.execute(sa.select(sa.func.max(run.c.id))).scalar_one()
    indexes = _large_indexes() if times > 1 else []
    for index in indexes:
        index.drop(connection)
    for number in range(1, times):
        progress(f"    copy {number} of {times - 1}")
        own = _Copy(number * appliances, number * runs)
        _copy_appliances(connection, appliances, own)
        _insert(
            connection,
            run,
            {"id": run.c.id + own.runs, "appliance_id": run.c.appliance_id + own.appliances},
            run.c.id <= runs,
        )
        for table in _COPIED:
            _copy_rows(connection, table, appliances, own)
    for index in indexes:
        index.create(connection)


def _copy_appliances(connection: Connection, appliances: int, own: _Copy) -> None:
    table = tables.appliance
    query = sa.select(table).where(table.c.id <= appliances).order_by(table.c.id)
    names = [column.name for column in seals.facts(table)]
    rows = []
    for row in connection.execute(query).all():
        number = row.id + own.appliances
        changed = {"id": number, "name": NAME.format(number - 1)}
        rows.append(tuple(changed.get(name, getattr(row, name)) for name in names))
    db.insert(connection, table, rows)


def _copy_rows(connection: Connection, table: sa.Table, appliances: int, own: _Copy) -> None:
    changed: dict[str, sa.ColumnElement[Any]] = {
        "appliance_id": table.c.appliance_id + own.appliances
    }
    if "run_id" in table.c:
        changed["run_id"] = table.c.run_id + own.runs
    conditions = [table.c.appliance_id <= appliances]
    if table is tables.message:
        job = tables.job
        failed = sa.select(job.c.id).where(
            job.c.appliance_id == table.c.appliance_id,
            job.c.id == table.c.job_id,
            job.c.status != "SUCCEEDED",
        )
        conditions.append(failed.exists())
    _insert(connection, table, changed, *conditions)


def _insert(
    connection: Connection,
    table: sa.Table,
    changed: dict[str, sa.ColumnElement[Any]],
    *conditions: sa.ColumnElement[bool],
) -> None:
    columns = [changed.get(column.name, column) for column in table.c]
    ordered = sa.select(*columns).where(*conditions).order_by(*table.primary_key)
    connection.execute(sa.insert(table).from_select(table.c.keys(), ordered))


def _hurry(connection: Connection) -> None:
    """Switch off constraint checks: the rows are known to be valid."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def _large_indexes() -> list[sa.Index]:
    """Return the indexes of all jobs, which are made faster at the end.

    Partial ones stay: only the migration can make them.
    """
    partial = ("ix_job_failed", "ix_job_not_finished", "ix_job_unsealed")
    return [index for index in tables.job.indexes if index.name not in partial]


def _tidy(engine: Engine) -> None:
    """Do the work of autovacuum. SQLite has no such maintenance, and plans without statistics."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def write_csv(engine: Engine, path: Path) -> None:
    """Write the columns that the queries need, for databases that are not archives."""
    job = tables.job.c
    columns = (job.appliance_id, job.id, job.key, job.day, job.status, job.type, job.start_time,
               job.duration_seconds, job.size_bytes)  # fmt: skip
    with path.open("w", encoding="ascii", newline="") as file, db.reading(engine) as connection:
        writer = csv.writer(file)
        writer.writerow([column.name for column in columns])
        writer.writerows(
            connection.execute(sa.select(*columns), execution_options={"yield_per": 10_000})
        )
