"""Back up a SQLite archive into a file, while others read and write it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from archive.atomic_write import atomic_write
from archive.db.transactions import explained
from archive.db.urls import sqlite_file
from archive.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine

# So many pages are copied between two calls of `on_pages`.
_PAGES = 2000


def back_up(
    engine: Engine, target: Path, on_pages: Callable[[int, int], None] = lambda *_: None
) -> None:
    """Write one state of the archive into a file that appears when it is complete and checked.

    An existing file is replaced. `on_pages` is called with the number of pages copied so far, and
    the number of all. Raises UsageError on PostgreSQL, and DatabaseError.
    """
    path = sqlite_file(engine.url)
    if path is None:
        raise UsageError(
            "this is for SQLite: back up PostgreSQL with pg_dump, or run `archive db copy --to FILE`"
        )
    target = target.resolve()
    if target == path.resolve():
        raise UsageError(f"{target} is the archive itself: name another file")
    log = target.with_name(f"{target.name}-wal")
    if log.exists() and log.stat().st_size:  # SQLite would apply it to the backup
        raise UsageError(f"{target} is a database that is in use: name another file")
    try:
        with atomic_write(target, durable=True) as written, explained(engine):
            _copy(path, written, on_pages)
            damage = _damage(written)
            if damage is not None:
                raise DatabaseError(
                    f"{path}: the archive is damaged, so its backup would be, too ({damage}); restore"
                    " an earlier backup"
                )
    except OSError as error:
        raise DatabaseError(f"{target}: cannot write the backup: {error.strerror}") from error


def _copy(path: Path, written: Path, on_pages: Callable[[int, int], None]) -> None:
    with (
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(written)) as copy,
    ):
        source.isolation_level = None
        # Without a transaction, the backup would begin anew whenever another process writes.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            copy, pages=_PAGES, progress=lambda _, left, total: on_pages(total - left, total)
        )


def _damage(path: Path) -> str | None:
    """Return the first thing that SQLite finds wrong in a file that nobody else has open."""
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return None if found == "ok" else found
