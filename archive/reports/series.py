"""Rows by period for charts of all jobs: counts, and median and p95 of sizes and durations.

They are the rows of `trends`, `sizes` and `durations` in one, for the charts of the dashboard.
Periods without any job have no row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archive.reports import durations, sizes, trends
from archive.reports.core import from_totals
from archive.reports.core.distribution import SpreadRow
from archive.reports.core.sql import MEDIAN, P95

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Series(NamedTuple):
    """One period; sizes and durations are of the succeeded jobs.

    Counts are of jobs of the period; a value is None if no succeeded job has one. Sizes are in
    bytes, durations in seconds.
    """

    period: str
    succeeded: int
    failed: int
    size_total_bytes: int | None
    size_median_bytes: int | None
    size_p95_bytes: int | None
    duration_median_seconds: int | None
    duration_p95_seconds: int | None


def series(connection: Connection, scope: Scope, period: str) -> list[Series]:
    """Return the rows in order; percentiles are within 1 % if day totals suffice, otherwise exact.

    `period` is one of `calendar.PERIODS`; it replaces that of the scope.
    """
    scope = replace(scope, period=period)
    # The page shows rounded values, so 1 % is exact enough for any number of jobs.
    found = _of_totals if from_totals.suffice(scope) else _of_jobs
    return list(found(connection, scope))


def _of_totals(connection: Connection, scope: Scope) -> Iterator[Series]:
    """Yield the rows from day totals, in the order of the periods."""
    sketches = from_totals.sketches(connection, scope)
    for row in from_totals.sums(connection, scope):
        measured = sketches.get((row.period, row.group), from_totals.EMPTY)
        percentiles = [one.percentile(percent) for one in measured for percent in (MEDIAN, P95)]
        yield Series(row.period, row.succeeded, row.failed, row.size_total, *percentiles)


def _of_jobs(connection: Connection, scope: Scope) -> Iterator[Series]:
    """Yield the rows from three reports, whose rows have the same periods."""
    spreads = [
        {row.period: row for row in map(SpreadRow._make, report.REPORT.run(connection, scope))}
        for report in (sizes, durations)
    ]
    for row in map(trends.TrendsRow._make, trends.REPORT.run(connection, scope)):
        size, duration = (spread[row.period] for spread in spreads)
        yield Series(
            row.period,
            row.succeeded,
            row.failed,
            row.size_total_bytes,
            *(size.median, size.p95, duration.median, duration.p95),
        )
