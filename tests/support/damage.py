"""Damage single fields of an archive, as a failing disk would: no check and no key prevents it."""

from __future__ import annotations

import random
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.db import Day, Instant, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import ExitStack

    from sqlalchemy.engine import Connection, Engine

    # Makes the damaged value of a column from the value that is there.
    Change = Callable[[sa.Column[Any], Any, random.Random], Any]

COLUMNS = [
    column
    for table in tables.metadata.sorted_tables
    if table is not tables.write_lock  # nobody reads it
    for column in table.columns
]


# The rows of a document: what is wrong with one is that its job has another document, or other rows.
_OF_JOBS = ("job", "message", "job_error", "job_finding", "irregular_document")
_OF_CONTENTS = ("message_content", "message_arg", "message_param")
# Its columns that are no part of a document.
_NOT_OF_DOCUMENT = {"key", "first_seen", "last_seen", "run_id", "seal"}
# Other values that a check allows.
_ALLOWED = {
    ("ingest_run", "outcome"): ("complete", "undone"),
    ("collection", "outcome"): ("complete", "partial", "failed"),
    ("attempt", "outcome"): ("complete", "partial"),
    ("maintenance", "what"): ("rename", "forget"),
    ("expected_backup", "outcome"): ("met", "failed"),
    ("message", "role"): (1, 2, 3),
    ("anomaly", "severity"): (1, 2, 3),
}
# Damage that damages other rows with it, or makes them impossible to check.
ALONE = [
    column
    for column in COLUMNS
    if column.primary_key
    or column.foreign_keys
    or column.table is tables.setting
    or column is tables.schedule.c.days
]


def _batches() -> Iterator[list[sa.Column[Any]]]:
    """Yield columns that are damaged together, one of each table, so that an archive is verified less often."""
    left = [column for column in COLUMNS if column not in ALONE]
    while left:
        batch = {column.table: column for column in left}.values()
        left = [column for column in left if column not in batch]
        yield list(batch)


BATCHES = [*_batches()]


_PRUNED = tables.pruned_appliance


class RefusedError(Exception):
    """A check of the database refuses the value."""


class Planted(NamedTuple):
    """A damaged field: its column, the row's key, and the value before and after."""

    column: sa.Column[Any]
    key: tuple[Any, ...]
    before: Any
    after: Any


@contextmanager
def planted(
    engine: Engine, column: sa.Column[Any], change: Change, seed: int = 0
) -> Iterator[Planted]:
    """Damage a field of a random row, and repair it afterwards. Raises RefusedError."""
    table = column.table
    assert isinstance(table, sa.Table)
    rng = random.Random(f"{column} {seed}")  # noqa: S311 - no secret
    keys = list(table.primary_key)
    with unchecked(engine) as connection:
        query = sa.select(*keys, column.label("damaged")).order_by(*keys)
        if table is tables.expected_backup:  # of pruned jobs, nothing is left to compare with
            query = query.where(table.c.appliance_id.not_in(sa.select(_PRUNED.c.appliance_id)))
        rows = [tuple(row) for row in connection.execute(query)]
        *key, before = rng.choice([row for row in rows if row[-1] is not None] or rows)
        after = change(column, before, rng)
        _set(connection, column, tuple(key), after)
    known = [after if each is column else value for each, value in zip(keys, key, strict=True)]
    try:
        yield Planted(column, tuple(key), before, after)
    finally:
        with unchecked(engine) as connection:
            _set(connection, column, tuple(known), before)


def plant_all(
    stack: ExitStack,
    engine: Engine,
    columns: Iterable[sa.Column[Any]],
    change: Change,
    seed: int = 0,
) -> list[Planted]:
    """Damage a field of each column until the stack ends; leave out what a check refuses."""
    found = []
    for column in columns:
        with suppress(RefusedError):
            found.append(stack.enter_context(planted(engine, column, change, seed)))
    return found


def names(line: str, planted: Planted) -> bool:
    """Return whether a line names the place: table and column, or the job of a document."""
    table, name = planted.column.table.name, planted.column.name
    if table in _OF_CONTENTS and ("message content" in line or "the document is not" in line):
        return True
    if table in _OF_JOBS and name not in _NOT_OF_DOCUMENT:
        return line.startswith(("job ", f"{table} ")) or "refers to a missing row" in line
    if planted.column.primary_key:
        return table in line
    return line.startswith(f"{table} ") and name in line


@contextmanager
def unchecked(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that checks no foreign keys, and on SQLite nothing at all."""
    plain = sa.create_engine(engine.url, poolclass=sa.NullPool)
    with plain.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("SET TimeZone = 'UTC'")
        connection.commit()
        with connection.begin():
            yield connection
    plain.dispose()


def _set(connection: Connection, column: sa.Column[Any], key: tuple[Any, ...], value: Any) -> None:
    table = column.table
    assert isinstance(table, sa.Table)
    # Not with the table itself: the archive's own writers seal what they change.
    plain = sa.table(table.name, *(sa.column(each.name, each.type) for each in table.columns))
    row = [plain.c[each.name] == part for each, part in zip(table.primary_key, key, strict=True)]
    try:
        changed = connection.execute(
            sa.update(plain).where(*row).values({column.name: value})
        ).rowcount
    except (sa.exc.IntegrityError, sa.exc.DataError) as error:
        raise RefusedError from error
    assert changed == 1


def other_value(column: sa.Column[Any], value: Any, rng: random.Random) -> Any:
    """Return another value of the column's type."""
    allowed = _ALLOWED.get((column.table.name, column.name))
    if allowed:
        return rng.choice([one for one in allowed if one != value])
    if isinstance(column.type, Instant):
        moment = datetime.fromisoformat(value or "2026-05-01T00:00:00Z")
        return timestamps.from_datetime(moment + timedelta(seconds=rng.choice((-7, 7))))
    if isinstance(column.type, Day):
        return (date.fromisoformat(value or "2026-05-01") + timedelta(days=20_000)).isoformat()
    if isinstance(column.type, sa.LargeBinary):
        data = bytearray(value or b"\0")
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data)
    if isinstance(column.type, sa.Boolean):
        return not value
    if isinstance(column.type, sa.Text):
        return f"{value or ''}x"
    named = column.primary_key or column.foreign_keys or column.unique
    return (value or 0) + (1_000_000 if named else 1)
