"""Missed backups: a row for each expected backup without a success.

An expected backup is in it once its outcome is known: one that is due but still has time is not.
With `by`, the rows are the tallies of `core.compliance`, one for each appliance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.calendar import iso, ordinal
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports import jobs
from archive.reports.core import compliance, expected_backups
from archive.reports.core.report import Listing
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.charts import Chart
    from archive.judgement.outcome import TallyRow
    from archive.reports.core.scope import Scope


class MissedRow(NamedTuple):
    """A missed backup; `message` is of the last failed attempt.

    `due` is a fixed-width UTC instant; `days_since` counts days of the archive's calendar.
    `attempts` counts the jobs without success.
    """

    appliance: str
    day: str
    due: str
    basis: str
    outcome: str
    attempts: int
    message: str | None
    days_since: int


@dataclass(frozen=True)
class _Missed(Listing):
    """Single missed backups, or with `by` a tally for each appliance."""

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:
        """Return the columns of the rows that `select` yields for a scope."""
        return compliance.COLUMNS if scope.by else self.columns

    def charts_of(self, scope: Scope) -> tuple[Chart, ...]:
        """Return the chart of the tallies; single missed backups have none."""
        return (Bars(("appliance",), compliance.WAYS),) if scope.by else ()


def select(connection: Connection, scope: Scope) -> Iterator[MissedRow] | Iterator[TallyRow]:
    """Yield the rows of the report.

    Without a grouping, they are ordered by appliance and due time.
    """
    return compliance.rows(connection, scope) if scope.by else _rows(connection, scope)


def _rows(connection: Connection, scope: Scope) -> Iterator[MissedRow]:
    """Yield the missed backups; the message is that of the last attempt, if it failed."""
    today = ordinal(settings.calendar(connection).day(scope.now))
    # A running job has no reason yet.
    message = sa.case((tables.job.c.status == "FAILED", jobs.first_message())).label("message")
    for appliance, expectations in expected_backups.walk(connection, scope, message, missed=True):
        for one in expectations:
            yield MissedRow(
                appliance,
                iso(one.day),
                one.due,
                one.basis,
                one.outcome,
                one.attempts,
                None if one.job is None else one.job[0],
                today - one.day,
            )


REPORT = _Missed(
    "missed",
    "Which expected backups have no success: failed, running, did not run, or no data?",
    (
        Column("appliance"),
        Column("day", Kind.DAY, expendable=1),
        Column("due", Kind.INSTANT, expendable=2),
        Column("basis", expendable=7),
        Column("outcome"),
        Column("attempts", Kind.COUNT, expendable=5),
        Column("message"),
        Column("days_since", Kind.COUNT, expendable=8),
    ),
    select,
    compliance.EXPECTING | {"by"},
    ("appliance",),
    compliance.notes,
)
