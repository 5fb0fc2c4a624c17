"""How fast the succeeded backups went over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports import parts
from archive.reports.parts import DURATION, MEDIAN, SIZE
from archive.reports.report import PeriodReport

if TYPE_CHECKING:
    from archive.reports.scope import Scope

_RATE = "rate"


class ThroughputRow(NamedTuple):
    """`measured` are the succeeded jobs with a size and a duration of more than nothing.

    Sizes, durations and rates are of these; rates are whole bytes a second, rounded down.
    `throughput` is the sum of sizes by the sum of durations, `median` that of the single jobs.
    """

    period: str
    group: str | None
    succeeded: int
    measured: int
    size_total_bytes: int | None
    duration_total_seconds: int | None
    throughput_bytes_per_second: int | None
    throughput_median_bytes_per_second: int | None


def select(scope: Scope, appliances: parts.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    job = tables.job
    size, duration = job.c[SIZE], job.c[DURATION]
    measured = sa.and_(size >= 0, duration > 0)
    source, keys = parts.by_period(scope)
    measures = {
        SIZE: sa.case((measured, size)),
        DURATION: sa.case((measured, duration)),
        _RATE: sa.case((measured, size // duration)),
    }
    scoped = parts.scoped(
        source, keys, measures, parts.conditions(scope, appliances, each=True), [_RATE]
    )
    succeeded = scoped.c.status == "SUCCEEDED"
    return parts.summary(
        scoped,
        sa.func.count().filter(succeeded).label("succeeded"),
        sa.func.count(scoped.c[_RATE]).filter(succeeded).label("measured"),
        *parts.total(scoped, SIZE),
        *parts.total(scoped, DURATION),
        parts.percentile(scoped, _RATE, MEDIAN).label("median"),
    )


def row(found: sa.Row[Any]) -> ThroughputRow:
    """Return a row of the report."""
    size, duration = parts.joined(found, SIZE), parts.joined(found, DURATION)
    return ThroughputRow(
        found.period,
        parts.group(found),
        found.succeeded,
        found.measured,
        size,
        duration,
        None if size is None or duration is None else size // duration,
        found.median,
    )


REPORT = PeriodReport(
    "throughput",
    "How many bytes a second did the succeeded backups transfer?",
    (
        Column("succeeded", Kind.COUNT),
        Column("measured", Kind.COUNT),
        Column("size_total_bytes", Kind.BYTES),
        Column("duration_total_seconds", Kind.SECONDS),
        Column("throughput_bytes_per_second", Kind.RATE),
        Column("throughput_median_bytes_per_second", Kind.RATE),
    ),
    select,
    row,
    compared=("throughput_bytes_per_second", "throughput_median_bytes_per_second"),
    charts=(Lines(("throughput_bytes_per_second", "throughput_median_bytes_per_second")),),
)
