"""The log of maintenance: what changed the history other than imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.db import tables
from archive.store.dimension_keys import next_id

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Kinds of changes, as the table allows them.
(
    RENAME,
    MERGE,
    RETIRE,
    FORGET,
    UNDO,
    CALENDAR,
    VACUUM,
    PRUNE,
    HOLD,
    RELEASE,
) = tables.MAINTENANCE


class Maintenance(NamedTuple):
    """A row of the log; `jobs` is the number of jobs that moved, went or changed.

    `done_at` is a fixed-width UTC instant. `appliance_name` is None for a change of the whole
    archive.
    """

    id: int
    done_at: str
    what: str
    appliance_name: str | None
    new_name: str | None
    jobs: int | None
    detail: str | None


def record(
    connection: Connection,
    what: str,
    appliance: str | None = None,
    *,
    new_name: str | None = None,
    jobs: int | None = None,
    detail: str | None = None,
) -> None:
    """Record a change, in its transaction; the caller holds the lock of the calendar exclusively."""
    table = tables.maintenance
    row = (next_id(connection, table), timestamps.now(), what, appliance, new_name, jobs, detail)
    values = Maintenance(*row)._asdict()
    connection.execute(sa.insert(table).values(**values))


def latest(connection: Connection) -> int:
    """Return the number of the latest change; 0: none yet.

    A writer of several transactions must not use what it remembers from before a newer one.
    """
    return next_id(connection, tables.maintenance) - 1


def entries(connection: Connection, limit: int | None = None) -> list[Maintenance]:
    """Return the log, newest first, at most `limit` rows."""
    table = tables.maintenance
    query = sa.select(*(table.c[name] for name in Maintenance._fields))
    query = query.order_by(table.c.id.desc()).limit(limit)
    return [Maintenance._make(row) for row in connection.execute(query)]
