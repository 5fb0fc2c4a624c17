"""Paths of params, which imports derive from names: those that are wrong, and their repair.

SQL makes them here, from the row of the param that contains another, so nothing depends on the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import Text, tables
from archive.document.params import CUT, LONGEST_PATH

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_TABLE = tables.message_param


def wrong(
    connection: Connection, *conditions: sa.ColumnElement[bool]
) -> list[tuple[int, int, int, str]]:
    """Return the keys of rows whose path does not follow from their name and the path above, and the right one.

    `conditions` are on the table. Rows whose parent is missing are left out.
    """
    above = _TABLE.alias("above")
    contains = sa.and_(
        above.c.appliance_id == _TABLE.c.appliance_id,
        above.c.content_id == _TABLE.c.content_id,
        above.c.seq == _TABLE.c.parent_seq,
        above.c.seq < _TABLE.c.seq,  # as a constraint has it, which damage does not respect
    )
    whole = sa.case(
        (_TABLE.c.parent_seq.is_(None), _TABLE.c.name),
        else_=above.c.path + "." + _TABLE.c.name,
    )
    length = sa.func.length(whole)
    last = sa.func.substr(whole, length - (LONGEST_PATH - 1), type_=Text)
    right = sa.case((length > LONGEST_PATH, sa.literal(CUT, Text) + last), else_=whole)
    query = (
        sa.select(*_TABLE.primary_key, right.label("right"))
        .select_from(_TABLE.outerjoin(above, contains))
        .where(*conditions, _TABLE.c.path != right)
        .order_by(*_TABLE.primary_key)
    )
    return [(row[0], row[1], row[2], row.right) for row in connection.execute(query)]


def rebuild(connection: Connection) -> int:
    """Make wrong paths anew, from the top down, and return how many rows were wrong."""
    found = set()
    while rows := wrong(connection):
        for appliance_id, content_id, seq, right in rows:
            found.add((appliance_id, content_id, seq))
            connection.execute(
                sa.update(_TABLE)
                .where(
                    _TABLE.c.appliance_id == appliance_id,
                    _TABLE.c.content_id == content_id,
                    _TABLE.c.seq == seq,
                )
                .values(path=right)
            )
    return len(found)
