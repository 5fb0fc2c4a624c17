"""SQLite files opened for reading: nothing is written to them, and nothing beside them if need be.

SQLite's readers share a WAL index, the file `-shm`, and make it if there is none. A user who may not write
in the archive's folder cannot, but needs none as long as nobody writes: then the file is opened as
"immutable", and whether it stayed so is checked after each transaction.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from archive.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# SQLite's codes for a disk too full for the WAL index, which is a file mapped into memory.
NO_ROOM = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMMAP,
)
# A file that changed this short a time ago may change again within one tick of its clock.
_TICK_NANOSECONDS = 50_000_000
# Where a connection's record keeps the state of the file that it was opened with.
_STATE = "archive_state"


class State(NamedTuple):
    """A file as it is; it differs after each write."""

    device: int
    inode: int
    size: int
    modified: int
    has_wal: bool


def open_read_only(path: Path) -> tuple[sqlite3.Connection, State | None]:
    """Return a connection to a SQLite file that cannot write to it, for any thread.

    Also the state of the file if nothing tells the connection of changes: what it has read is only valid
    if that is the state afterwards. An error of the file is raised by the first statement.
    """
    # A folder can be opened for reading, too, and SQLite would then say that the disk failed.
    connection = _opened(path, "mode=rw" if path.is_dir() else "mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in NO_ROOM:
            connection.close()
            return in_memory_index(_opened(path, "mode=rw")), None
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_DIRECTORY:
            state = state_of(path)
            # With a WAL the file lacks the newest rows.
            if not state.has_wal:
                connection.close()
                return _opened(path, "immutable=1"), state
    return connection, None


def in_memory_index(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Keep the WAL index of a new connection in memory: there is no other while it is open."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def state_of(path: Path) -> State:
    """Return the state of a file, after a moment if it has just changed. Raises DatabaseError."""
    try:
        while True:
            status = path.stat()
            if abs(time.time_ns() - status.st_mtime_ns) > _TICK_NANOSECONDS:
                break
            time.sleep(_TICK_NANOSECONDS / 1e9)
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be read: {error.strerror}") from error
    has_wal = Path(f"{path}-wal").exists()
    return State(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, has_wal)


def connect(record: Any, path: Path) -> sqlite3.Connection:
    """Return a connection for the pool of an engine, in whose record the state is kept."""
    connection, state = open_read_only(path)
    record.info[_STATE] = (path, state)
    return connection


def is_outdated(record: Any) -> bool:
    """Return whether a connection that the pool kept would not see what has been written since."""
    path, state = record.info.get(_STATE, (None, None))
    return state is not None and state != state_of(path)


def require_unchanged(connection: Connection) -> None:
    """Raise DatabaseError if what a transaction has read may be of two states of the archive.

    Only its file counts: what another process has written to a new WAL is not in it yet.
    """
    path, state = connection.info.get(_STATE, (None, None))
    if state is not None and state_of(path)[:-1] != state[:-1]:
        raise DatabaseError(
            f"{path}: another process wrote to the archive while it was read; run the command again"
        )


def _opened(path: Path, how: str) -> sqlite3.Connection:
    place = f"file:{quote(str(path.absolute()))}?{how}"
    connection = sqlite3.connect(place, uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")  # not even temporary tables
    return connection
