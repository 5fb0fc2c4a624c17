"""One page: the fleet at a glance, some days of it against those before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.columns import Column, Kind, Role
from archive.db import tables
from archive.judgement import standing
from archive.judgement.schedules import iso, ordinal, start
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OK, OVERDUE
from archive.reports import collection, jobs, rpo, streaks
from archive.reports.core import compliance, date_ranges, sql
from archive.reports.core.report import Listing
from archive.reports.period_figures import expected, figures, is_exact, trend_of
from archive.reports.summary_row import SummaryRow
from archive.reports.summary_row import row as row_of
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Without a first day it is of so many.
DAYS = 30
# So many failures in a row are a strike: once is chance, twice is bad luck.
REPEATED_FAILURES = 3
# By the imports of so many days it is told who is silent; who has none in them is.
HEARD_DAYS = 90
# How many are named of what has no bound.
NAMED = 5
_COUNT, _SECONDS = Kind.COUNT, Kind.SECONDS
# What counts something wrong, by section and name, the worst first.
PROBLEMS = (
    ("attention", OVERDUE),
    ("attention", NEVER),
    ("attention", "consecutive failures"),
    ("expected", "missed"),
    ("collection", "not reporting"),
    ("attention", NO_RECENT_DATA),
)


def select(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the rows of the report."""
    for row in _rows(connection, scope):
        yield row._replace(problem=row[:2] in PROBLEMS and bool(row.value))


def _rows(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    now, then = _scopes(connection, scope)
    states = list(rpo.select(connection, now))
    struck = _struck(connection, now)
    yield from _attention(states, struck, len(_struck(connection, then)) if then else None)
    trend = trend_of(connection, now)
    yield from figures(connection, now, then, trend)
    yield from expected(connection, now, then, trend)
    yield from _overdue(states)
    yield from _consecutive_failures(struck)
    yield from _slowest(connection, now)
    yield from _failures(connection, now)
    yield from _collection(connection, now)


def _scopes(connection: Connection, scope: Scope) -> tuple[Scope, Scope | None]:
    """Return the scope from its first to its last day, and that of the days before."""
    today = settings.calendar(connection).day(scope.now)
    last = date.fromisoformat(scope.until or max(today, scope.since or today))
    if scope.since is None:
        first = date.fromordinal(max(last.toordinal() - DAYS + 1, 1))
    else:
        first = date.fromisoformat(scope.since)
    before = date_ranges.before(date_ranges.Span(first, last))
    return _of(scope, date_ranges.Span(first, last)), before and _of(scope, before)


def _of(scope: Scope, span: date_ranges.Span) -> Scope:
    return replace(scope, since=span.first.isoformat(), until=span.last.isoformat())


def _attention(
    states: list[rpo.RpoRow], struck: list[streaks.StreaksRow], struck_before: int | None
) -> Iterator[SummaryRow]:
    number = Counter(row.state for row in states)
    details = (
        (OVERDUE, "the last success is older than the RPO allows"),
        (NEVER, "no success is known"),
        (NO_RECENT_DATA, "nothing was heard that would tell"),
    )
    for state, detail in details:
        yield SummaryRow("attention", state, _COUNT, number[state], detail=detail)
    detail = f"{REPEATED_FAILURES} failures in a row, or more"
    yield row_of(
        "attention", "consecutive failures", _COUNT, len(struck), struck_before, detail=detail
    )


def _overdue(states: list[rpo.RpoRow]) -> Iterator[SummaryRow]:
    for row in islice((row for row in states if row.state != OK), NAMED):
        end = "no success" if row.success_end_time is None else _moment(row.success_end_time)
        yield SummaryRow(
            "overdue", row.appliance, _SECONDS, row.age_seconds, detail=f"{row.state}: {end}"
        )


def _struck(connection: Connection, scope: Scope) -> list[streaks.StreaksRow]:
    """Return the appliances whose backups have failed so often at the end of a scope."""
    until = replace(scope, since=None)
    failing = streaks.failing(connection, until)
    if not failing:
        return []
    rows = streaks.select(connection, replace(until, appliances=(), named=failing))
    return [row for row in rows if row.streak >= REPEATED_FAILURES]


def _consecutive_failures(struck: list[streaks.StreaksRow]) -> Iterator[SummaryRow]:
    for row in struck[:NAMED]:
        since = _moment(row.since_time or "")
        detail = f"since {since}; last good: {row.last_good or 'none'}"
        yield SummaryRow("consecutive failures", row.appliance, _COUNT, row.streak, detail=detail)


def _slowest(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    job, appliance = tables.job, tables.appliance
    duration = job.c.duration_seconds
    query = (
        sa.select(appliance.c.name, duration, job.c.key)
        .join_from(job, appliance, job.c.appliance_id == appliance.c.id)
        .where(
            job.c.status == "SUCCEEDED",
            duration.is_not(None),
            *sql.conditions(scope, scope.appliance_ids(connection)),
        )
        .order_by(duration.desc(), job.c.day.desc(), appliance.c.name, job.c.key)
        .limit(NAMED)
    )
    for name, seconds, key in connection.execute(query):
        yield SummaryRow("slowest", name, _SECONDS, seconds, detail=key)


def _failures(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    wanted = jobs.JobFilter(("FAILED",), limit=NAMED)
    for row in jobs.run(connection, scope, wanted):
        at = row.start_time
        age = None if at is None or at > scope.now else standing.seconds_between(at, scope.now)
        yield SummaryRow(
            "newest failures", row.appliance, _SECONDS, age, detail=row.message or row.key
        )


def _collection(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    rows = list(collection.select(connection, scope))
    heard = [row for row in rows if row.last_seen is not None]
    if heard:
        latest = max(heard, key=lambda row: row.last_seen or "")
        detail = _moment(latest.last_seen or "")
        yield SummaryRow("collection", "last import", _SECONDS, latest.age_seconds, detail=detail)
    unheard = not_reporting(connection, scope)
    named = ", ".join(row.appliance for row in unheard[:NAMED])
    yield SummaryRow("collection", "not reporting", _COUNT, len(unheard), detail=named or None)
    gaps = sum(row.long_gaps for row in rows)
    yield SummaryRow("collection", "long gaps", _COUNT, gaps, detail="between imports")
    held = sum(row.quarantined for row in rows)
    yield SummaryRow("collection", "quarantined", _COUNT, held, detail="documents")


def not_reporting(connection: Connection, scope: Scope) -> list[collection.CollectionRow]:
    """Return the appliances that are silent as of now, who was heard of longest ago first."""
    found = [row for row, is_not_reporting in recently_heard(connection, scope) if is_not_reporting]
    return sorted(found, key=lambda row: row.last_seen or "")


def recently_heard(
    connection: Connection, scope: Scope
) -> list[tuple[collection.CollectionRow, bool]]:
    """Return what `collection` says of the last HEARD_DAYS days, and whether each appliance is silent.

    So is one that has never answered. It does not depend on which days are looked at: a few tell of
    no usual gap.
    """
    calendar = settings.calendar(connection)
    first = max(ordinal(calendar.day(scope.now)) - HEARD_DAYS, 1)
    begun = start(calendar, first)
    rows = collection.select(connection, replace(scope, since=iso(first), until=None))
    return [(row, bool(row.not_reporting) or (row.last_seen or "") < begun) for row in rows]


def _moment(instant: str) -> str:
    return f"{instant[:10]} {instant[11:19]}Z"


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    now, then = _scopes(connection, scope)
    calendar = settings.calendar(connection)
    compared = "" if then is None else f", compared with {then.since} to {then.until}"
    exact = "exact (nearest rank)" if is_exact(connection, now, then) else "within 1 %"
    yield (
        f"{now.since} to {now.until}{compared}; days start at {calendar.day_start} {calendar.zone};"
        f" percentiles are {exact}. Attention and ages are as of {_moment(scope.now)}."
    )


REPORT = Listing(
    "summary",
    "How is the fleet, at a glance, and how was it before?",
    (
        Column("section", role=Role.HEADING),
        Column("name"),
        Column("kind"),
        Column("value", kind_in="kind"),
        Column("before", kind_in="kind"),
        Column("change", kind_in="kind", signed=True),
        Column("trend", Kind.SERIES),
        Column("detail"),
        Column("problem", Kind.FLAG, role=Role.MARK),
    ),
    select,
    compliance.EXPECTING | {"objective_seconds"},
    explain=_explain,
)
