"""One page: the fleet at a glance, some days of it against those before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import settings, tables
from archive.columns import Column, Kind
from archive.reports import (
    coverage,
    freshness,
    jobs,
    judged,
    parts,
    recency,
    spans,
    streaks,
    tally,
    totals,
    volume,
)
from archive.reports.due import iso, ordinal, start
from archive.reports.expectations import MET, MISSED
from archive.reports.freshness import LATE, NEVER, OK, UNKNOWN
from archive.reports.parts import DURATION, MEDIAN, P95, SIZE
from archive.reports.report import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope

# Without a first day it is of so many.
DAYS = 30
# So many failures in a row are a strike: once is chance, twice is bad luck.
STRIKE = 3
# By the deliveries of so many days it is told who is silent; who has none in them is.
HEARD_DAYS = 90
# How many are named of what has no bound.
NAMED = 5
_COUNT, _RATIO, _BYTES, _SECONDS = Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS


class SummaryRow(NamedTuple):
    """A figure, or something named in a list; `kind` says what the values are (see `columns.Kind`).

    `before` is that of the days before, and `change` what has been added since; NULL where there is
    none. In a list `name` is an appliance.
    """

    section: str
    name: str
    kind: Kind
    value: float | None
    before: float | None = None
    change: float | None = None
    detail: str | None = None


# The figures of the jobs, in the order of `_told`.
_FIGURES = (
    ("backups", "appliances", _COUNT),
    ("backups", "finished", _COUNT),
    ("backups", "failed", _COUNT),
    ("backups", "open", _COUNT),
    ("backups", "success rate", _RATIO),
    ("data", "moved", _BYTES),
    ("data", "median", _BYTES),
    ("data", "p95", _BYTES),
    ("time", "median", _SECONDS),
    ("time", "p95", _SECONDS),
)


def select(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    """Yield the rows of the report."""
    now, then = _scopes(connection, scope)
    states = list(recency.select(connection, now))
    struck = _struck(connection, now)
    yield from _attention(states, struck, len(_struck(connection, then)) if then else None)
    exact = _is_exact(connection, now, then)
    told = [_told(connection, one, exact=exact) for one in (now, then) if one is not None]
    yield from _figures(told[0], told[1] if then else None)
    yield from _expected(connection, now, then)
    yield from _late(states)
    yield from _strikes(struck)
    yield from _slowest(connection, now)
    yield from _failures(connection, now)
    yield from _coverage(connection, now)


def _scopes(connection: Connection, scope: Scope) -> tuple[Scope, Scope | None]:
    """Return the scope from its first to its last day, and that of the days before."""
    today = settings.calendar(connection).day(scope.now)
    last = date.fromisoformat(scope.until or max(today, scope.since or today))
    if scope.since is None:
        first = date.fromordinal(max(last.toordinal() - DAYS + 1, 1))
    else:
        first = date.fromisoformat(scope.since)
    before = spans.before(spans.Span(first, last))
    return _of(scope, spans.Span(first, last)), before and _of(scope, before)


def _of(scope: Scope, span: spans.Span) -> Scope:
    return replace(scope, since=span.first.isoformat(), until=span.last.isoformat())


def _row(
    section: str,
    name: str,
    kind: Kind,
    value: float | None,
    before: float | None,
    detail: str | None = None,
) -> SummaryRow:
    change = None if value is None or before is None else value - before
    return SummaryRow(section, name, kind, value, before, change, detail)


def _attention(
    states: list[recency.RecencyRow], struck: list[streaks.StreaksRow], struck_before: int | None
) -> Iterator[SummaryRow]:
    number = Counter(row.state for row in states)
    details = (
        (LATE, "the last success is older than it may be"),
        (NEVER, "no success is known"),
        (UNKNOWN, "nothing was heard that would tell"),
    )
    for state, detail in details:
        yield SummaryRow("attention", state, _COUNT, number[state], detail=detail)
    detail = f"{STRIKE} failures in a row, or more"
    yield _row("attention", "strikes", _COUNT, len(struck), struck_before, detail)


def _figures(now: list[float | None], then: list[float | None] | None) -> Iterator[SummaryRow]:
    for place, figure in enumerate(_FIGURES):
        yield _row(*figure, now[place], None if then is None else then[place])


def _told(connection: Connection, scope: Scope, *, exact: bool) -> list[float | None]:
    """Return the figures of a scope's jobs."""
    job = tables.job
    conditions = parts.conditions(scope, scope.appliance_ids(connection))
    distinct = sa.select(sa.func.count(job.c.appliance_id.distinct())).where(*conditions)
    found = volume.REPORT.run(connection, replace(scope, period="day"))
    days = [volume.VolumeRow._make(row) for row in found]
    succeeded, failed = (
        sum(getattr(day, name) for day in days) for name in ("succeeded", "failed")
    )
    sizes = [day.size_total_bytes for day in days if day.size_total_bytes is not None]
    return [
        connection.execute(distinct).scalar_one(),
        succeeded + failed,
        failed,
        sum(day.open for day in days),
        parts.rate(succeeded, succeeded + failed),
        sum(sizes) if sizes else None,
        *_percentiles(connection, scope, conditions, exact=exact),
    ]


def _is_exact(connection: Connection, *scopes: Scope | None) -> bool:
    """Say whether percentiles of all these are exact: those that are compared are made alike."""
    return not any(
        scope is not None and totals.suffice(scope) and totals.are_many(connection, scope)
        for scope in scopes
    )


def _percentiles(
    connection: Connection,
    scope: Scope,
    conditions: list[sa.ColumnElement[bool]],
    *,
    exact: bool,
) -> list[int | None]:
    """Return median and p95 of sizes, and of durations."""
    asked = [(measure, percent) for measure in (SIZE, DURATION) for percent in (MEDIAN, P95)]
    if not exact:
        drawn = dict(zip((SIZE, DURATION), totals.measures(connection, scope), strict=True))
        return [drawn[measure].percentile(percent) for measure, percent in asked]
    values = {measure: tables.job.c[measure] for measure in (SIZE, DURATION)}
    scoped = parts.scoped(tables.job, (), values, conditions, values)
    columns = [parts.percentile(scoped, *one).label(f"p{n}") for n, one in enumerate(asked)]
    return list(connection.execute(parts.summary(scoped, *columns)).one())


def _expected(connection: Connection, now: Scope, then: Scope | None) -> Iterator[SummaryRow]:
    whole = now if then is None else replace(now, since=then.since)
    first = now.since or ""
    found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for _, expectations in judged.walk(connection, whole):
        for one in expectations:
            found[iso(one.day) < first][one.outcome] += 1
    told, before = (
        (number.total(), number.total() - number[MET], parts.rate(number[MET], number.total()))
        for number in found
    )
    ways = ", ".join(f"{found[0][way]:,} {way}" for way in MISSED if found[0][way])
    names = (("days", _COUNT, None), ("missed", _COUNT, ways or None), ("met rate", _RATIO, None))
    for place, (name, kind, detail) in enumerate(names):
        earlier = None if then is None else before[place]
        yield _row("expected", name, kind, told[place], earlier, detail)


def _late(states: list[recency.RecencyRow]) -> Iterator[SummaryRow]:
    for row in islice((row for row in states if row.state != OK), NAMED):
        end = "no success" if row.success_end_time is None else _moment(row.success_end_time)
        yield SummaryRow(
            "not recent", row.appliance, _SECONDS, row.age_seconds, detail=f"{row.state}: {end}"
        )


def _struck(connection: Connection, scope: Scope) -> list[streaks.StreaksRow]:
    """Return the appliances whose backups have failed so often at the end of a scope."""
    until = replace(scope, since=None)
    failing = streaks.failing(connection, until)
    if not failing:
        return []
    rows = streaks.select(connection, replace(until, appliances=(), named=failing))
    return [row for row in rows if row.streak >= STRIKE]


def _strikes(struck: list[streaks.StreaksRow]) -> Iterator[SummaryRow]:
    for row in struck[:NAMED]:
        since = _moment(row.since_time or "")
        detail = f"since {since}; last good: {row.last_good or 'none'}"
        yield SummaryRow("strikes", row.appliance, _COUNT, row.streak, detail=detail)


def _slowest(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    job, appliance = tables.job, tables.appliance
    duration = job.c.duration_seconds
    query = (
        sa.select(appliance.c.name, duration, job.c.key)
        .join_from(job, appliance, job.c.appliance_id == appliance.c.id)
        .where(
            job.c.status == "SUCCEEDED",
            duration.is_not(None),
            *parts.conditions(scope, scope.appliance_ids(connection)),
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
        age = None if at is None or at > scope.now else freshness.seconds_between(at, scope.now)
        yield SummaryRow(
            "newest failures", row.appliance, _SECONDS, age, detail=row.message or row.key
        )


def _coverage(connection: Connection, scope: Scope) -> Iterator[SummaryRow]:
    rows = list(coverage.select(connection, scope))
    heard = [row for row in rows if row.last_seen is not None]
    if heard:
        latest = max(heard, key=lambda row: row.last_seen or "")
        detail = _moment(latest.last_seen or "")
        yield SummaryRow("coverage", "last delivery", _SECONDS, latest.age_seconds, detail=detail)
    unheard = silent(connection, scope)
    named = ", ".join(row.appliance for row in unheard[:NAMED])
    yield SummaryRow("coverage", "silent", _COUNT, len(unheard), detail=named or None)
    gaps = sum(row.long_gaps for row in rows)
    yield SummaryRow("coverage", "long gaps", _COUNT, gaps, detail="between deliveries")
    held = sum(row.quarantined for row in rows)
    yield SummaryRow("coverage", "quarantined", _COUNT, held, detail="documents")


def silent(connection: Connection, scope: Scope) -> list[coverage.CoverageRow]:
    """Return the appliances that are silent as of now, who was heard of longest ago first."""
    found = [row for row, is_silent in recently_heard(connection, scope) if is_silent]
    return sorted(found, key=lambda row: row.last_seen or "")


def recently_heard(connection: Connection, scope: Scope) -> list[tuple[coverage.CoverageRow, bool]]:
    """Return what `coverage` says of the last HEARD_DAYS days, and whether each appliance is silent.

    So is one that has never answered. It does not depend on which days are looked at: a few tell of
    no usual gap.
    """
    calendar = settings.calendar(connection)
    first = max(ordinal(calendar.day(scope.now)) - HEARD_DAYS, 1)
    begun = start(calendar, first)
    rows = coverage.select(connection, replace(scope, since=iso(first), until=None))
    return [(row, bool(row.silent) or (row.last_seen or "") < begun) for row in rows]


def _moment(instant: str) -> str:
    return f"{instant[:10]} {instant[11:19]}Z"


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    now, then = _scopes(connection, scope)
    calendar = settings.calendar(connection)
    compared = "" if then is None else f", compared with {then.since} to {then.until}"
    exact = "exact (nearest rank)" if _is_exact(connection, now, then) else "within 1 %"
    yield (
        f"{now.since} to {now.until}{compared}; days start at {calendar.day_start} {calendar.zone};"
        f" percentiles are {exact}. Attention and ages are as of {_moment(scope.now)}."
    )


REPORT = Listing(
    "summary",
    "How is the fleet, at a glance, and how was it before?",
    (
        Column("section"),
        Column("name"),
        Column("kind"),
        Column("value", kind_in="kind"),
        Column("before", kind_in="kind"),
        Column("change", kind_in="kind"),
        Column("detail"),
    ),
    select,
    tally.EXPECTING | {"objective_seconds"},
    explain=_explain,
)
