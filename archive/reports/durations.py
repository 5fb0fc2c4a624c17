"""How long the succeeded backups take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive.columns import Column, Kind
from archive.reports import parts
from archive.reports.parts import DURATION, MEDIAN, P95
from archive.reports.report import Report

if TYPE_CHECKING:
    import sqlalchemy as sa

    from archive.reports.scope import Scope


class DurationsRow(NamedTuple):
    """NULL where no succeeded job says its duration; `succeeded` counts those that do not, too."""

    period: str
    group: str | None
    succeeded: int
    duration_total_seconds: int | None
    duration_min_seconds: int | None
    duration_median_seconds: int | None
    duration_p95_seconds: int | None
    duration_max_seconds: int | None


def select(scope: Scope, appliances: parts.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    scoped = parts.jobs(scope, appliances, [DURATION])
    least, greatest = parts.extremes(scoped, DURATION)
    return parts.summary(
        scoped,
        *parts.counts(scoped),
        *parts.total(scoped, DURATION),
        least.label("least"),
        parts.percentile(scoped, DURATION, MEDIAN).label("median"),
        parts.percentile(scoped, DURATION, P95).label("p95"),
        greatest.label("greatest"),
    )


def row(found: sa.Row[Any]) -> DurationsRow:
    """Return a row of the report."""
    return DurationsRow(
        found.period,
        parts.group(found),
        found.succeeded,
        parts.joined(found),
        found.least,
        found.median,
        found.p95,
        found.greatest,
    )


REPORT = Report(
    "durations",
    "How long do the succeeded backups take, together and each?",
    (
        Column("succeeded", Kind.COUNT),
        Column("duration_total_seconds", Kind.SECONDS),
        Column("duration_min_seconds", Kind.SECONDS),
        Column("duration_median_seconds", Kind.SECONDS),
        Column("duration_p95_seconds", Kind.SECONDS),
        Column("duration_max_seconds", Kind.SECONDS),
    ),
    select,
    row,
)
