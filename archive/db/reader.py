"""Engines that cannot write, and a watch for changes, for a process that reads for a long time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from archive.db.engine import create_engine
from archive.db.read_only import State, open_read_only, state_of
from archive.db.transactions import explained
from archive.db.urls import sqlite_file

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from sqlalchemy.engine import URL, Connection, Engine

# SQLite asks every so many instructions whether the time is up: each takes some nanoseconds.
_INSTRUCTIONS = 100_000


def create_reader(url: URL, kept: int = 0, seconds: float | None = None) -> Engine:
    """Return an engine whose transactions cannot write, and end after so many seconds.

    On SQLite the file is opened read-only, and the whole transaction is limited. On PostgreSQL each
    statement is; `reading` makes the transaction read-only. Exceeding the limit raises TimeLimitError;
    None is no limit.
    """
    engine = create_engine(url, kept, reads_only=True)
    if sqlite_file(url) is None:
        settings = {"transaction_read_only": "on"}
        if seconds is not None:
            settings["statement_timeout"] = f"{max(int(seconds * 1000), 1)}ms"
        calls = ", ".join(
            f"set_config('{name}', '{value}', true)" for name, value in settings.items()
        )

        def limit_statements(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT {calls}")

        event.listen(engine, "begin", limit_statements)
        return engine
    if seconds is None:
        return engine
    limit = seconds

    def limit_transaction(connection: Connection) -> None:
        deadline = time.monotonic() + limit
        file: Any = connection.connection.driver_connection
        file.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS)

    event.listen(engine, "begin", limit_transaction)
    return engine


class Watch:
    """A watch for changes to the archive of an engine. Not for several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = sqlite_file(engine.url)
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        self._state: State | None = None

    def mark(self) -> tuple[object, ...]:
        """Return a value that differs from the one before if anything was committed in between.

        PostgreSQL counts transactions of all its databases. If the file of a SQLite archive was
        replaced, connections to the old one are dropped. Raises DatabaseError.
        """
        with explained(self._engine):
            if self._path is None:
                with self._engine.connect() as connection, connection.begin():
                    return tuple(
                        connection.exec_driver_sql(
                            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
                        ).one()
                    )
            return self._mark_of_file(self._path)

    def _mark_of_file(self, path: Path) -> tuple[object, ...]:
        try:
            status = path.stat()
            file = (status.st_dev, status.st_ino)
        except OSError:
            file = (0, 0)  # opening it raises an error that says why
        outdated = self._state is not None and self._state != state_of(path)
        if self._connection is None or file != self._file or outdated:
            self.close()
            (self._connection, self._state), self._file = open_read_only(path), file
        # SQLite counts the commits of others since a connection was opened.
        version = self._connection.execute("PRAGMA data_version").fetchone()
        return (*file, *version, self._state)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
