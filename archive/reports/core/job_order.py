"""A walk over the appliances of a scope, in the order of their names, some at a time.

So a report on single appliances holds the jobs of a few of them, however many there are, and no
database has to sort the jobs of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.calendar import key_stamp
from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Enough to make statements few, few enough to hold what they return.
_AT_A_TIME = 20


def batches(connection: Connection, scope: Scope) -> Iterator[dict[int, str]]:
    """Yield the names of the scope's appliances by their numbers, in the order of the names."""
    table = tables.appliance
    query = sa.select(table.c.name, table.c.id)
    ids = scope.appliance_ids(connection)
    wanted = None if ids is None else set(ids)
    found = sorted(
        (name, number)
        for name, number in connection.execute(query)
        if wanted is None or number in wanted
    )
    for start in range(0, len(found), _AT_A_TIME):
        yield {number: name for name, number in found[start : start + _AT_A_TIME]}


def rows(
    connection: Connection, query: sa.Select[Any], batch: dict[int, str]
) -> dict[int, list[Sequence[Any]]]:
    """Return what a query gives by appliance, whose number each row has first."""
    found: dict[int, list[Sequence[Any]]] = {number: [] for number in batch}
    for row in connection.execute(query).all():
        found[row[0]].append(row)
    return found


def place(table: sa.FromClause) -> sa.ColumnElement[str]:
    """Return where in its day a job stands: at its start, else where it was first seen."""
    return sa.func.coalesce(table.c.start_time, table.c.first_seen, type_=table.c.start_time.type)


def order(table: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the order in which an appliance's jobs began: total, and that of their days."""
    return [table.c.day, place(table), table.c.key]


def began(start_time: str | None, key: str, first_seen: str) -> str:
    """Return when a job began, as well as it is known: so its day is found, too."""
    return start_time or key_stamp(key) or first_seen


def not_later(scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that a job does not say that it starts after `now`."""
    start = tables.job.c.start_time
    return sa.or_(start.is_(None), start <= scope.now)
