"""The log of maintenance: what changed the history other than imports."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.db import tables
from archive.store import evidence_chain
from archive.store.dimension_keys import next_id
from archive.store.evidence_chain import Entry, csv_line

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

    def line(self) -> str:
        """Return the row as a line of CSV with its end, of which the chain has the digest."""
        return f"{csv_line(self)}\n"

    def digest(self) -> bytes:
        """Return the SHA-256 of the line."""
        return hashlib.sha256(self.line().encode()).digest()


def record(
    connection: Connection,
    what: str,
    appliance: str | None = None,
    *,
    new_name: str | None = None,
    jobs: int | None = None,
    detail: str | None = None,
) -> None:
    """Record a change, in its transaction, and add a link to the chain of evidence.

    The caller holds the lock of the calendar exclusively.
    """
    table = tables.maintenance
    row = (next_id(connection, table), timestamps.now(), what, appliance, new_name, jobs, detail)
    change = Maintenance(*row)
    connection.execute(sa.insert(table).values(**change._asdict()))
    entry = Entry(what, change.id, appliance, None, jobs, change.digest())
    evidence_chain.append(connection, lambda _: [entry])


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
