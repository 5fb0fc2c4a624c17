"""Read the jobs of a scope appliance by appliance, in small batches ordered by name.

This bounds the memory of reports on single appliances, and no database has to sort all jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.calendar import key_stamp
from archive.db import tables
from archive.store.job_order import order, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

__all__ = ["AT_A_TIME", "batches", "began", "not_later", "order", "place", "rows"]

# Large enough for few statements, small enough to hold their results in memory.
AT_A_TIME = 20


def batches(connection: Connection, scope: Scope) -> Iterator[dict[int, str]]:
    """Yield batches of the appliances in scope, as names by id, ordered by name.

    A batch has at most 20 appliances. `scope` selects them by its globs and names only.
    """
    table = tables.appliance
    query = sa.select(table.c.name, table.c.id)
    ids = scope.appliance_ids(connection)
    wanted = None if ids is None else set(ids)
    found = sorted(
        (name, number)
        for name, number in connection.execute(query)
        if wanted is None or number in wanted
    )
    for start in range(0, len(found), AT_A_TIME):
        yield {number: name for name, number in found[start : start + AT_A_TIME]}


def rows(
    connection: Connection, query: sa.Select[Any], batch: dict[int, str]
) -> dict[int, list[Any]]:
    """Return the rows of a query by `appliance_id`, which must be its first column.

    Every appliance of the batch has a list, empty without rows; the query decides their order.
    """
    found: dict[int, list[Any]] = {number: [] for number in batch}
    for row in connection.execute(query).all():
        found[row[0]].append(row)  # by place: a name takes ten times as long
    return found


def began(start_time: str | None, key: str, first_seen: str) -> str:
    """Return the best known start of a job, by the rule that also determines its day.

    All three are fixed-width UTC instants. The key of a job starts with a time stamp.
    """
    return start_time or key_stamp(key) or first_seen


def not_later(scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that a job does not start after `now`, nor long after it was first seen.

    The latter shows that a clock is wrong; such a job must never be the last one.
    """
    job = tables.job
    start = job.c.start_time
    # Nearly all jobs start before they are first seen, which is known without another function.
    plausible = sa.or_(start <= job.c.first_seen, db.AtMostADayLater(start, job.c.first_seen))
    return sa.or_(start.is_(None), sa.and_(start <= scope.now, plausible))
