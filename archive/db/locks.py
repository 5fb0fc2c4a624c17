"""Named locks, for a transaction or for the life of a process."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from archive.db.transactions import explained, writing
from archive.db.urls import sqlite_file
from archive.errors import DatabaseError
from archive.private_files import open_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

# The settings that would end a long transaction that waits. Some servers do not have all of them.
_PATIENT = """
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


def lock(connection: Connection, names: Iterable[str], *, shared: bool = False) -> None:
    """Hold named locks until the transaction ends. They are taken in alphabetical order.

    On PostgreSQL they are locks of rows that only the archive's writers may touch: an advisory lock
    could be held by anybody who can log in. SQLite needs none: a writer locks the whole file.

    The connection must be one of `writing`. Locks taken in one order cannot make two transactions
    wait for each other, so name all that are needed in one call. A wait that is too long raises
    DatabaseError.
    """
    if connection.dialect.name == "postgresql":
        wanted = sorted(set(names))
        _name(connection, wanted)
        strength = "SHARE" if shared else "UPDATE"
        connection.exec_driver_sql(
            f"SELECT name FROM write_lock WHERE name = ANY(%s::text[]) ORDER BY name FOR {strength}",  # noqa: S608 - two literals
            (wanted,),
        )


def lock_schema(connection: Connection) -> None:
    """Hold the lock of schema changes until the transaction ends; there may be no tables yet.

    It is a lock of the table with the schema's revision, which only its owner can take. Before there is
    one, it is an advisory lock. On SQLite the writer has the file.
    """
    if connection.dialect.name != "postgresql":
        return
    if not _has_revision(connection):
        connection.exec_driver_sql(
            "SELECT pg_advisory_xact_lock(hashtextextended('archive schema', 0))"
        )
    # Another process may have created it meanwhile.
    if _has_revision(connection):
        connection.exec_driver_sql("LOCK TABLE archive_schema IN EXCLUSIVE MODE")


def _has_revision(connection: Connection) -> bool:
    found = connection.exec_driver_sql("SELECT to_regclass('archive_schema') IS NOT NULL")
    return bool(found.scalar_one())


def _name(connection: Connection, names: list[str]) -> None:
    """Make sure that there are rows to lock; most transactions find them."""
    count = "SELECT count(*) FROM write_lock WHERE name = ANY(%s::text[])"
    if connection.exec_driver_sql(count, (names,)).scalar_one() == len(names):
        return
    connection.exec_driver_sql(
        "INSERT INTO write_lock (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (names,)
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
    """Hold a row of the server's table of locks in a transaction, which ends with its connection."""
    # A transaction that stays open, since a pooler may give each one another session.
    row = f"alone {name}"
    with writing(engine) as connection:
        _name(connection, [row])
    with ExitStack() as stack:
        with explained(engine):
            connection = stack.enter_context(engine.connect())
            connection.execution_options(isolation_level="READ COMMITTED")
            stack.enter_context(connection.begin())
            held = connection.exec_driver_sql(
                "SELECT name FROM write_lock WHERE name = %s FOR UPDATE SKIP LOCKED", (row,)
            ).first()
            # The last statement: without a parameter it leaves no cursor, which would keep old rows.
            connection.exec_driver_sql(_PATIENT)
        yield held is not None


@contextmanager
def _alone_by_file(path: Path, name: str) -> Iterator[bool]:
    """Hold a lock on a file beside the archive's, which the system ends with the process.

    The path is resolved, so two links to one archive have one lock.
    """
    import fcntl

    whole = path.resolve()
    lock_file = whole.with_name(f"{whole.name}-{name}.lock")
    with ExitStack() as stack:
        try:
            descriptor = open_beside(lock_file, whole)
            file = stack.enter_context(open(descriptor, "rb"))  # noqa: PTH123 - of a descriptor
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        except OSError as error:
            raise DatabaseError(f"{lock_file}: cannot lock the file: {error.strerror}") from error
        else:
            held = True
        yield held
