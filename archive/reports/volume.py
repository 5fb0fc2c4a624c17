"""Totals by period: counts and sums only, which day totals hold exactly.

Therefore it is exact and fast for any number of jobs. Day totals answer for the whole fleet, month
totals for a part of it in months and longer periods; other scopes are counted from the jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.reports.core import filters, sql
from archive.reports.core import from_months as months
from archive.reports.core.from_totals import sums
from archive.reports.core.report import OUTCOMES, PeriodReport
from archive.reports.core.sql import DURATION, SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class VolumeRow(NamedTuple):
    """One period and group; sizes and durations are of the succeeded jobs.

    `size_total_bytes` are the bytes transferred; None if no succeeded job has a size.
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
    duration_total_seconds: int | None


def select(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    scoped = sql.jobs(scope, appliances, [SIZE, DURATION])
    return sql.summary(
        scoped,
        *sql.counts(scoped),
        *sql.total(scoped, SIZE),
        *sql.total(scoped, DURATION),
    )


def row(found: sa.Row[Any]) -> VolumeRow:
    """Return a row of the report."""
    return VolumeRow(
        found.period,
        sql.group(found),
        *sql.outcomes(found),
        sql.joined(found, SIZE),
        sql.joined(found, DURATION),
    )


def from_months(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report from month totals."""
    # Its columns have the names that `row` reads.
    return months.summary(scope, appliances, (SIZE, DURATION))


def from_totals(connection: Connection, scope: Scope) -> Iterator[VolumeRow]:
    """Yield the rows of the report from day totals."""
    for found in sums(connection, scope):
        yield VolumeRow(
            found.period,
            found.group,
            *sql.outcomes(found),
            found.size_total,
            found.duration_total,
        )


REPORT = PeriodReport(
    "volume",
    "How many backups ran, how much did they transfer, and how long did they take in total?",
    (
        *OUTCOMES,
        Column("size_total_bytes", Kind.BYTES),
        Column("duration_total_seconds", Kind.SECONDS),
    ),
    select,
    row,
    from_totals,
    from_months,
    compared=("finished", "success_rate", "size_total_bytes", "duration_total_seconds"),
    charts=(Lines(("size_total_bytes",)),),
)
