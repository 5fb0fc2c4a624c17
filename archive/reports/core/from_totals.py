"""What day totals answer whatever the jobs' number: exact counts and sums, percentiles within 1 %."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import quantile_sketch
from archive.db import tables
from archive.reports.core import sql
from archive.statuses import FINISHED, OPEN

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Up to so many jobs an exact percentile takes no longer than a person waits.
EXACT_UP_TO = 100_000


class Sums(NamedTuple):
    """Counts by outcome, and sums over the succeeded jobs; None where none has a value."""

    period: str
    group: str | None
    finished: int
    succeeded: int
    failed: int
    open: int
    other: int
    size_total: int | None
    duration_total: int | None


def suffice(scope: Scope) -> bool:
    """Say whether day totals have what a scope asks for: the fleet as a whole, or its types."""
    narrowed = scope.appliances or scope.named is not None or scope.locations or scope.builds
    return not narrowed and not scope.statuses and scope.by in (None, "type")


def are_many(connection: Connection, scope: Scope) -> bool:
    """Say whether exact percentiles of a scope's jobs would take long."""
    total = tables.day_total
    query = sa.select(sa.func.sum(total.c.jobs)).where(*sql.within(total, scope))
    return int(connection.execute(query).scalar() or 0) > EXACT_UP_TO


def sums(connection: Connection, scope: Scope) -> list[Sums]:
    """Return counts and sums by period and group, in the order of a report's rows."""
    return [_sums(*row) for row in connection.execute(_select(scope)).all()]


@lru_cache  # making it takes as long as running it
def _select(scope: Scope) -> sa.Select[Any]:
    total = tables.day_total
    keys, source = _keys(total, scope)
    succeeded = total.c.status == "SUCCEEDED"

    def halves(measure: str, values: sa.Column[int]) -> list[sa.ColumnElement[int]]:
        # A sum of nothing is NULL, also where succeeded jobs do not say their size.
        columns = (total.c[f"{measure}_high"], total.c[f"{measure}_low"])
        return [_sum(column, sa.and_(succeeded, values > 0)) for column in columns]

    return (
        sa.select(
            *keys,
            _sum(total.c.jobs, succeeded),
            _sum(total.c.jobs, total.c.status == "FAILED"),
            _sum(total.c.jobs, total.c.status.in_(OPEN)),
            _sum(total.c.jobs, total.c.status.not_in(FINISHED + OPEN)),
            *halves("size", total.c.sized),
            *halves("duration", total.c.timed),
        )
        .select_from(source)
        .where(*sql.within(total, scope))
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )


def _sum(column: sa.Column[int], condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    # Sums of BIGINT are NUMERIC on PostgreSQL; these are too small to need it.
    return sa.cast(sa.func.sum(column).filter(condition), sa.BigInteger)


def sketches(
    connection: Connection, scope: Scope
) -> dict[tuple[str, str | None], tuple[quantile_sketch.Merged, quantile_sketch.Merged]]:
    """Return the sketches of sizes and durations of the succeeded jobs, by period and group."""
    drawn = tables.day_sketch
    keys, source = _keys(drawn, scope)
    query: sa.Select[Any] = (
        sa.select(*keys, drawn.c.sizes, drawn.c.durations)
        .select_from(source)
        .where(drawn.c.status == "SUCCEEDED", *sql.within(drawn, scope))
    )
    found: dict[tuple[str, str | None], tuple[list[bytes], list[bytes]]] = {}
    for period, *group, size, duration in connection.execute(query).all():
        sizes, durations = found.setdefault((period, group[0] if group else None), ([], []))
        sizes.append(size)
        durations.append(duration)
    return {
        key: (quantile_sketch.Merged(sizes), quantile_sketch.Merged(durations))
        for key, (sizes, durations) in found.items()
    }


def measures(
    connection: Connection, scope: Scope
) -> tuple[quantile_sketch.Merged, quantile_sketch.Merged]:
    """Return the sketches of the sizes and the durations of all succeeded jobs in scope."""
    drawn = tables.day_sketch
    query = sa.select(drawn.c.sizes, drawn.c.durations).where(
        drawn.c.status == "SUCCEEDED", *sql.within(drawn, scope)
    )
    found = connection.execute(query).all()
    return quantile_sketch.Merged(row.sizes for row in found), quantile_sketch.Merged(
        row.durations for row in found
    )


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


def _sums(period: str, *values: Any) -> Sums:
    """Return a row of the SELECT, which has a group only where one is asked for."""
    *group, succeeded, failed, open_, other, size_high, size_low, duration_high, duration_low = (
        values
    )
    succeeded, failed = succeeded or 0, failed or 0
    return Sums(
        period,
        group[0] if group else None,
        succeeded + failed,
        succeeded,
        failed,
        open_ or 0,
        other or 0,
        _joined(size_high, size_low),
        _joined(duration_high, duration_low),
    )


def _joined(high: int | None, low: int | None) -> int | None:
    return None if high is None or low is None else (high << 32) + low
