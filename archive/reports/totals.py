"""Trends from day totals: exact counts and sums, percentiles within 1 %, whatever the jobs' number."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import sketch, tables
from archive.merge import FINISHED, OPEN
from archive.reports import parts

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope

# Up to so many jobs an exact answer takes no longer than a person waits.
EXACT_UP_TO = 100_000


def answer(connection: Connection, scope: Scope) -> bool:
    """Say whether day totals can and should answer for a scope, rather than the jobs."""
    if scope.appliances or scope.by not in (None, "type"):
        return False
    total = tables.day_total
    query = sa.select(sa.func.sum(total.c.jobs)).where(*parts.within(total, scope))
    return int(connection.execute(query).scalar() or 0) > EXACT_UP_TO


def summary(scope: Scope) -> sa.Select[Any]:
    """Return counts and sums with the labels that `parts.counts` and `parts.total` give them."""
    total = tables.day_total
    keys, source = _keys(total, scope)
    status, jobs = total.c.status, total.c.jobs
    succeeded = status == "SUCCEEDED"

    def number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.cast(sa.func.coalesce(sa.func.sum(jobs).filter(condition), 0), sa.BigInteger)

    def half(column: sa.Column[int]) -> sa.ColumnElement[int]:
        # A sum of nothing is NULL, also where succeeded jobs do not say their size.
        return sa.func.sum(column).filter(succeeded, total.c.sized > 0)

    return (
        sa.select(
            *keys,
            number(status.in_(FINISHED)).label("finished"),
            number(succeeded).label("succeeded"),
            number(status == "FAILED").label("failed"),
            number(status.in_(OPEN)).label("open"),
            number(status.not_in(FINISHED + OPEN)).label("other"),
            half(total.c.size_high).label("total_high"),
            half(total.c.size_low).label("total_low"),
        )
        .select_from(source)
        .where(*parts.within(total, scope))
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )


def sketches(
    connection: Connection, scope: Scope
) -> dict[tuple[str, str | None], tuple[sketch.Merged, sketch.Merged]]:
    """Return the sketches of sizes and durations of the succeeded jobs, by period and group."""
    drawn = tables.day_sketch
    keys, source = _keys(drawn, scope)
    query: sa.Select[Any] = (
        sa.select(*keys, drawn.c.sizes, drawn.c.durations)
        .select_from(source)
        .where(drawn.c.status == "SUCCEEDED", *parts.within(drawn, scope))
    )
    found: dict[tuple[str, str | None], list[tuple[bytes, bytes]]] = {}
    for period, *group, sizes, durations in connection.execute(query):
        found.setdefault((period, group[0] if group else None), []).append((sizes, durations))
    return {
        key: (sketch.Merged(map(itemgetter(0), some)), sketch.Merged(map(itemgetter(1), some)))
        for key, some in found.items()
    }


def _keys(table: sa.Table, scope: Scope) -> tuple[list[sa.Label[Any]], sa.FromClause]:
    calendar = tables.calendar
    if scope.period == "day":
        keys = [table.c.day.label("period")]
        source: sa.FromClause = table
    else:
        keys = [calendar.c[scope.period].label("period")]
        source = table.join(calendar, table.c.day == calendar.c.day)
    if scope.by == "type":
        keys.append(sa.func.nullif(table.c.type, "").label("grouped"))
    return keys, source
