"""The appliances with the longest successes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.reports.core import filters, from_totals

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Slow(NamedTuple):
    """An appliance, its longest success in seconds, and the key of that job, the newest if of several."""

    appliance: str
    seconds: int
    key: str


def slowest(connection: Connection, scope: Scope, number: int) -> list[Slow]:
    """Return the slowest appliances in scope, at most so many, the slowest first."""
    job = tables.job
    found = []
    for appliance_id, name, seconds in _longest(connection, scope, number):
        key = (
            sa.select(job.c.key)
            .where(
                job.c.appliance_id == appliance_id,
                job.c.duration_seconds == seconds,
                *_succeeded(connection, scope),
            )
            .order_by(job.c.day.desc(), job.c.key)
            .limit(1)
        )
        found.append(Slow(name, seconds, connection.execute(key).scalar_one()))
    return found


def _longest(connection: Connection, scope: Scope, number: int) -> list[tuple[int, str, int]]:
    """Return id, name and longest success of the slowest appliances.

    The day totals say how long a success took at most on each day, so only the jobs of a few days are
    read, however many there are.
    """
    job, appliance = tables.job, tables.appliance
    seconds = sa.func.max(job.c.duration_seconds)
    known: dict[int, tuple[int, str, int]] = {}
    found: list[tuple[int, str, int]] = []
    for most, day in from_totals.longest(connection, scope):
        if len(found) == number and found[-1][2] > most:
            break
        query = (
            sa.select(appliance.c.id, appliance.c.name, seconds)
            .join_from(appliance, job, job.c.appliance_id == appliance.c.id)
            .where(*_succeeded(connection, replace(scope, since=day, until=day)))
            .group_by(appliance.c.id, appliance.c.name)
            .order_by(seconds.desc(), appliance.c.name)
            .limit(number)
        )
        for one in map(tuple, connection.execute(query)):
            if one[0] not in known or known[one[0]][2] < one[2]:
                known[one[0]] = one
        found = sorted(known.values(), key=lambda one: (-one[2], one[1]))[:number]
    return found


def _succeeded(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of successes in scope with a duration."""
    job = tables.job
    return [
        job.c.status == "SUCCEEDED",
        job.c.duration_seconds.is_not(None),
        *filters.of_jobs(scope, scope.appliance_ids(connection)),
    ]
