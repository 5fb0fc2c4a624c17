"""Rows of one appliance that become those of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import seals

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def move(connection: Connection, table: sa.Table, source: int, target: int) -> None:
    """Give all rows of a table that one appliance has to another one, which has none with the same key.

    They are inserted anew: Citus refuses to update the appliance, since its rows are on another node.
    """
    mine = table.c.appliance_id == source
    rows = connection.execute(sa.select(*seals.facts(table)).where(mine)).all()
    connection.execute(sa.delete(table).where(mine))
    # The ID of the appliance is the first column of each of these tables.
    db.insert(connection, table, [(target, *row[1:]) for row in rows])
