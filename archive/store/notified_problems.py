"""The problems that each recipient of notifications was notified of, so that it is notified only of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection


def known(connection: Connection, recipient: str) -> dict[str, str]:
    """Return the problems that a recipient was notified of, by appliance; an empty name is the archive.

    The text has figures and levels, such as `age WARNING, failures CRITICAL`.
    """
    table = tables.notified_problem
    query = sa.select(table.c.appliance_name, table.c.problems).where(
        table.c.recipient == recipient
    )
    return {row.appliance_name: row.problems for row in connection.execute(query)}


def record(connection: Connection, recipient: str, changed: Mapping[str, str], now: str) -> None:
    """Record the problems of appliances whose problems changed; an empty text deletes the row.

    `now` is a fixed-width UTC instant. Appliances that are not in `changed` stay as they are.
    """
    table = tables.notified_problem
    solved = [name for name, problems in changed.items() if not problems]
    connection.execute(
        sa.delete(table).where(table.c.recipient == recipient, table.c.appliance_name.in_(solved))
    )
    rows = [(recipient, name, problems, now) for name, problems in changed.items() if problems]
    db.upsert(connection, table, rows, ["problems", "notified_at"])
