"""Give the free pages of a SQLite file back to the file system."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from archive.db.transactions import explained
from archive.db.urls import sqlite_file

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# Seconds to wait for other writers, as every writer does.
_PATIENCE = 30


def compact(engine: Engine) -> int:
    """Write the file anew without free pages, and return by how many bytes it is smaller.

    It needs as much free disk space as the archive has, and others wait to write meanwhile. PostgreSQL
    does this by itself: 0. Raises DatabaseError, with the file as it was.
    """
    path = sqlite_file(engine.url)
    if path is None:
        return 0
    with explained(engine), closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
        connection.isolation_level = None
        before = path.stat().st_size
        connection.execute("VACUUM")
        # The new pages are in the log first.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return before - path.stat().st_size
