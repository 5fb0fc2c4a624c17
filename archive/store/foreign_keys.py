"""Which columns refer to a table, and which of its rows they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


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
