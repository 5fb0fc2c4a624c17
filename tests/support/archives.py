"""Archives for tests: emptied, filled, and compared as a whole."""

from __future__ import annotations

import io
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import calendar, db
from archive.db import migrate, tables
from archive.export import text
from archive.ingest.ingest import Source, ingest
from archive.private_files import create
from archive.store import import_log, seen_documents
from tests.support import citus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection, Engine

SEEN = "2026-07-24T12:00:00.000000Z"


_YEARS = calendar.CALENDAR_YEARS
_ADDED_YEARS = f"FROM calendar WHERE year < '{_YEARS[0]}' OR year > '{_YEARS[-1]}'"
# What to delete, by table, children first. TRUNCATE takes longer than deleting the few rows that a test makes, and
# deleting nothing takes longer than looking. The statements go straight to the driver, as they run before nearly
# every test.
_DELETIONS = {
    table.name: _ADDED_YEARS if table is tables.calendar else f"FROM {table.name}"
    for table in reversed(tables.metadata.sorted_tables)
}
_FOUND = f"SELECT {', '.join(f'EXISTS (SELECT 1 {rows})' for rows in _DELETIONS.values())}"
_MIDNIGHT = {
    "postgresql": "day::timestamp AT TIME ZONE 'UTC'",
    "sqlite": "day || 'T00:00:00.000000Z'",
}


# What archives were filled by since they were emptied.
_filled: dict[Engine, Callable[[Engine], None]] = {}


def keep(engine: Engine, fill: Callable[[Engine], None]) -> None:
    """Fill an empty archive, unless it still has what the same function filled in: for tests that only read."""
    if _filled.get(engine) is not fill:
        empty(engine)
        fill(engine)
        _filled[engine] = fill


def present(connection: Connection) -> list[str]:
    """Return the tables that an empty archive has no rows in; the calendar's, if it has years of its own."""
    found: Iterable[object]
    if citus.URL_VARIABLE in os.environ:  # a cluster does not take all these queries as one
        found = [
            connection.exec_driver_sql(f"SELECT 1 {rows} LIMIT 1").first()
            for rows in _DELETIONS.values()
        ]
    else:
        found = connection.exec_driver_sql(_FOUND).one()
    return [name for name, has_rows in zip(_DELETIONS, found, strict=True) if has_rows]


@cache
def _new_archive() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "archive.db")
        migrate.upgrade(migrate.connect(str(path)))
        return path.read_bytes()


def created(path: Path | str) -> Engine:
    """Create an archive on SQLite: a copy of one that the migrations made in this process."""
    with open(create(Path(path)), "wb") as file:  # noqa: PTH123 - opened already
        file.write(_new_archive())
    return migrate.connect(str(path))


def empty(engine: Engine) -> None:
    """Delete every row; days start at midnight again."""
    _filled.pop(engine, None)
    with db.writing(engine) as connection:
        names = present(connection)
        deletions = [f"DELETE {_DELETIONS[name]}" for name in names]
        if deletions and engine.dialect.name == "postgresql":  # which deletes them all at once
            connection.exec_driver_sql("; ".join(deletions))
        else:
            for deletion in deletions:
                connection.exec_driver_sql(deletion)
        if tables.setting.name in names:
            # Changing the calendar as the command does takes a hundred times longer.
            start = _MIDNIGHT[engine.dialect.name]
            connection.exec_driver_sql(
                f"UPDATE calendar SET start_time = {start} WHERE start_time <> {start}"
            )


def import_documents(
    engine: Engine,
    content: bytes | dict[str, Any],
    appliance: str | None = "vc01",
    seen_at: str = SEEN,
    name: str = "answer.json",
) -> import_log.Summary:
    """Ingest an answer (bytes, or a map of details) as the command does."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ingest(engine, Source(name, stream(data), appliance, seen_at))


def stream(data: bytes) -> io.BufferedReader[Any]:
    """Return bytes as the input of an import."""
    return io.BufferedReader(io.BytesIO(data), 1 << 16)


def count(engine: Engine, table: sa.Table) -> int:
    """Return the number of a table's rows."""
    with db.reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def rows(engine: Engine, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with db.reading(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def job_rows(engine: Engine, *names: str) -> list[tuple[Any, ...]]:
    """Return the jobs, or some of their columns, in order; each with its last-seen time."""
    columns = [
        column for column in seen_documents.job_columns() if not names or column.key in names
    ]
    job = tables.job.c
    query = (
        sa.select(*columns).select_from(seen_documents.joined()).order_by(job.appliance_id, job.id)
    )
    return rows(engine, query)


def lines(engine: Engine) -> str:
    """Return the whole archive as exported jobs."""
    with db.reading(engine) as connection:
        return "".join(text.lines(connection))


def content(engine: Engine) -> dict[str, Any]:
    """Return all content that does not depend on the order of imports: no IDs, no import log."""
    with db.reading(engine) as connection:
        return {
            "jobs": "".join(text.lines(connection)),
            "days": _named(connection, tables.job.c.day),
            "findings": _named(
                connection,
                tables.job_finding.c.seq,
                tables.job_finding.c.code,
                tables.job_finding.c.field,
                tables.job_finding.c.detail,
            ),
            "appliances": _all(connection, "name", "first_seen", "last_seen", of=tables.appliance),
            "builds": _all(connection, "version", of=tables.build),
            "locations": _all(connection, "url", "masked_url", of=tables.location),
            "quarantine": _all(
                connection, "digest", "reason", "document", "first_seen", "last_seen",
                of=tables.quarantine,
            ),
        }  # fmt: skip


def _named(connection: Connection, *columns: sa.Column[Any]) -> list[tuple[Any, ...]]:
    job, appliance, table = tables.job, tables.appliance, columns[0].table
    query = sa.select(appliance.c.name, job.c.key, *columns).join_from(
        job, appliance, job.c.appliance_id == appliance.c.id
    )
    if table is not job:
        query = query.join(
            table,
            (table.c.appliance_id == job.c.appliance_id) & (table.c.job_id == job.c.id),
        )
    return sorted(map(tuple, connection.execute(query)))


def _all(connection: Connection, *names: str, of: sa.Table) -> list[tuple[Any, ...]]:
    query = sa.select(*(of.c[name] for name in names))
    return sorted(map(tuple, connection.execute(query)))


def each(engines: Iterable[Engine]) -> Iterable[Engine]:
    """Yield empty archives, for examples of one property."""
    for engine in engines:
        empty(engine)
        yield engine
