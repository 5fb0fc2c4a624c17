"""The fleet at a glance: what needs attention, and the figures of a period against the one before.

It puts others together: `core.current`, `streaks`, `stuck`, `jobs`, `collection` and, through
`period_figures`, `volume` and the expected backups. What needs attention is as of now, but
consecutive failures are those up to the last day in scope. The figures are of the days in scope,
the last 30 by default, compared with the period before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from archive.columns import Column, Kind, Role
from archive.judgement import standing
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OVERDUE, RETIRED
from archive.render.units import moment, size
from archive.reports import appliances, collection, jobs, streaks, stuck
from archive.reports.appliances import REPEATED_FAILURES
from archive.reports.core import compliance, date_ranges, expected_backups, import_gaps, slowest
from archive.reports.core.current import current
from archive.reports.core.report import Listing
from archive.reports.core.wrong_clocks import wrong_clocks
from archive.reports.period_figures import (
    OTHER,
    SUCCESS_RATE,
    expected,
    figures,
    is_exact,
    trend_of,
)
from archive.reports.summary_row import SummaryRow
from archive.reports.summary_row import row as row_of
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.current import Current
    from archive.reports.core.scope import Scope

# Without a first day, the summary covers this many days.
DAYS = 30
# The number of entries in each list, so that the summary of any fleet fits a screen: 50 lines of 80
# characters. Rows that are shown only if there are any take the place of appliances.
NAMED, APPLIANCES, SLOWEST, FAILURES = 5, 8, 2, 2
# The section with the last good backup of the worst appliances.
LAST_GOOD = "last good backup"
_COUNT, _SECONDS = Kind.COUNT, Kind.SECONDS
# These are shown only if there are any.
STUCK = "stuck"
WRONG_CLOCK = "wrong clock"
# The rows that count problems, by section and name, worst first. A success rate says of itself whether
# it is one.
PROBLEMS = (
    ("attention", OVERDUE),
    ("attention", NEVER),
    ("attention", "consecutive failures"),
    ("attention", STUCK),
    ("attention", WRONG_CLOCK),
    ("expected", "missed"),
    ("backups", SUCCESS_RATE),
    ("collection", "not reporting"),
    ("attention", NO_RECENT_DATA),
    ("backups", OTHER),
)


def select(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the rows of the report."""
    for row in _rows(connection, scope):
        if (row.section, row.name) in PROBLEMS and row.name != SUCCESS_RATE:
            row = row._replace(problem=bool(row.value))  # noqa: PLW2901 - the same row, judged
        yield row


def _rows(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the rows in the order in which they are shown."""
    now, then = _scopes(connection, scope)
    zone = settings.calendar(connection).zone
    # The judgement of all appliances is read once, and used by several sections.
    states = list(current(connection, now))
    retired = {one.appliance for one in states if one.state == RETIRED}
    ongoing = [
        row
        for row in streaks.ongoing(connection, replace(now, since=None))
        if row.appliance not in retired
    ]
    repeated = sum(row.consecutive_failures >= REPEATED_FAILURES for row in ongoing)
    before = None
    if then is not None:
        # As of the end of the period before.
        earlier = streaks.failing(connection, replace(then, since=None), REPEATED_FAILURES)
        before = len(earlier - retired)
    yield from _attention(states, repeated, before)
    trend = trend_of(connection, now)
    found = list(figures(connection, now, then, trend))
    rare = [*_stuck(connection, now), *_wrong_clocks(connection, now)]
    yield from rare
    room = APPLIANCES - len(rare) - sum(row.name == OTHER for row in found)
    yield from _last_good(states, ongoing, zone, room)
    yield from found
    yield from expected(connection, now, then, trend)
    for one in slowest.slowest(connection, now, SLOWEST):
        yield SummaryRow("slowest", one.appliance, _SECONDS, one.seconds, detail=one.key)
    yield from _failures(connection, now)
    yield from _collection(connection, now, zone)


def _scopes(connection: Connection, scope: Scope) -> tuple[Scope, Scope | None]:
    """Return the scope with a first and a last day, and the scope of the period before."""
    today = settings.calendar(connection).day(scope.now)
    # A first day after today is also the last one: the period is never empty.
    last = scope.until or max(today, scope.since or today)
    now = scope.last_days(DAYS, last) if scope.since is None else replace(scope, until=last)
    span = date_ranges.Span(date.fromisoformat(now.since or ""), date.fromisoformat(last))
    before = date_ranges.before(span)
    if before is None:
        return now, None
    first, last = (day.isoformat() for day in before)
    return now, replace(scope, since=first, until=last)


def days(connection: Connection, scope: Scope) -> Scope:
    """Return a scope with the first and the last day that a summary of it covers."""
    return _scopes(connection, scope)[0]


def _attention(
    states: list[Current], failing: int, failing_before: int | None
) -> Iterator[SummaryRow]:
    """Yield the numbers of appliances that need attention, whether there are any or not."""
    number = Counter(row.state for row in states)
    details = (
        (OVERDUE, "last success older than the RPO"),
        (NEVER, "no success yet"),
        (NO_RECENT_DATA, "no import recent enough to judge"),
    )
    for state, detail in details:
        yield SummaryRow("attention", state, _COUNT, number[state], detail=detail)
    detail = f"{REPEATED_FAILURES} or more in a row"
    yield row_of(
        "attention", "consecutive failures", _COUNT, failing, failing_before, detail=detail
    )


def _stuck(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the number of jobs that are stuck now, on whatever day they began."""
    names = [row.appliance for row in stuck.stuck(connection, scope)]
    if names:
        detail = ", ".join(sorted(set(names))[:NAMED])
        yield SummaryRow("attention", STUCK, _COUNT, len(names), detail=detail)


def _wrong_clocks(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the number of appliances whose times show that a clock is wrong."""
    names = sorted(wrong_clocks(connection, scope))
    if names:
        detail = ", ".join(names[:NAMED])
        yield SummaryRow("attention", WRONG_CLOCK, _COUNT, len(names), detail=detail)


def _last_good(
    states: list[Current], ongoing: list[streaks.StreaksRow], zone: str, number: int
) -> Iterator[SummaryRow]:
    """Yield the last good backup of the worst appliances, and how many others there are.

    `number` appliances have a row, or all if there is one more, which takes no more room.

    Ages are in seconds, as of now. The order is that of the report `appliances`, apart from sizes
    that dropped.
    """
    failures = {row.appliance: row.consecutive_failures for row in ongoing}
    worst = appliances.worst_first(states, failures)
    shown = len(worst) if len(worst) == number + 1 else number
    for row in worst[:shown]:
        in_a_row = failures.get(row.appliance, 0)
        failed = f", {in_a_row:,} failed" if in_a_row else ""
        good = row.success
        last = "no success yet"
        if good is not None:
            last = moment(good.end_time, zone, "minutes")
            if good.size_bytes is not None:
                last = f"{size(good.size_bytes)}, {last}"
        yield SummaryRow(
            LAST_GOOD, row.appliance, _SECONDS, row.age_seconds,
            detail=f"{row.state}{failed}: {last}",
        )  # fmt: skip
    others = Counter(row.state for row in worst[shown:])
    if others:
        detail = ", ".join(f"{of:,} {state}" for state, of in others.items())
        yield SummaryRow(LAST_GOOD, "others", _COUNT, others.total(), detail=detail)


def _failures(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the newest failed jobs in scope, with the age of each in seconds."""
    wanted = jobs.JobFilter(("FAILED",), limit=FAILURES)
    for row in jobs.run(connection, scope, wanted):
        at = row.start_time
        age = None if at is None or at > scope.now else standing.seconds_between(at, scope.now)
        yield SummaryRow(
            "newest failures", row.appliance, _SECONDS, age, detail=row.message or row.key
        )


def _collection(connection: Connection, scope: Scope, zone: str) -> Iterator[SummaryRow]:
    """Yield the last import, and what is wrong with the imports.

    Long gaps are those between imports on the days in scope; all else is as of now.
    """
    rows = collection.reporting_now(connection, scope)
    imported = [row for row in rows if row.last_seen is not None]
    if imported:
        latest = max(imported, key=lambda row: row.last_seen or "")
        detail = moment(latest.last_seen or "", zone)
        yield SummaryRow("collection", "last import", _SECONDS, latest.age_seconds, detail=detail)
    missing = sorted(
        (row for row in rows if row.not_reporting),
        key=lambda row: (row.last_seen or "", row.appliance),
    )
    named = ", ".join(row.appliance for row in missing[:NAMED])
    yield SummaryRow("collection", "not reporting", _COUNT, len(missing), detail=named or None)
    standings = expected_backups.standings(connection, scope)
    usual = {one.id: one.usual_import_seconds for one in standings}
    gaps = import_gaps.long_gaps(connection, scope, usual).total()
    yield SummaryRow("collection", "long gaps", _COUNT, gaps, detail="between imports")
    quarantined = sum(row.quarantined for row in rows)
    if quarantined:
        yield SummaryRow("collection", "quarantined", _COUNT, quarantined, detail="documents")


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the days that are compared, and whether percentiles are exact."""
    now, then = _scopes(connection, scope)
    calendar = settings.calendar(connection)
    compared = "" if then is None else f", compared with {then.since} to {then.until}"
    exact = "exact" if is_exact(connection, now, then) else "within 1 %"
    yield (
        f"{now.since} to {now.until}{compared}; days start at {calendar.day_start} {calendar.zone};"
        f" percentiles are {exact}. As of {moment(scope.now, calendar.zone)}."
    )


REPORT = Listing(
    "summary",
    "How is the fleet doing, compared with the period before?",
    (
        Column("section", role=Role.HEADING),
        Column("name"),
        Column("kind"),
        Column("value", kind_in="kind"),
        Column("before", kind_in="kind", expendable=2),
        Column("change", kind_in="kind", signed=True),
        Column("trend", Kind.SERIES),
        Column("detail", shortened=True),
        Column("problem", Kind.FLAG, role=Role.MARK),
    ),
    select,
    compliance.EXPECTING | {"rpo_seconds"},
    explain=_explain,
)
