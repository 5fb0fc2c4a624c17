"""How large the succeeded backups are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive.columns import Column, Kind
from archive.reports import parts
from archive.reports.parts import MEDIAN, P95, SIZE
from archive.reports.report import Report

if TYPE_CHECKING:
    import sqlalchemy as sa

    from archive.reports.scope import Scope


class SizesRow(NamedTuple):
    """NULL where no succeeded job says its size; `succeeded` counts those that do not, too."""

    period: str
    group: str | None
    succeeded: int
    size_total_bytes: int | None
    size_min_bytes: int | None
    size_median_bytes: int | None
    size_p95_bytes: int | None
    size_max_bytes: int | None


def select(scope: Scope, appliances: parts.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    scoped = parts.jobs(scope, appliances, [SIZE])
    least, greatest = parts.extremes(scoped, SIZE)
    return parts.summary(
        scoped,
        *parts.counts(scoped),
        *parts.total(scoped, SIZE),
        least.label("least"),
        parts.percentile(scoped, SIZE, MEDIAN).label("median"),
        parts.percentile(scoped, SIZE, P95).label("p95"),
        greatest.label("greatest"),
    )


def row(found: sa.Row[Any]) -> SizesRow:
    """Return a row of the report."""
    return SizesRow(
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
    "sizes",
    "How large are the succeeded backups, together and each?",
    (
        Column("succeeded", Kind.COUNT),
        Column("size_total_bytes", Kind.BYTES),
        Column("size_min_bytes", Kind.BYTES),
        Column("size_median_bytes", Kind.BYTES),
        Column("size_p95_bytes", Kind.BYTES),
        Column("size_max_bytes", Kind.BYTES),
    ),
    select,
    row,
)
