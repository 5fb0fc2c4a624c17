"""Which columns refer to a table, which of its rows they refer to, and how others are deleted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import citus, tables
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy.engine import Connection

# Making an index takes as long as a few searches of the table without one.
_FEW = 3


def referring(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that refer to the ID of a table, each by a foreign key of one column."""
    return [
        key.parent
        for other in tables.metadata.sorted_tables
        for key in other.foreign_keys
        if key.column is table.c.id
    ]


def unused(connection: Connection, table: sa.Table) -> list[int]:
    """Return the IDs of a table's rows that nothing refers to, in order."""
    # Joins, since Citus refuses NOT EXISTS between tables on different nodes; distinct values, since a row
    # may be referred to by very many.
    used = [
        sa.select(column.label("number")).where(column.is_not(None)).distinct().subquery()
        for column in referring(table)
    ]
    joined: sa.FromClause = table
    for one in used:
        joined = joined.outerjoin(one, one.c.number == table.c.id)
    query = (
        sa.select(table.c.id).select_from(joined).where(*(one.c.number.is_(None) for one in used))
    )
    return list(connection.execute(query.order_by(table.c.id)).scalars())


def delete_unused(
    connection: Connection, table: sa.Table, among: Collection[int] | None = None
) -> int:
    """Delete the rows that nothing refers to, all or those among some IDs; return how many there were."""
    numbers = unused(connection, table)
    if among is not None:
        numbers = sorted(set(numbers).intersection(among))
    with _indexed(connection, table, len(numbers)):
        for chunk in chunks(numbers):
            connection.execute(sa.delete(table).where(table.c.id.in_(chunk)))
    return len(numbers)


@contextmanager
def _indexed(connection: Connection, table: sa.Table, rows: int) -> Iterator[None]:
    """Let the columns that refer to a table have an index while so many of its rows are deleted.

    A database looks for references to each deleted row, and would read all jobs for each.
    """
    # A distributed archive has no keys between tables of different classes, or keeps them on each node.
    if rows <= _FEW or citus.is_distributed(connection):
        yield
        return
    places = [(column.table.name, column.name) for column in referring(table)]
    for owner, column in places:
        connection.exec_driver_sql(f"CREATE INDEX deleting_{owner}_{column} ON {owner} ({column})")
    yield
    for owner, column in places:
        connection.exec_driver_sql(f"DROP INDEX deleting_{owner}_{column}")
