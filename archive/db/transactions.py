"""Transactions: reading ones and writing ones."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from archive.db.driver_errors import failure
from archive.db.read_only import require_unchanged
from archive.db.seals import TOUCHED, seal_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Engine


@contextmanager
def writing(engine: Engine, *, filling: bool = False) -> Iterator[Connection]:
    """Open a transaction that writes: it is committed as a whole at the end, or not at all.

    With `filling`, SQLite checks no foreign keys: use `constraints_last`, which checks them at its
    end. Raises DatabaseError, with a sentence for the user, for any error of the database.

    An exception in the block rolls back. On SQLite it waits for another writer up to 30 seconds
    before it begins.
    """
    with explained(engine), engine.connect() as connection:
        touched: set[Table] = set()
        options = {"archive_writes": True, "archive_fills": filling, TOUCHED: touched}
        writer = connection.execution_options(**options)
        if engine.dialect.name == "postgresql":
            # After waiting for a lock, a writer must see what the last holder wrote, whatever the
            # server's default is.
            writer = writer.execution_options(isolation_level="READ COMMITTED")
        with writer.begin():
            yield writer
            seal_rows(writer, touched)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the archive, even while others write.

    SQLite reads from a snapshot (WAL), PostgreSQL with REPEATABLE READ. A long one delays SQLite's
    checkpoints and PostgreSQL's vacuum. Raises DatabaseError as `writing` does, and at the end if SQLite
    could not keep a snapshot: see `read_only`.
    """
    with explained(engine), engine.connect() as connection:
        reader = connection
        if engine.dialect.name == "postgresql":
            reader = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        try:
            with reader.begin():
                yield reader
        except DBAPIError:
            require_unchanged(connection)
            raise
        require_unchanged(connection)


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn the errors of a driver into a DatabaseError, with a sentence for the user.

    It is a TimeLimitError for a statement that was cancelled. Other exceptions pass.
    """
    try:
        yield
    except DBAPIError as error:
        raise failure(error.orig or error, engine) from error
    except engine.dialect.loaded_dbapi.Error as error:  # of a statement sent without SQLAlchemy
        raise failure(error, engine) from error
