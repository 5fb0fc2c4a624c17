"""The state of each appliance: its last good backup, how large it is, and whether all is well.

An appliance is judged by its whole history up to now; the days of a scope are ignored. The state is
that of the report `rpo`, the consecutive failures are those of `streaks`, and the drop of the size
is an anomaly of the last success. Here they become one severity.

Retired appliances are listed last.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OVERDUE, RETIRED
from archive.reports import anomalies, streaks
from archive.reports.core import expected_backups, filters, job_order
from archive.reports.core.current import current
from archive.reports.core.report import Listing
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from archive.reports.core.current import Current
    from archive.reports.core.scope import Scope

CRITICAL, WARNING, NO_DATA, OK = "critical", "warning", "no data", "ok"
SEVERITIES = (CRITICAL, WARNING, NO_DATA, OK, RETIRED)  # worst first
# From this number of consecutive failures on, an appliance is critical.
REPEATED_FAILURES = 3
# From this drop of the size on, in percent of the expected one, an appliance is worth a look.
_DROP_PERCENT = 50

COLUMNS = (
    Column("appliance"),
    Column("severity"),
    Column("state", expendable=7),
    Column("age_seconds", Kind.SECONDS),
    Column("success_end_time", Kind.INSTANT, expendable=5),
    Column("size_bytes", Kind.BYTES),
    Column("size_change_ratio", Kind.RATIO, signed=True, expendable=3),
    Column("duration_seconds", Kind.SECONDS, expendable=4),
    Column("next_due_time", Kind.INSTANT, expendable=6),
    Column("next_due", optional=True, expendable=6),
    Column("consecutive_failures", Kind.COUNT, expendable=1),
    Column("last_seen", Kind.INSTANT, expendable=8),
    Column("key", expendable=9),
)


class AppliancesRow(NamedTuple):
    """An appliance as of now; `severity` is one of SEVERITIES, `state` as in the report `rpo`.

    The age counts from the end of the last success. `size_bytes`, `duration_seconds` and `key` are of
    that success, `size_change_ratio` is the change of its size since the success before: 0.1 is 10 %
    more. `next_due_time` and `last_seen` are instants; `next_due` is `overdue` or `unknown` where it has passed; an appliance that never answered has neither.
    """

    appliance: str
    severity: str
    state: str
    age_seconds: int | None
    success_end_time: str | None
    size_bytes: int | None
    size_change_ratio: float | None
    duration_seconds: int | None
    next_due_time: str | None
    next_due: str | None
    consecutive_failures: int
    last_seen: str | None
    key: str | None


def select(connection: Connection, scope: Scope) -> Iterator[AppliancesRow]:
    """Yield the rows of the report, worst first."""
    # How an appliance is, is a question about now, whatever the days.
    whole = replace(scope, since=None, until=None)
    states = list(current(connection, whole))
    return iter(rows(connection, whole, states, streaks.ongoing(connection, whole)))


def rows(
    connection: Connection,
    scope: Scope,
    states: list[Current],
    failing: list[streaks.StreaksRow],
) -> list[AppliancesRow]:
    """Return the rows for how appliances stand and for those of `streaks.ongoing`, worst first."""
    failures = {row.appliance: row.consecutive_failures for row in failing}
    before = _sizes_before(connection, scope)
    drops = anomalies.drops(
        connection, {one.appliance: one.success.key for one in states if one.success is not None}
    )
    ranked = sorted(
        states,
        key=lambda row: _badness(row, failures.get(row.appliance, 0), drops.get(row.appliance, 0)),
    )
    found = []
    for state in ranked:
        name = state.appliance
        success = state.success
        size = None if success is None else success.size_bytes
        number = failures.get(name, 0)
        found.append(
            AppliancesRow(
                name,
                severity(state.state, number, drops.get(name, 0)),
                state.state,
                state.age_seconds,
                None if success is None else success.end_time,
                size,
                _change(size, before.get(name)),
                None if success is None else success.duration_seconds,
                state.next_due_time,
                state.next_due,
                number,
                state.last_seen,
                None if success is None else success.key,
            )
        )
    return found


def severity(state: str, failures: int, drop_percent: int) -> str:
    """Return the severity of a state, a number of consecutive failures, and a drop of the size."""
    if state == RETIRED:
        return RETIRED
    if state in (OVERDUE, NEVER) or failures >= REPEATED_FAILURES:
        return CRITICAL
    if state == NO_RECENT_DATA:
        return NO_DATA
    return WARNING if failures or drop_percent > _DROP_PERCENT else OK


def reason(state: str, severity: str, failures: int) -> str:
    """Return the reason for a severity in a few words; empty if the severity says it all."""
    if state in (OVERDUE, NEVER):
        return state
    if severity not in (CRITICAL, WARNING):
        return ""
    return in_a_row(failures) if failures else "smaller than expected"


def in_a_row(number: int) -> str:
    """Return a number of consecutive failures with its noun."""
    return counted(number, "consecutive failure") if number > 1 else counted(number, "failure")


def worst_first(states: list[Current], failures: Mapping[str, int]) -> list[Current]:
    """Return appliances, worst first; `failures` are consecutive failures by appliance.

    It is the order of this report, apart from sizes that dropped.
    """
    return sorted(states, key=lambda row: _badness(row, failures.get(row.appliance, 0), 0))


def verdict(severities: Iterable[str]) -> tuple[str, str]:
    """Return the worst severity of some appliances, and one sentence on all of them.

    Without appliances the severity is NO_DATA. Retired ones count only if there are no others.
    """
    number = Counter(severities)
    total = number.total() - number[RETIRED]
    if not total:
        return NO_DATA, "No appliance is expected to have a backup."
    if number[OK] == total:
        all_of = f"All {total:,} appliances are" if total > 1 else "The appliance is"
        return OK, f"{all_of} ok."
    worst = next(one for one in SEVERITIES if number[one])
    words = {
        CRITICAL: ("is critical", "are critical"),
        WARNING: ("has a warning", "have a warning"),
        NO_DATA: ("has no recent data", "have no recent data"),
        OK: ("is ok", "are ok"),
    }
    if total == 1:
        return worst, f"The appliance {words[worst][0]}."
    parts = [f"{number[one]:,} {words[one][number[one] > 1]}" for one in words if number[one]]
    parts[0] = parts[0].replace(" ", f" of {total:,} appliances ", 1)
    return worst, f"{', '.join(parts)}."


def _badness(state: Current, failures: int, drop: int) -> tuple[int, bool, int, int, str]:
    """Return the sort key, worst first.

    Within a severity those without any success come first, then the longest ago, then the most
    failures, then by name.
    """
    age = state.age_seconds
    place = SEVERITIES.index(severity(state.state, failures, drop))
    return place, age is not None, -(age or 0), -failures, state.appliance


def _change(size: int | None, before: int | None) -> float | None:
    """Return the change of a size since the one before, 0.1 for 10 % more; None without both.

    None as well if the size before was 0 or negative: there is nothing to compare with.
    """
    if size is None or not before or before < 0:
        return None
    return size / before - 1


def _sizes_before(connection: Connection, scope: Scope) -> dict[str, int | None]:
    """Return the size of the success before the last one, by appliance.

    None for an appliance with fewer than two successes, or without a size in that one. Retired
    appliances are included.
    """
    appliance, job = tables.appliance, tables.job
    names = {one.id: one.name for one in expected_backups.standings(connection, scope)}
    size = (
        sa.select(job.c.size_bytes)
        .where(
            job.c.appliance_id == appliance.c.id,
            job.c.status == "SUCCEEDED",
            job_order.not_later(scope),
        )
        .order_by(*(column.desc() for column in job_order.order(job)))
        # The first one is the last success itself.
        .offset(1)
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(appliance.c.id, size.label("size"))
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(filters.of_appliances(appliance.c.id, ids))
    return {names[row.id]: row.size for row in connection.execute(query) if row.id in names}


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the rules of the severities, with the numbers that they use."""
    del connection, scope
    yield (
        "Critical: overdue, no success yet, or"
        f" {REPEATED_FAILURES} or more consecutive failures. Warning: a failure since the last success,"
        f" or a last success more than {_DROP_PERCENT} % smaller than expected."
    )


REPORT = Listing(
    "appliances",
    "When was the last good backup of each appliance, how large is it, and is all well?",
    COLUMNS,
    select,
    frozenset({"appliances", "named", "rpo_seconds", "now", "cadences"}),
    explain=_explain,
)
