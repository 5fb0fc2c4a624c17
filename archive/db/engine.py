"""Engines with the settings of their connections, and the file of a SQLite archive."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event

from archive.db import citus, read_only
from archive.db.seals import clear_seals
from archive.db.transactions import explained
from archive.db.urls import THRESHOLD, prepare_threshold, sqlite_file
from archive.errors import DatabaseError
from archive.private_files import create, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Connection, Engine

# Bytes. A first import takes a tenth less of the processor than with SQLite's 4096.
_PAGE_SIZE = 8192
# How long a writer waits for another writer.
# It is SQLite's busy timeout and PostgreSQL's lock_timeout.
LOCK_WAIT_SECONDS = 30


def create_engine(
    url: URL, kept: int = 0, *, reads_only: bool = False, large_cache: bool = False
) -> Engine:
    """Return an engine with the archive's settings for time zone, locking and transactions.

    It keeps up to `kept` idle connections open, until it is disposed of. With `reads_only`, a SQLite file
    is opened so that it cannot be written, and kept connections are checked before use: see `reader`.
    With `large_cache`, a kept connection to SQLite has as much of a cache as one that is not kept.

    Nothing connects yet. Without `kept` each transaction has a connection of its own: the command
    is short-lived, and a pooler on the server may do the keeping.
    """
    options: dict[str, Any]
    pooling: dict[str, Any]
    if url.get_backend_name() == "sqlite":
        options = {"check_same_thread": False}  # kept connections may serve any thread
    else:
        # The encoding overrides PGCLIENTENCODING.
        options = {"client_encoding": "utf8", THRESHOLD: prepare_threshold(url)}
    if kept:
        pooling = {"poolclass": sa.pool.QueuePool, "pool_size": kept, "pool_pre_ping": reads_only}
    else:
        pooling = {"poolclass": sa.pool.NullPool}
    # No error may quote a row.
    engine = sa.create_engine(url, connect_args=options, hide_parameters=True, **pooling)
    clear_seals(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _connect_read_only if reads_only else _connect_sqlite)
        if reads_only and kept:
            event.listen(engine, "checkout", _refuse_outdated)
        event.listen(engine, "connect", _prepare_sqlite)
        if kept and not large_cache:
            event.listen(engine, "connect", _cache_less)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)
    return engine


@contextmanager
def keeping(engine: Engine, kept: int, *, large_cache: bool = False) -> Iterator[Engine]:
    """Yield an engine for the same database that keeps connections open, for many transactions.

    Its connections are closed at the end, also after an error.
    """
    keeper = create_engine(engine.url, kept, large_cache=large_cache)
    keeper.update_execution_options(**engine.get_execution_options())
    try:
        yield keeper
    finally:
        keeper.dispose()


def _connect_sqlite(
    _dialect: object, _record: object, arguments: Any, options: Any
) -> sqlite3.Connection:
    """Open a file, also where there is no room for SQLite's shared memory, a file of 32 KiB.

    On a full disk it is in the memory of this process, so that reports can be read; others wait.
    """
    connection: sqlite3.Connection = sqlite3.connect(*arguments, **options)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in read_only.NO_ROOM:
            connection.close()
            connection = read_only.in_memory_index(sqlite3.connect(*arguments, **options))
        # Any other error is reported by the first statement of a transaction.
    return connection


def _connect_read_only(
    _dialect: object, record: object, arguments: Any, _options: Any
) -> sqlite3.Connection:
    return read_only.connect(record, Path(arguments[0]))


def _refuse_outdated(_connection: object, record: Any, _proxy: object) -> None:
    """Let the pool open a new connection instead of one that would not see the newest rows."""
    if read_only.is_outdated(record):
        raise sa.exc.DisconnectionError


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set a new connection's options, which SQLite does not store in the file.

    Sizes: a negative cache size is in KiB, so this is 32 MiB. With WAL, `synchronous = NORMAL` may
    lose the last transactions when the power fails, but never damages the file (SQLite's
    documentation of the pragma).
    """
    connection.isolation_level = None  # `_begin_sqlite` begins transactions
    for pragma in (
        f"busy_timeout = {LOCK_WAIT_SECONDS * 1000}",
        "synchronous = NORMAL",
        "cache_size = -32768",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _cache_less(connection: sqlite3.Connection, _record: object) -> None:
    """Limit the cache, which a kept connection would hold for its lifetime."""
    connection.execute("PRAGMA cache_size = -8192")


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction; a writer takes the lock at once.

    A transaction that began as a reader cannot always become a writer: if another one has written
    meanwhile, SQLite refuses it without waiting (SQLITE_BUSY_SNAPSHOT).
    """
    options = connection.get_execution_options()
    # Outside of a transaction; a kept connection may have been used for filling before.
    checks = "OFF" if options.get("archive_fills") else "ON"
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {checks}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("archive_writes") else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    """Set the zone and the lock timeout for one transaction (`set_config` with `is_local`)."""
    # For each transaction: behind a pooler the next one may be in another session.
    driver: Any = connection.connection.driver_connection
    *_, has_citus = driver.execute(
        "SELECT set_config('TimeZone', 'UTC', true),"
        f" set_config('lock_timeout', '{LOCK_WAIT_SECONDS}s', true), {citus.IS_INSTALLED}"
    ).fetchone()
    if has_citus:
        citus.begin(connection, LOCK_WAIT_SECONDS)


def prepare_file(engine: Engine) -> None:
    """Create the file of a new SQLite archive, in WAL mode: readers and a writer work side by side.

    Only its owner can access it. SQLite gives the files beside it the same permissions.

    It does nothing on PostgreSQL. Raises DatabaseError if the folder or file cannot be created.
    """
    path = sqlite_file(engine.url)
    if path is None:
        return
    try:
        make_folder(path.parent)
    except OSError as error:
        raise DatabaseError(f"{path.parent}: cannot create the folder: {error.strerror}") from error
    try:
        os.close(create(path))
    except FileExistsError:
        pass
    except OSError as error:
        raise DatabaseError(f"{path}: cannot create the file: {error.strerror}") from error
    with explained(engine):
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA page_size = {_PAGE_SIZE}")  # of a new file
            _use_wal(cursor)
        finally:
            connection.close()


def _use_wal(cursor: Any) -> None:
    """Switch a file to WAL, which stays in effect for all later connections."""
    # SQLite's busy_timeout does not apply to this statement.
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
