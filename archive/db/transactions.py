"""Transactions that read, and those that write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from archive.db.driver_errors import explain
from archive.db.urls import shown
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes: committed as a whole at the end, or not at all.

    Raises DatabaseError, with a sentence for people, for whatever the database refuses.
    """
    with explained(engine), engine.connect() as connection:
        writer = connection.execution_options(archive_writes=True)
        if engine.dialect.name == "postgresql":
            # Who has waited for a lock must see what its last holder wrote, whatever the default.
            writer = writer.execution_options(isolation_level="READ COMMITTED")
        with writer.begin():
            yield writer


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the archive, whoever writes meanwhile.

    Raises DatabaseError as `writing` does.
    """
    with explained(engine), engine.connect() as connection:
        reader = connection
        if engine.dialect.name == "postgresql":
            reader = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with reader.begin():
            yield reader


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a driver raises into a DatabaseError, with a sentence for people."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseError(explain(error.orig or error, shown(engine.url))) from error
    except engine.dialect.loaded_dbapi.Error as error:  # of a statement that went to the driver
        raise DatabaseError(explain(error, shown(engine.url))) from error
