"""Named locks, for a transaction or for the life of a process."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from archive.db.transactions import explained
from archive.db.urls import sqlite_file
from archive.errors import DatabaseError
from archive.private_files import open_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine


def lock(connection: Connection, names: Iterable[str], *, shared: bool = False) -> None:
    """Hold named locks until the transaction ends. They are taken in alphabetical order.

    SQLite needs none: a writer locks the whole file.
    """
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.exec_driver_sql(
            f"SELECT {function}(hashtextextended('archive ' || name, 0))"  # noqa: S608 - two literals
            " FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, place) ORDER BY place",
            (sorted(set(names)),),
        )


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[bool]:
    """Hold a named lock across transactions; yield False at once if another process holds it.

    The lock ends with the process in any case. On SQLite it is a lock on a file beside the database;
    the file stays. Raises DatabaseError if the lock cannot be requested.
    """
    path = sqlite_file(engine.url)
    with _alone_by_server(engine, name) if path is None else _alone_by_file(path, name) as held:
        yield held


@contextmanager
def _alone_by_server(engine: Engine, name: str) -> Iterator[bool]:
    # A separate connection without a transaction, which may stay idle for any time.
    with ExitStack() as stack:
        with explained(engine):
            connection = stack.enter_context(engine.connect())
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("SET idle_session_timeout = 0")
            held = connection.exec_driver_sql(
                "SELECT pg_try_advisory_lock(hashtextextended('archive alone ' || %s, 0))", (name,)
            ).scalar_one()
        yield bool(held)


@contextmanager
def _alone_by_file(path: Path, name: str) -> Iterator[bool]:
    import fcntl

    whole = path.resolve()
    lock_file = whole.with_name(f"{whole.name}-{name}.lock")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(open_beside(lock_file, whole), "rb"))  # noqa: PTH123 - of a descriptor
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        except OSError as error:
            raise DatabaseError(f"{lock_file}: cannot lock the file: {error.strerror}") from error
        else:
            held = True
        yield held
