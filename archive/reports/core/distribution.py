"""The report that `sizes` and `durations` share: the distribution of a measure of succeeded backups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.reports.core import filters, from_totals, sql
from archive.reports.core.report import PeriodReport
from archive.reports.core.sql import MEDIAN, P95, SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class SpreadRow(NamedTuple):
    """One period and group. Values are in bytes or seconds, NULL where no succeeded job has one.

    `succeeded` also counts the succeeded jobs without a value.
    """

    period: str
    group: str | None
    succeeded: int
    total: int | None
    least: int | None
    median: int | None
    p95: int | None
    greatest: int | None


def report(name: str, question: str, measure: str, kind: Kind) -> PeriodReport:
    """Return the report on a measure, a column of `job` such as `size_bytes`."""
    what, unit = measure.split("_")
    values = (
        Column(f"{what}_{value}_{unit}", kind, expendable=3 if value in ("min", "total") else 0)
        for value in _VALUES
    )
    columns = (Column("succeeded", Kind.COUNT), *values)
    return PeriodReport(
        name,
        question,
        columns,
        partial(_select, measure),
        partial(_row, measure),
        partial(_from_totals, measure),
        approximates=True,
        compared=tuple(f"{what}_{value}_{unit}" for value in ("total", "median")),
        charts=(Lines(tuple(f"{what}_{value}_{unit}" for value in ("median", "p95"))),),
    )


_VALUES = ("total", "min", "median", "p95", "max")


def _select(measure: str, scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the exact figures, with percentiles by nearest rank."""
    scoped = sql.jobs(scope, appliances, [measure], ranked=True)
    least, greatest = sql.extremes(scoped, measure)
    return sql.summary(
        scoped,
        *sql.counts(scoped),
        *sql.total(scoped, measure),
        least.label("least"),
        sql.percentile(scoped, measure, MEDIAN).label("median"),
        sql.percentile(scoped, measure, P95).label("p95"),
        greatest.label("greatest"),
    )


def _row(measure: str, found: sa.Row[Any]) -> SpreadRow:
    """Return the typed row of a row of `_select`."""
    return SpreadRow(
        found.period,
        sql.group(found),
        found.succeeded,
        sql.joined(found, measure),
        found.least,
        found.median,
        found.p95,
        found.greatest,
    )


def _from_totals(measure: str, connection: Connection, scope: Scope) -> Iterator[SpreadRow]:
    """Yield the rows from day totals: sums are exact, all other values within 1 %."""
    of_size = measure == SIZE
    sketches = from_totals.sketches(connection, scope)
    for found in from_totals.sums(connection, scope):
        sketch = sketches.get((found.period, found.group), from_totals.EMPTY)
        # Also of the least and the greatest value a sketch knows only the bin.
        values = sketch.sizes if of_size else sketch.durations
        yield SpreadRow(
            found.period,
            found.group,
            found.succeeded,
            found.size_total if of_size else found.duration_total,
            *(values.percentile(percent) for percent in (0, MEDIAN, P95, 100)),
        )
