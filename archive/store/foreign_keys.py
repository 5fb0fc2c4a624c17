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
    conditions = [~sa.exists().where(column == table.c.id) for column in referring(table)]
    query = sa.select(table.c.id).where(*conditions).order_by(table.c.id)
    return list(connection.execute(query).scalars())
