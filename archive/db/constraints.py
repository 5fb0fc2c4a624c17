"""Check foreign keys once at the end instead of row by row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from archive.db.citus import is_distributed
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

# SQLSTATE lock_not_available: the lock_timeout is over.
_NOT_AVAILABLE = "55P03"
# How long a first load waits for others to leave its tables. Without them it takes somewhat longer.
_WAIT_SECONDS = 3


@contextmanager
def constraints_last(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Check the foreign keys of tables once, at the end.

    For filling empty tables, in a transaction opened for that: the checks are then joins, which are
    much faster. On PostgreSQL the tables are locked until the transaction ends. For a user who does
    not own them, if another transaction keeps one of them in use, and in a distributed archive, this does
    nothing. Raises DatabaseError if a row refers to a missing one.
    """
    if connection.dialect.name != "postgresql":
        yield
        for name in names:
            if connection.exec_driver_sql(f"PRAGMA foreign_key_check({name})").first() is not None:
                raise DatabaseError(f"a row of {name} refers to a missing row")
        return
    if is_distributed(connection):  # where each change of a table goes through all shards
        yield
        return
    # The statements that drop the constraints and make them again, from PostgreSQL's own catalogue.
    found = connection.exec_driver_sql(
        "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),"
        " format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,"
        " pg_get_constraintdef(pg_constraint.oid))"
        " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])"
        " AND pg_has_role(relowner, 'USAGE') ORDER BY conrelid, conname",
        (list(names),),
    ).all()
    if found and not _lock_alone(connection, names):
        found = []
    for drop, _ in found:
        connection.exec_driver_sql(drop)
    yield
    for _, add in found:
        connection.exec_driver_sql(add)


def _lock_alone(connection: Connection, names: Sequence[str]) -> bool:
    """Lock tables, and those they refer to, against everybody; return False if that takes too long.

    A reader who leaves a transaction open must not stop an import.
    """
    # In the order of other transactions, which lock a table before the older ones it refers to.
    locked = connection.exec_driver_sql(
        "SELECT DISTINCT one::regclass::text AS name, one FROM pg_constraint"
        " CROSS JOIN unnest(ARRAY[conrelid, confrelid]) AS relation (one)"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[]) ORDER BY one DESC",
        (list(names),),
    ).all()
    before = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'")
            for name, _ in locked:
                connection.exec_driver_sql(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{before}'")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_AVAILABLE:
            raise
        return False
    return True
