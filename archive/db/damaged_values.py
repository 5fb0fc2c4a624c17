"""Read values that should not be in a database, but can be by damage, or because SQL put them there.

SQLite stores bytes that are no UTF-8 as a text, PostgreSQL instants before the year 1 or at infinity.
Their drivers refuse the whole row.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError

from archive.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

# Names of PostgreSQL's types that have values which Python's do not have.
_TIMES = ("timestamptz", "date")


class UnreadableError(DatabaseError):
    """A statement cannot compute with a value."""


def read_any_value(connection: Connection) -> None:
    """Let a connection return every value; it lasts as long as the connection to the database.

    A byte that is no UTF-8 becomes a lone surrogate, a time that Python does not have a text.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        return
    import psycopg
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    def tolerant(usual: type[Loader]) -> type[Loader]:
        class Tolerant(Loader):
            def __init__(self, oid: int, context: Any = None) -> None:
                super().__init__(oid, context)
                self._usual = usual(oid, context)

            def load(self, data: Any) -> Any:
                try:
                    return self._usual.load(data)
                except psycopg.DataError:
                    return bytes(data).decode()

        return Tolerant

    for name in _TIMES:
        oid = psycopg.adapters.types[name].oid
        usual = driver.adapters.get_loader(oid, Format.TEXT)
        driver.adapters.register_loader(oid, tolerant(usual))


@contextmanager
def undone_if_unreadable(connection: Connection) -> Iterator[None]:
    """Keep a transaction usable if a statement of the block fails because of a value.

    Raises UnreadableError then. PostgreSQL would refuse every statement after it.
    """
    savepoint = connection.begin_nested() if connection.dialect.name == "postgresql" else None
    try:
        yield
    except DataError as error:
        if savepoint is not None:
            savepoint.rollback()
        raise UnreadableError(type(error.orig).__name__) from error
    else:
        if savepoint is not None:
            savepoint.commit()
