"""The backups that did not come: a row for each expected day without a success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement.expected import MET
from archive.judgement.schedules import iso, ordinal
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
    """`due` is None where only the day is known; `message` is that of the last failed attempt."""

    appliance: str
    day: str
    due: str | None
    basis: str
    outcome: str
    attempts: int
    message: str | None
    days_since: int


@dataclass(frozen=True)
class _Missed(Listing):
    """By appliance, it has a row for each of them."""

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:
        """Return the columns of rows that `select` yields for a scope."""
        return compliance.COLUMNS if scope.by else self.columns

    def charts_of(self, scope: Scope) -> tuple[Chart, ...]:
        """Return what is drawn of each appliance; of single days there is nothing to draw."""
        return (Bars(("appliance",), compliance.WAYS),) if scope.by else ()


def select(connection: Connection, scope: Scope) -> Iterator[MissedRow] | Iterator[TallyRow]:
    """Yield the rows of the report."""
    return compliance.rows(connection, scope) if scope.by else _rows(connection, scope)


def _rows(connection: Connection, scope: Scope) -> Iterator[MissedRow]:
    today = ordinal(settings.calendar(connection).day(scope.now))
    message = sa.case((tables.job.c.status == "FAILED", jobs.first_message())).label("message")
    for appliance, expectations in expected_backups.walk(connection, scope, message):
        for one in expectations:
            if one.outcome == MET:
                continue
            yield MissedRow(
                appliance,
                iso(one.day),
                one.due,
                one.basis,
                one.outcome,
                one.attempts,
                None if one.job is None else one.job.row.message,
                today - one.day,
            )


REPORT = _Missed(
    "missed",
    "Which backups were expected and did not come: failed, did not run, or were no data?",
    (
        Column("appliance"),
        Column("day", Kind.DAY),
        Column("due", Kind.INSTANT, optional=True),
        Column("basis"),
        Column("outcome"),
        Column("attempts", Kind.COUNT),
        Column("message"),
        Column("days_since", Kind.COUNT),
    ),
    select,
    compliance.EXPECTING | {"by"},
    ("appliance",),
    compliance.notes,
)
