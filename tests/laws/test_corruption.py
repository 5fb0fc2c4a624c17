"""Damage of any single field is found, and the row and the column are named."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy as sa

from archive import timestamps
from archive.db import Day, Instant, tables
from archive.maintenance import verify
from tests.support import everything
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

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
COLUMNS = [
    (table.name, column.name)
    for table in tables.metadata.sorted_tables
    if table is not tables.write_lock  # nobody reads it
    for column in table.columns
]
# A part of all columns by default, another one each day; CI asks for more examples, and gets all.
_SHARE = COLUMNS if EXAMPLES > 5 else random.Random(str(date.today())).sample(COLUMNS, 24)  # noqa: DTZ011, S311


class Planted(NamedTuple):
    """A damaged field: the row's place in its table, and what was there."""

    table: str
    column: str
    row: Any
    before: Any
    after: Any


@pytest.fixture(scope="module")
def damaged(shared_engine: Engine) -> Engine:
    """An archive with rows in every table, in which each test damages one field for a while."""
    everything.fill(shared_engine)
    assert list(verify.verify(shared_engine)) == []
    return shared_engine


@pytest.mark.parametrize(("table", "column"), _SHARE, ids=map(".".join, _SHARE))
def test_damaged_field_is_found(damaged: Engine, table: str, column: str) -> None:
    with _planted(damaged, table, column) as planted:
        found = list(verify.verify(damaged))
    assert any(_names(one, planted) for one in found), (planted, found)


def _names(line: str, planted: Planted) -> bool:
    """Return whether a line names the place: table and column, or the job of a document."""
    if planted.table in _OF_CONTENTS and (
        "message content" in line or "the document is not" in line
    ):
        return True
    if planted.table in _OF_JOBS and planted.column not in _NOT_OF_DOCUMENT:
        return line.startswith(("job ", f"{planted.table} ")) or "refers to a missing row" in line
    if planted.column in tables.metadata.tables[planted.table].primary_key.columns:
        return planted.table in line
    return line.startswith(f"{planted.table} ") and planted.column in line


@contextmanager
def _planted(engine: Engine, name: str, column_name: str) -> Iterator[Planted]:
    """Damage a field of a row, and repair it afterwards."""
    table = tables.metadata.tables[name]
    column = table.c[column_name]
    rng = random.Random(f"{name}.{column_name}")  # noqa: S311 - no secret
    with _unchecked(engine) as connection:
        rows = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings().all()
        filled = [row for row in rows if row[column_name] is not None] or rows
        row = rng.choice(filled)
        before, after = row[column_name], _other(name, column, row[column_name], rng)
        _set(connection, table, row, {column_name: after})
    try:
        yield Planted(name, column_name, dict(row), before, after)
    finally:
        with _unchecked(engine) as connection:
            _set(connection, table, {**row, column_name: after}, {column_name: before})


def _set(connection: Connection, table: sa.Table, row: Any, values: dict[str, Any]) -> None:
    # Not with the columns themselves: the archive's own writers seal what they change.
    plain = sa.table(table.name, *(sa.column(each.name, each.type) for each in table.columns))
    key = [plain.c[each.name] == row[each.name] for each in table.primary_key]
    try:
        changed = connection.execute(sa.update(plain).where(*key).values(values)).rowcount
    except sa.exc.IntegrityError:
        pytest.skip("a check of the database refuses this value")
    assert changed == 1


@contextmanager
def _unchecked(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that checks no foreign keys, as a failing disk would not."""
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


def _other(name: str, column: sa.Column[Any], value: Any, rng: random.Random) -> Any:
    """Return another value of the column's type."""
    if (name, column.name) in _ALLOWED:
        return rng.choice([one for one in _ALLOWED[name, column.name] if one != value])
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
