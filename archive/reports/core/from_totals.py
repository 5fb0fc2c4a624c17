"""Figures from day totals, fast for any number of jobs: exact counts and sums, percentiles within 1 %."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import quantile_sketch
from archive.db import tables
from archive.reports.core import filters, pruned, sql
from archive.statuses import FINISHED, OPEN

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Up to this number of jobs, exact percentiles are fast enough for interactive use.
EXACT_UP_TO = 100_000


class Sums(NamedTuple):
    """Counts by outcome, and sums over the succeeded jobs (bytes, seconds); None without any value."""

    period: str
    group: str | None
    finished: int
    succeeded: int
    failed: int
    open: int
    other: int
    size_total: int | None
    duration_total: int | None


class Sketches(NamedTuple):
    """Quantile sketches of the succeeded jobs: sizes in bytes, durations in seconds.

    Both are empty if no succeeded job has such a value.
    """

    sizes: quantile_sketch.Merged
    durations: quantile_sketch.Merged


_NONE = quantile_sketch.Merged(())
EMPTY = Sketches(_NONE, _NONE)


class Rates(NamedTuple):
    """Counts of succeeded jobs, and the sums (bytes, seconds) and rates of those that have a rate.

    A rate is in bytes per second; a job has one if it has a size, and a duration above 0.
    """

    period: str
    group: str | None
    succeeded: int
    rated: int
    size_total: int | None
    duration_total: int | None
    rates: quantile_sketch.Merged


def suffice(scope: Scope) -> bool:
    """Return whether day totals can answer for a scope: the whole fleet, optionally by type."""
    # Day totals know neither appliance nor build nor target.
    narrowed = scope.appliances or scope.named is not None or scope.locations or scope.builds
    return not narrowed and not scope.statuses and scope.by in (None, "type")


def are_many(connection: Connection, scope: Scope) -> bool:
    """Return whether exact percentiles would take too long, or jobs in scope were pruned."""
    if pruned.find(connection, scope) is not None:
        return True
    total = tables.day_total
    query = sa.select(sa.func.sum(total.c.jobs)).where(*filters.within(total, scope))
    return int(connection.execute(query).scalar() or 0) > EXACT_UP_TO


def sums(connection: Connection, scope: Scope) -> list[Sums]:
    """Return counts and sums by period and group, in the order of a report's rows.

    It reads a row for each day, type and status in scope, however many jobs these have.
    """
    return [_sums(row) for row in connection.execute(_select(scope))]


@lru_cache  # building the SELECT takes as long as running it
def _select(scope: Scope) -> sa.Select[Any]:
    """Return the SELECT of `sums`; scopes are equal whatever their `now`."""
    total = tables.day_total
    keys, source = _keys(total, scope)
    succeeded = total.c.status == "SUCCEEDED"

    def halves(measure: str, values: sa.Column[int]) -> list[sa.ColumnElement[int]]:
        # Days without a value are left out, so that the sum is NULL if there is none at all.
        names = (f"{measure}_high", f"{measure}_low")
        known = sa.and_(succeeded, values > 0)
        return [_sum(total.c[name], known).label(name) for name in names]

    return (
        sa.select(
            *keys,
            _sum(total.c.jobs, succeeded).label("succeeded"),
            _sum(total.c.jobs, total.c.status == "FAILED").label("failed"),
            _sum(total.c.jobs, total.c.status.in_(OPEN)).label("open"),
            _sum(total.c.jobs, total.c.status.not_in(FINISHED + OPEN)).label("other"),
            *halves("size", total.c.sized),
            *halves("duration", total.c.timed),
        )
        .select_from(source)
        .where(*filters.within(total, scope))
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )


def _sum(column: sa.Column[int], condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    # Sums of BIGINT are NUMERIC on PostgreSQL; these are too small to need it.
    return sa.cast(sa.func.sum(column).filter(condition), sa.BigInteger)


def sketches(connection: Connection, scope: Scope) -> dict[tuple[str, str | None], Sketches]:
    """Return the sketches of sizes and durations of the succeeded jobs, by period and group.

    Sketches of the days are merged only when a percentile is asked for.
    """
    drawn = tables.day_sketch
    keys, source = _keys(drawn, scope)
    query: sa.Select[Any] = (
        sa.select(*keys, drawn.c.sizes, drawn.c.durations)
        .select_from(source)
        .where(drawn.c.status == "SUCCEEDED", *filters.within(drawn, scope))
    )
    found: dict[tuple[str, str | None], tuple[list[bytes], list[bytes]]] = {}
    for row in connection.execute(query):
        sizes, durations = found.setdefault((row.period, sql.group(row)), ([], []))
        sizes.append(row.sizes)
        durations.append(row.durations)
    return {
        key: Sketches(quantile_sketch.Merged(sizes), quantile_sketch.Merged(durations))
        for key, (sizes, durations) in found.items()
    }


def rates(connection: Connection, scope: Scope) -> list[Rates]:
    """Return the transfer rates of the succeeded jobs, in the order of a report's rows."""
    total, drawn = tables.day_total, tables.day_sketch
    keys, source = _keys(drawn, scope)
    succeeded = total.c.status == "SUCCEEDED"
    found: dict[tuple[str, str | None], list[bytes]] = {}
    query: sa.Select[Any] = (
        sa.select(*keys, drawn.c.rates)
        .select_from(source)
        .where(drawn.c.status == "SUCCEEDED", *filters.within(drawn, scope))
    )
    for row in connection.execute(query):
        found.setdefault((row.period, sql.group(row)), []).append(row.rates)
    keys, source = _keys(total, scope)
    known = sa.and_(succeeded, total.c.rated > 0)
    names = [
        f"rated_{measure}_{half}" for measure in ("size", "duration") for half in ("high", "low")
    ]
    sums: sa.Select[Any] = (
        sa.select(
            *keys,
            _sum(total.c.jobs, succeeded).label("succeeded"),
            _sum(total.c.rated, succeeded).label("rated"),
            *(_sum(total.c[name], known).label(name) for name in names),
        )
        .select_from(source)
        .where(*filters.within(total, scope))
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )
    return [
        Rates(
            row.period,
            sql.group(row),
            row.succeeded or 0,
            row.rated or 0,
            sql.joined(row, "rated_size"),
            sql.joined(row, "rated_duration"),
            quantile_sketch.Merged(found.get((row.period, sql.group(row)), ())),
        )
        for row in connection.execute(sums)
    ]


def measures(connection: Connection, scope: Scope) -> Sketches:
    """Return the sketches of the sizes and durations of all succeeded jobs in scope.

    It is one pair for the whole scope, whatever its periods and groups.
    """
    drawn = tables.day_sketch
    query = sa.select(drawn.c.sizes, drawn.c.durations).where(
        drawn.c.status == "SUCCEEDED", *filters.within(drawn, scope)
    )
    found = connection.execute(query).all()
    return Sketches(
        quantile_sketch.Merged(row.sizes for row in found),
        quantile_sketch.Merged(row.durations for row in found),
    )


def longest(connection: Connection, scope: Scope) -> list[tuple[int, str]]:
    """Return the days of a scope with a success that took any time, and the seconds it took at most.

    The days with the longest come first. Successes of all appliances count, in scope or not.
    """
    drawn = tables.day_sketch
    query = sa.select(drawn.c.day, drawn.c.durations).where(
        drawn.c.status == "SUCCEEDED", *filters.within(drawn, scope)
    )
    found: dict[str, int] = {}
    for day, durations in connection.execute(query):
        most = quantile_sketch.upper_bound(durations)
        if most is not None:
            found[day] = max(most, found.get(day, most))
    return sorted(((most, day) for day, most in found.items()), reverse=True)


def _keys(table: sa.Table, scope: Scope) -> tuple[list[sa.Label[Any]], sa.FromClause]:
    """Return the columns to group by, and the table joined with the calendar if they need it."""
    calendar = tables.calendar
    if scope.period == "day":
        keys = [table.c.day.label("period")]
        source: sa.FromClause = table
    else:
        keys = [calendar.c[scope.period].label("period")]
        source = table.join(calendar, table.c.day == calendar.c.day)
    if scope.by == "type":
        # The key of the totals has no NULL: a missing type is an empty text.
        keys.append(sa.func.nullif(table.c.type, "").label("grouped"))
    return keys, source


def _sums(row: sa.Row[Any]) -> Sums:
    """Return the typed row of a row of `_select`; counts without any job are 0."""
    succeeded, failed = row.succeeded or 0, row.failed or 0
    return Sums(
        row.period,
        sql.group(row),
        succeeded + failed,
        succeeded,
        failed,
        row.open or 0,
        row.other or 0,
        sql.joined(row, "size"),
        sql.joined(row, "duration"),
    )
