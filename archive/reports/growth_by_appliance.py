"""What `growth` knows of each appliance: its present size and its forecast.

Both are stored, but for the times and filters that the stored forecast does not answer.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.judgement import statistics
from archive.judgement.forecast import (
    HISTORY_DAYS,
    Forecast,
    NoForecast,
    forecast,
    week_of,
    whole_weeks,
)
from archive.reports.core import filters, job_order, judged_stored
from archive.reports.core.date_ranges import days_before
from archive.store import settings, size_forecasts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Without a forecast, the present size is the median of this many latest backups.
_LATEST = 7
_EVER = date.max.toordinal()


class Grown(NamedTuple):
    """The number of successes with a size, the present size in bytes, and the forecast."""

    successes: int
    size_bytes: int
    forecast: Forecast | NoForecast


def grown(connection: Connection, scope: Scope) -> Iterator[tuple[int, str, Grown]]:
    """Yield the id, the name and the growth of each appliance with a size in its last year.

    The order is none that a reader may rely on: the report sorts. Days are those of the archive's
    calendar.
    """
    if not _are_stored(connection, scope):
        for batch in job_order.batches(connection, scope):
            yield from _anew(connection, scope, batch)
        return
    without: dict[int, str] = {}
    for row in connection.execute(_stored(connection, scope)):
        made = size_forecasts.found(row)
        if isinstance(made, NoForecast):
            without[row.appliance_id] = row.name
        else:
            yield row.appliance_id, row.name, Grown(row.successes, row.size_bytes, made)
    # The present size of these is that of their latest backups.
    named = sorted((name, number) for number, name in without.items())
    for start in range(0, len(named), job_order.AT_A_TIME):
        part = {number: name for name, number in named[start : start + job_order.AT_A_TIME]}
        yield from _anew(connection, scope, part)


def _are_stored(connection: Connection, scope: Scope) -> bool:
    """Return whether the scope has all jobs, so that the stored forecasts answer it."""
    today = settings.calendar(connection).day(scope.now)
    is_whole = scope.since is None and (scope.until is None or scope.until >= today)
    filtered = scope.types or scope.locations or scope.builds
    return is_whole and not filtered and judged_stored.answers(connection, scope)


def _stored(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return the SELECT of the stored forecasts in scope that are not too old to show."""
    table, appliance = tables.size_forecast, tables.appliance
    today = settings.calendar(connection).day(scope.now)
    query = (
        sa.select(appliance.c.name, table)
        .join_from(table, appliance, appliance.c.id == table.c.appliance_id)
        .where(
            table.c.until_day > sa.literal(days_before(today, HISTORY_DAYS), table.c.until_day.type)
        )
    )
    ids = scope.appliance_ids(connection)
    return query if ids is None else query.where(filters.of_appliances(appliance.c.id, ids))


def _anew(
    connection: Connection, scope: Scope, batch: dict[int, str]
) -> Iterator[tuple[int, str, Grown]]:
    """Yield the growth of a batch of appliances, from their jobs."""
    today = date.fromisoformat(settings.calendar(connection).day(scope.now)).toordinal()
    history = HISTORY_DAYS if scope.since is None else _EVER
    jobs = job_order.rows(connection, _sizes(scope, batch, today), batch)
    for number, name in batch.items():
        sizes = [(date.fromisoformat(day).toordinal(), size) for _, day, size in jobs[number]]
        # An appliance without any size in the last year has nothing to forecast, and no row.
        if not sizes or (scope.since is None and week_of(sizes[-1][0]) <= today - HISTORY_DAYS):
            continue
        known = whole_weeks(sizes, history)
        found = forecast(known)
        if isinstance(found, NoForecast):
            # A single last size could be an odd one.
            latest = statistics.median([size for _, size in sizes[-_LATEST:]])
            lately = sum(day > today - history for day, _ in sizes)
            yield number, name, Grown(lately, latest, found)
        else:
            yield number, name, Grown(len(known), found.size, found)


def _sizes(scope: Scope, batch: dict[int, str], today: int) -> sa.Select[Any]:
    """Return the SELECT of the sizes of succeeded jobs, by appliance and in order of time.

    Without a first day, only the history that a forecast looks at is read: of a year before the last
    success, which is no older than a year.
    """
    job = tables.job
    query = (
        sa.select(job.c.appliance_id, job.c.day, job.c.size_bytes)
        .where(
            filters.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job.c.size_bytes >= 0,
            job_order.not_later(scope),
            *filters.of_jobs(scope, None),
        )
        .order_by(job.c.appliance_id, *job_order.order(job))
    )
    if scope.since is not None:
        return query
    first = date.fromordinal(max(today - 2 * HISTORY_DAYS - 7, 1)).isoformat()
    return query.where(job.c.day > first)
