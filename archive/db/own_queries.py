"""SQL of the user's own: one statement that only reads, for a limited time.

On PostgreSQL the transaction is read-only, and the extended protocol accepts no second statement.
SQLite asks an authorizer about all that a statement would do. What a role may read, and call, is left
to the server.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.exc import DBAPIError

from archive.db.driver_errors import codes, explain, message
from archive.db.transactions import reading
from archive.errors import DatabaseError, UsageError
from archive.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

_READS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
# They describe tables, and change nothing.
_PRAGMAS = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "index_info"})
# Instructions of SQLite's machine between two looks at the clock: some milliseconds.
_INSTRUCTIONS = 100_000
# SQLSTATE: a syntax error, an unknown name, an invalid value, a feature that is missing, a
# statement that writes. Not 42501, permission denied, which no other text of the query mends.
_OF_THE_QUERY = {
    "42",
    "22",
    "0A",
    "21",
    "25001",
    "25006",
    "2D",
    "SQLITE_ERROR",
    "SQLITE_AUTH",
    "SQLITE_RANGE",
}
_CANCELLED = {"57014", "SQLITE_INTERRUPT"}


class Rows(NamedTuple):
    """The result of a query: the names of its columns, and its rows as they come."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def own_query(engine: Engine, text: str, seconds: int) -> Iterator[Rows]:
    """Run a statement that only reads; its rows can be read within the block.

    Raises UsageError, also while rows are read, for SQL that is wrong, writes, or is more than one
    statement; DatabaseError for one that takes longer than `seconds`, and for other errors.
    """
    if not text.strip():
        raise UsageError("the query is empty")
    try:
        with reading(engine) as connection:
            run = _on_sqlite if engine.dialect.name == "sqlite" else _on_postgresql
            with run(connection, text, seconds) as rows:
                yield rows
    except DatabaseError as error:
        raise _explained(error, engine, seconds) from error
    except sqlite3.Warning as error:  # of Python 3.11, for a second statement
        raise UsageError(f"the query: {error}") from error


def _explained(error: DatabaseError, engine: Engine, seconds: int) -> Exception:
    """Return an error of the query itself as such; any other as it is."""
    cause = error.__cause__
    driver: Any = cause.orig if isinstance(cause, DBAPIError) else cause
    if driver is None:
        return error
    found = set(codes(driver, engine))
    if found & _CANCELLED:
        return DatabaseError(
            f"the query took longer than {seconds:,} s; limit what it reads, or raise --time-limit"
        )
    # Some have no code, such as that of SQLite for a second statement.
    wrong = isinstance(driver, engine.dialect.loaded_dbapi.ProgrammingError)
    if "42501" not in found and (wrong or found & _OF_THE_QUERY):
        return UsageError(f"the query: {mask_text(message(driver))}")
    return DatabaseError(explain(driver, engine))


@contextmanager
def _on_sqlite(connection: Connection, text: str, seconds: int) -> Iterator[Rows]:
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + seconds
    driver.set_authorizer(_authorize)
    driver.set_progress_handler(lambda: time.monotonic() > end, _INSTRUCTIONS)
    cursor = driver.cursor()
    try:
        cursor.execute(text)
        yield Rows(tuple(each[0] for each in cursor.description or ()), iter(cursor))
    finally:
        cursor.close()
        driver.set_progress_handler(None, 0)
        driver.set_authorizer(None)


def _authorize(action: int, first: str | None, *_: object) -> int:
    allowed = action in _READS or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


@contextmanager
def _on_postgresql(connection: Connection, text: str, seconds: int) -> Iterator[Rows]:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds * 1000}")
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        # `execute` would send several statements, one of which could end the transaction.
        rows = cursor.stream(text)
        first = next(rows, None)
        if first is None:
            yield Rows(_described(driver.pgconn, text), iter(()))
            return
        yield Rows(tuple(each.name for each in cursor.description or ()), chain([first], rows))


def _described(connection: Any, text: str) -> tuple[str, ...]:
    """Return the columns of a query without rows, which only libpq tells: an unnamed statement's."""
    connection.prepare(b"", text.encode())
    result = connection.describe_prepared(b"")
    return tuple(result.fname(place).decode() for place in range(result.nfields))
