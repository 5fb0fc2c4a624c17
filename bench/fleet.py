"""The archive of a large fleet, made quickly: rows straight into the tables, seeded.

Each appliance has 1000 jobs over two years: one a night, and some by hand. Sizes and durations are
lognormal and vary by 2 and 8 %, 4 % of the jobs failed, each with one of five messages; one appliance in a hundred has never
had a success, and one in a hundred none in the last hundred nights. Of the last of them an import each
is known. The rows are the same for every database.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import chain, count, islice, product
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from archive import db
from archive.db import migrate, tables
from archive.store import judged_backups, totals
from archive.store.chunks import chunks
from bench.measure import progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection, Engine

    from bench.claim import Site

NIGHTS = 730
PER_APPLIANCE = 1000
FIRST = date(2024, 10, 1)
_SEEN = "2026-10-01T06:00:00.000000Z"
IMPORTS = 30
NAME = "vc{:05}.example.com"
_COUNTS = (PER_APPLIANCE, 1, 0, PER_APPLIANCE - 1, 0, 0)
_MESSAGES = (
    "com.vmware.applmgmt.backup.vmon_error",
    "com.vmware.applmgmt.backup.disk_full",
    "com.vmware.applmgmt.backup.snapshot_in_progress",
    "com.vmware.applmgmt.backup.location_unreachable",
    "com.vmware.applmgmt.backup.generic_exception",
)
_CHUNK = 50_000
_OTHER_ROWS: tuple[tuple[sa.Table, tuple[Any, ...]], ...] = (
    (
        tables.ingest_run,
        (1, "fleet", None, _SEEN, _SEEN, _SEEN, "complete", None, 0, 0, 0, 0, 0, 0),
    ),
    (tables.location, (1, b"l", "sftp://nas.example.com/backup", "sftp://nas.example.com/backup")),
    (tables.build, (1, b"b", "vCenter Server 8.0 Update 3", "8.0.3.00200", "24305161")),
    (tables.operation, (1, b"o", "recovery.backup.job", "recovery.backup.job.create")),
    *(
        (tables.message_template, (number, name.encode(), name, f"{name}: %s"))
        for number, name in enumerate(_MESSAGES, 1)
    ),
)


class Night(NamedTuple):
    """A date as it is written in days, instants and keys, and the date after."""

    day: str
    stamp: str
    following: str


def appliances(jobs: int) -> int:
    """Return the number of appliances for a number of jobs."""
    return -(-jobs // PER_APPLIANCE)


def rows(jobs: int, *, seed: int = 1) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `job`, values in the order of its columns, appliance by appliance."""
    random = Random(seed)
    nights = list(map(_night, range(NIGHTS)))
    clock = [
        (f"{at // 3600:02}", f"{at // 60 % 60:02}", f"{at % 60:02}") for at in range(24 * 3600)
    ]
    return islice(
        chain.from_iterable(
            _history(random, number, nights, clock) for number in range(1, appliances(jobs) + 1)
        ),
        jobs,
    )


def _night(number: int) -> Night:
    day = FIRST + timedelta(days=number)
    return Night(day.isoformat(), day.strftime("%Y%m%d"), (day + timedelta(days=1)).isoformat())


def _history(
    random: Random, appliance: int, nights: list[Night], clock: list[tuple[str, str, str]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the jobs of one appliance in the order of their days."""
    chance, lognormal = random.random, random.lognormvariate
    usual_start, usual_size = random.randrange(5 * 3600), random.gauss(21.5, 0.6)
    usual_seconds = random.gauss(6.2, 0.6)
    bad_from = {0: 0, 1: NIGHTS - 100}.get(appliance % 100, NIGHTS)
    manual = random.choices(range(NIGHTS), k=PER_APPLIANCE - NIGHTS)
    for number, place in enumerate(sorted([*range(NIGHTS), *manual]), 1):
        night = nights[place]
        by_hand = number > 1 and chance() < 0.05
        failed = place >= bad_from or chance() < 0.04
        start = usual_start + int(chance() * 18 * 3600)
        seconds = int(lognormal(usual_seconds, 0.08)) + 20
        hour, minute, second = clock[start]
        end = start + seconds
        end_day, end = (night.following, end - 86400) if end >= 86400 else (night.day, end)
        end_hour, end_minute, end_second = clock[min(end, 86399)]
        status = "FAILED" if failed else "SUCCEEDED"
        ended = f"{end_day}T{end_hour}:{end_minute}:{end_second}.000000Z"
        yield (
            appliance, number, f"{night.stamp}-{hour}{minute}{second}-{24_000_000 + number}",
            night.day, status, "MANUAL" if by_hand else "SCHEDULED",
            f"{night.day}T{hour}:{minute}:{second}.000000Z", ended,
            seconds, False, int(lognormal(usual_size, 0.02)),
            f"/vCenter/sn_vc{appliance:05}/S_8.0.3_{night.stamp}", "svc-backup", None, False,
            "root", None, None, None, 100, 40 if failed else 100, 1, 1, 1,
            random.randbytes(32), ended, ended, 1,
        )  # fmt: skip


def fill(engine: Engine, jobs: int) -> None:
    """Fill a new archive, count its totals, and run the database's maintenance."""
    indexes = large_indexes()
    with db.writing(engine) as connection:
        hurry(connection)
        for table, row in _OTHER_ROWS:
            db.insert(connection, table, [row])
        names = [
            (number, NAME.format(number), _SEEN, _SEEN, None, None, None)
            for number in range(1, appliances(jobs) + 1)
        ]
        db.insert(connection, tables.appliance, names)
        contents = product(range(1, len(names) + 1), range(1, len(_MESSAGES) + 1))
        db.insert(
            connection,
            tables.message_content,
            [
                (appliance, number, b"%d" % number, number, None, False)
                for appliance, number in contents
            ],
        )
        for index in indexes:
            index.drop(connection)
        for chunk in chunks(rows(jobs), _CHUNK):
            _insert(connection, chunk)
            db.insert(connection, tables.message, list(_said(chunk)))
        for runs in chunks(_imports(appliances(jobs)), _CHUNK):
            db.insert(connection, tables.ingest_run, runs)
        for index in indexes:
            index.create(connection)
    with db.writing(engine) as connection:
        totals.rebuild(connection)
        judged_backups.rebuild(connection)
    tidy(engine)


def large_indexes() -> list[sa.Index]:
    """Return the indexes of all jobs, which are made faster at the end.

    Partial ones stay: only the migration can make them.
    """
    partial = ("ix_job_not_finished", "ix_job_unsealed")
    return [index for index in tables.job.indexes if index.name not in partial]


def _said(chunk: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the message of each job that failed."""
    for appliance, number, _, _, status, *_ in chunk:
        if status == "FAILED":
            content = (appliance + number) % len(_MESSAGES) + 1
            yield (appliance, number, 0, "message", content)


def _imports(number: int) -> Iterator[tuple[Any, ...]]:
    """Yield an import of each appliance in each of the last nights."""
    ids = count(2)
    for night in range(IMPORTS):
        day = FIRST + timedelta(days=NIGHTS - IMPORTS + night + 1)
        at = f"{day.isoformat()}T06:00:00.000000Z"
        for appliance in range(1, number + 1):
            yield (next(ids), "collect", appliance, at, at, at, "complete", None, *_COUNTS)


def hurry(connection: Connection) -> None:
    """Switch off constraint checks: the rows are known to be valid."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def _insert(connection: Connection, chunk: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        db.insert(connection, tables.job, chunk)
        return
    lines = []
    for row in chunk:
        texts = [r"\N" if value is None else str(value) for value in row]
        texts[24] = r"\\x" + row[24].hex()
        lines.append("\t".join(texts))
    driver = cast("Any", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy("COPY job FROM STDIN") as copy:
        copy.write("\n".join(lines) + "\n")


def tidy(engine: Engine) -> None:
    """Do the work of autovacuum. SQLite has no such maintenance, and plans without statistics."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def filled(site: Site, kind: str) -> Engine:
    """Return a filled archive, which several claims share."""
    place = site.databases.get(kind, "fleet")
    engine = migrate.connect(place.url)
    if _made.get(place.url) != site.jobs:
        place.migrate()
        progress(f"  making an archive of {site.jobs:,} jobs on {kind}")
        fill(engine, site.jobs)
        _made[place.url] = site.jobs
    return engine


_made: dict[str, int] = {}


def write_csv(path: Path, jobs: int) -> None:
    """Write the columns that the queries need, for databases that are not archives."""
    columns = ("appliance_id", "id", "key", "day", "status", "type", "start_time", "duration_seconds",
               "size_bytes")  # fmt: skip
    places = [tables.job.columns.keys().index(name) for name in columns]
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(columns) + "\n")
        for row in rows(jobs):
            file.write(",".join([str(row[place]) for place in places]) + "\n")
