"""The success rate, and the counts behind it.

Month totals answer for months and longer periods. Day totals do not, since they know no appliances:
days and weeks are counted from the jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Lines
from archive.columns import Column, Kind
from archive.reports.core import filters, sql
from archive.reports.core import from_months as months
from archive.reports.core.report import OUTCOMES, PeriodReport

if TYPE_CHECKING:
    from archive.reports.core.scope import Scope


class SuccessRow(NamedTuple):
    """One period and group; `appliances` counts the appliances with any job in it.

    The rate is from 0 to 1, and None if nothing has finished; open and other jobs are in none of
    the rates.
    """

    period: str
    group: str | None
    jobs: int
    finished: int
    succeeded: int
    failed: int
    open: int
    other: int
    success_rate: float | None
    appliances: int


def select(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report."""
    scoped = sql.jobs(scope, appliances)
    return sql.summary(
        scoped,
        # More than finished: also jobs in progress, and those with an undocumented status.
        sa.func.count().label("jobs"),
        *sql.counts(scoped),
        sa.func.count(scoped.c.appliance_id.distinct()).label("appliances"),
    )


def row(found: sa.Row[Any]) -> SuccessRow:
    """Return a row of the report."""
    return SuccessRow(
        found.period,
        sql.group(found),
        found.jobs,
        *sql.outcomes(found),
        found.appliances,
    )


def from_months(scope: Scope, appliances: filters.Ids) -> sa.Select[Any]:
    """Return the SELECT of the report from month totals."""
    return months.summary(scope, appliances)


REPORT = PeriodReport(
    "success",
    "How many of the finished backups succeeded, and how many are in progress?",
    (
        Column("jobs", Kind.COUNT, expendable=4),
        *OUTCOMES,
        # The first to go: by appliance, it is 1 in every row.
        Column("appliances", Kind.COUNT, expendable=6),
    ),
    select,
    row,
    from_months=from_months,
    compared=("jobs", "failed", "success_rate"),
    charts=(Lines(("success_rate",)),),
)
