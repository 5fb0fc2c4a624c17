"""The overview by period: number of backups, success rate, sizes, durations.

Counts and totals are exact, from day totals where these suffice. Percentiles are exact up to
`from_totals.EXACT_UP_TO` jobs, and otherwise within 1 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.reports.core import filters, sql
from archive.reports.core import from_totals as totals
from archive.reports.core.report import OUTCOMES, PeriodReport
from archive.reports.core.sql import DURATION, MEDIAN, P95, SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class TrendsRow(NamedTuple):
    """One period and group; sizes and durations are of the succeeded jobs.

    Sizes are in bytes, durations in seconds; None if no succeeded job has a value.
    """

    period: str
    group: str | None
    finished: int
    succeeded: int
    failed: int
    open: int
    other: int
    success_rate: float | None
    size_total_bytes: int | None
    size_median_bytes: int | None
    duration_median_seconds: int | None
    duration_p95_seconds: int | None


def select(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    # Ranks are for the percentiles.
    scoped = sql.jobs(scope, appliances, [SIZE, DURATION], ranked=True)
    return sql.summary(
        scoped,
        *sql.counts(scoped),
        *sql.total(scoped, SIZE),
        sql.percentile(scoped, SIZE, MEDIAN).label("size_median"),
        sql.percentile(scoped, DURATION, MEDIAN).label("duration_median"),
        sql.percentile(scoped, DURATION, P95).label("duration_p95"),
    )


def row(found: sa.Row[Any]) -> TrendsRow:
    """Return a row of the report."""
    return TrendsRow(
        found.period,
        sql.group(found),
        *sql.outcomes(found),
        sql.joined(found, SIZE),
        found.size_median,
        found.duration_median,
        found.duration_p95,
    )


def from_totals(connection: Connection, scope: Scope) -> Iterator[TrendsRow]:
    """Yield the rows of the report from day totals."""
    sketches = totals.sketches(connection, scope)
    for found in totals.sums(connection, scope):
        # A period in which no job succeeded has sums, but no sketch.
        sizes, durations = sketches.get((found.period, found.group), totals.EMPTY)
        yield TrendsRow(
            found.period,
            found.group,
            *sql.outcomes(found),
            found.size_total,
            sizes.percentile(MEDIAN),
            durations.percentile(MEDIAN),
            durations.percentile(P95),
        )


REPORT = PeriodReport(
    "trends",
    "How many backups ran, how many succeeded, how large were they, and how long did they take?",
    (
        *OUTCOMES,
        Column("size_total_bytes", Kind.BYTES, expendable=5),
        Column("size_median_bytes", Kind.BYTES),
        Column("duration_median_seconds", Kind.SECONDS),
        Column("duration_p95_seconds", Kind.SECONDS, expendable=4),
    ),
    select,
    row,
    from_totals,
    approximates=True,
    compared=(
        "finished",
        "success_rate",
        "size_total_bytes",
        "size_median_bytes",
        "duration_median_seconds",
    ),
    charts=(
        Lines(("success_rate",)),
        Lines(("size_total_bytes",)),
        Lines(("duration_median_seconds",)),
    ),
)
