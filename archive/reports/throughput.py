"""The transfer rate of the succeeded backups.

A rate is the size of a job divided by its duration, which is that of the whole job and not of the
transfer alone. Totals are exact from day totals, too; of many jobs the median comes from their
sketches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import filters, sql
from archive.reports.core.from_totals import rates
from archive.reports.core.report import PeriodReport
from archive.reports.core.sql import DURATION, MEDIAN, SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# The measure that is calculated from the two others.
_RATE = "rate"


class ThroughputRow(NamedTuple):
    """One period and group. `measured` are the succeeded jobs with a size and a duration above 0.

    Only these count. Rates are whole bytes per second, rounded down: `throughput` is the total size
    divided by the total duration, the median is that of the rates of single jobs.
    """

    period: str
    group: str | None
    succeeded: int
    measured: int
    size_total_bytes: int | None
    duration_total_seconds: int | None
    throughput_bytes_per_second: int | None
    throughput_median_bytes_per_second: int | None


def select(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    job = tables.job
    size, duration = job.c[SIZE], job.c[DURATION]
    # A job that took less than a second has a duration of 0, and no rate.
    measured = sa.and_(size >= 0, duration > 0)
    source, keys = sql.by_period(scope)
    measures = {
        SIZE: sa.case((measured, size)),
        DURATION: sa.case((measured, duration)),
        _RATE: sa.case((measured, size // duration)),
    }
    scoped = sql.scoped(
        source, keys, measures, filters.of_jobs(scope, appliances, each=True), [_RATE]
    )
    succeeded = scoped.c.status == "SUCCEEDED"
    return sql.summary(
        scoped,
        sa.func.count().filter(succeeded).label("succeeded"),
        sa.func.count(scoped.c[_RATE]).filter(succeeded).label("measured"),
        *sql.total(scoped, SIZE),
        *sql.total(scoped, DURATION),
        sql.percentile(scoped, _RATE, MEDIAN).label("median"),
    )


def row(found: sa.Row[Any]) -> ThroughputRow:
    """Return a row of the report."""
    size, duration = sql.joined(found, SIZE), sql.joined(found, DURATION)
    return ThroughputRow(
        found.period,
        sql.group(found),
        found.succeeded,
        found.measured,
        size,
        duration,
        None if size is None or duration is None else size // duration,
        found.median,
    )


def from_totals(connection: Connection, scope: Scope) -> Iterator[ThroughputRow]:
    """Yield the rows from day totals: all values are exact but the median, which is within 1 %."""
    for found in rates(connection, scope):
        size, duration = found.size_total, found.duration_total
        yield ThroughputRow(
            found.period,
            found.group,
            found.succeeded,
            found.rated,
            size,
            duration,
            None if size is None or duration is None else size // duration,
            found.rates.percentile(MEDIAN),
        )


REPORT = PeriodReport(
    "throughput",
    "How fast did the succeeded backups transfer data?",
    (
        Column("succeeded", Kind.COUNT),
        Column("measured", Kind.COUNT, expendable=6),
        Column("size_total_bytes", Kind.BYTES, expendable=4),
        Column("duration_total_seconds", Kind.SECONDS, expendable=5),
        Column("throughput_bytes_per_second", Kind.RATE),
        Column("throughput_median_bytes_per_second", Kind.RATE),
    ),
    select,
    row,
    from_totals,
    approximates=True,
    compared=("throughput_bytes_per_second", "throughput_median_bytes_per_second"),
    charts=(Lines(("throughput_bytes_per_second", "throughput_median_bytes_per_second")),),
)
