"""What of a scope was pruned: reports that read totals include it, and others say that it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.store import settings
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_TABLE = tables.pruned_appliance


class Pruned(NamedTuple):
    """The first day (ISO) from which on nothing is pruned, and how many jobs of appliances are gone."""

    until: str
    jobs: int
    appliances: int


def find(connection: Connection, scope: Scope) -> Pruned | None:
    """Return what was pruned of the appliances in scope; None if nothing is of its days."""
    query = sa.select(
        sa.func.max(_TABLE.c.until_time, type_=_TABLE.c.until_time.type),
        sa.cast(sa.func.sum(_TABLE.c.jobs), sa.BigInteger),
        sa.func.count(),
    )
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(_TABLE.c.appliance_id.in_(ids))
    until_time, jobs, appliances = connection.execute(query).one()
    if until_time is None:
        return None
    until = settings.calendar(connection).day(until_time)
    return (
        None
        if scope.since is not None and scope.since >= until
        else Pruned(until, jobs, appliances)
    )


def notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield a note that details are gone, if they are."""
    found = find(connection, scope)
    if found is not None:
        yield (
            f"{counted(found.jobs, 'job')} of {counted(found.appliances, 'appliance')} before"
            f" {found.until} {'was' if found.jobs == 1 else 'were'} pruned: totals of days, and of an"
            " appliance's months, include them; their details are gone."
        )
