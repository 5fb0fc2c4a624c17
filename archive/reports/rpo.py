"""The age of the last success of each appliance, compared with its RPO.

How an appliance stands is known to `core.current`, and the shares of the period to
`core.covered_time`. `archive.judgement.standing` has the rules for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.calendar import iso
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.judgement.standing import STATES
from archive.reports.core import compliance, covered_time
from archive.reports.core.covered_time import Shares
from archive.reports.core.current import Current, current
from archive.reports.core.report import Listing
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class RpoRow(NamedTuple):
    """An appliance as of now: `state` is OK, OVERDUE, NEVER, NO_RECENT_DATA or RETIRED.

    `age_seconds` counts from the end of the last success. Without `--rpo`, the RPO is the longest time
    between two expected backups, and None where none is expected. `overdue_since_time` is the due time
    of the first missed backup. `time_rate` and `days_rate` are the shares of the period's time and days
    within the RPO, up to the last import; None without any. An appliance that collections asked and that
    never answered has no `last_seen`.
    """

    appliance: str
    state: str
    age_seconds: int | None
    rpo_seconds: int | None
    rpo_from: str
    success_start_time: str | None
    success_end_time: str | None
    attempt_start_time: str | None
    attempt_status: str | None
    overdue_since_time: str | None
    next_due_time: str | None
    next_due: str | None
    last_seen: str | None
    time_rate: float | None
    days_rate: float | None


def worst_first(connection: Connection, scope: Scope) -> list[Current]:
    """Return how the appliances in scope stand, in the order of the report."""
    return sorted(
        current(connection, scope),
        key=lambda one: (STATES.index(one.state), -(one.age_seconds or 0), one.appliance),
    )


def select(connection: Connection, scope: Scope) -> Iterator[RpoRow]:
    """Yield the rows of the report, worst first."""
    found = worst_first(connection, scope)
    # For all appliances at once, as the database looks for their gaps.
    shares = {one.id: shares for one, shares in covered_time.shares(connection, scope, found)}
    return (row(one, shares.get(one.id, _NO_SHARES)) for one in found)


_NO_SHARES = Shares(None, None)


def row(one: Current, shares: Shares = _NO_SHARES) -> RpoRow:
    """Return the row of an appliance, with the shares of the period if they are wanted."""
    success = one.success
    return RpoRow(
        one.appliance,
        one.state,
        one.age_seconds,
        *one.rpo,
        None if success is None else success.start_time,
        None if success is None else success.end_time,
        one.attempt_start_time,
        one.attempt_status,
        one.overdue_since_time,
        one.next_due_time,
        one.next_due,
        one.last_seen,
        *shares,
    )


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the days that the rates cover."""
    period = covered_time.period(settings.calendar(connection), scope)
    yield (
        f"Rates cover {iso(period.first)} to {iso(period.last)}, up to the last import of each"
        " appliance. Without --rpo, the RPO is the longest time between two expected backups."
    )


REPORT = Listing(
    "rpo",
    "How old is the last success of each appliance, and is it within the RPO?",
    (
        Column("appliance"),
        Column("state"),
        Column("age_seconds", Kind.SECONDS),
        Column("rpo_seconds", Kind.SECONDS, expendable=2),
        Column("rpo_from", expendable=9),
        Column("success_start_time", Kind.INSTANT, expendable=9),
        Column("success_end_time", Kind.INSTANT, expendable=3),
        Column("attempt_start_time", Kind.INSTANT, expendable=8),
        Column("attempt_status", expendable=4),
        Column("overdue_since_time", Kind.INSTANT, expendable=5),
        Column("next_due_time", Kind.INSTANT, expendable=6),
        Column("next_due", optional=True, expendable=6),
        Column("last_seen", Kind.INSTANT, expendable=8),
        Column("time_rate", Kind.RATIO, expendable=7),
        Column("days_rate", Kind.RATIO, expendable=8),
    ),
    select,
    compliance.EXPECTING | {"rpo_seconds"},
    explain=_notes,
    charts=(Bars(("appliance",), ("age_seconds",), "rpo_seconds"),),
)
