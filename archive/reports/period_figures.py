"""What the jobs of some days add up to, beside those of the days before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.columns import Kind
from archive.db import tables
from archive.judgement.expected import MET, MISSED
from archive.judgement.schedules import ordinal
from archive.reports import volume
from archive.reports.core import expected_backups, from_totals, sql
from archive.reports.core.sql import DURATION, MEDIAN, P95, SIZE
from archive.reports.core.trend import Trend
from archive.reports.summary_row import SummaryRow, row
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_COUNT, _RATIO, _BYTES, _SECONDS = Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS

# The figures of the jobs, in the order of `_told`.
_FIGURES = (
    ("backups", "appliances", _COUNT),
    ("backups", "finished", _COUNT),
    ("backups", "failed", _COUNT),
    ("backups", "open", _COUNT),
    ("backups", "success rate", _RATIO),
    ("data", "transferred", _BYTES),
    ("data", "median", _BYTES),
    ("data", "p95", _BYTES),
    ("time", "median", _SECONDS),
    ("time", "p95", _SECONDS),
)


def trend_of(connection: Connection, scope: Scope) -> Trend:
    """Return the days of a scope that are no days to come, if any are not."""
    first, last = ordinal(scope.since or ""), ordinal(scope.until or "")
    today = ordinal(settings.calendar(connection).day(scope.now))
    return Trend(first, max(first, min(last, today)))


def figures(
    connection: Connection, now: Scope, then: Scope | None, trend: Trend
) -> Iterator[SummaryRow]:
    """Yield the figures of the jobs of a scope, which `trend` tells, and of the one before."""
    exact = is_exact(connection, now, then)
    days = _days(connection, now)
    told = _told(connection, now, days, exact=exact)
    before: list[float | None] = [None] * len(told)
    if then is not None:
        before = _told(connection, then, _days(connection, then), exact=exact)
    finished, succeeded, failed, moved = (
        {ordinal(day.period): getattr(day, name) or 0 for day in days}
        for name in ("finished", "succeeded", "failed", "size_total_bytes")
    )
    trends = {
        ("backups", "finished"): trend.sums(finished),
        ("backups", "failed"): trend.sums(failed),
        ("backups", "success rate"): trend.rates(succeeded, finished),
        ("data", "transferred"): trend.sums(moved),
    }
    for place, figure in enumerate(_FIGURES):
        yield row(*figure, told[place], before[place], trend=trends.get(figure[:2]))


def _days(connection: Connection, scope: Scope) -> list[volume.VolumeRow]:
    """Return what the jobs of each day of a scope add up to, of days that have any."""
    found = volume.REPORT.run(connection, replace(scope, period="day"))
    return list(map(volume.VolumeRow._make, found))


def _told(
    connection: Connection, scope: Scope, days: list[volume.VolumeRow], *, exact: bool
) -> list[float | None]:
    """Return the figures of a scope's jobs."""
    job = tables.job
    conditions = sql.conditions(scope, scope.appliance_ids(connection))
    distinct = sa.select(sa.func.count(job.c.appliance_id.distinct())).where(*conditions)
    succeeded, failed = (
        sum(getattr(day, name) for day in days) for name in ("succeeded", "failed")
    )
    sizes = [day.size_total_bytes for day in days if day.size_total_bytes is not None]
    return [
        connection.execute(distinct).scalar_one(),
        succeeded + failed,
        failed,
        sum(day.open for day in days),
        sql.rate(succeeded, succeeded + failed),
        sum(sizes) if sizes else None,
        *_percentiles(connection, scope, conditions, exact=exact),
    ]


def is_exact(connection: Connection, *scopes: Scope | None) -> bool:
    """Say whether percentiles of all these are exact: those that are compared are made alike."""
    return not any(
        scope is not None and from_totals.suffice(scope) and from_totals.are_many(connection, scope)
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
        drawn = dict(zip((SIZE, DURATION), from_totals.measures(connection, scope), strict=True))
        return [drawn[measure].percentile(percent) for measure, percent in asked]
    values = {measure: tables.job.c[measure] for measure in (SIZE, DURATION)}
    scoped = sql.scoped(tables.job, (), values, conditions, values)
    columns = [sql.percentile(scoped, *one).label(f"p{n}") for n, one in enumerate(asked)]
    return list(connection.execute(sql.summary(scoped, *columns)).one())


def expected(
    connection: Connection, now: Scope, then: Scope | None, trend: Trend
) -> Iterator[SummaryRow]:
    """Yield how many backups were expected, and missed, in the same days."""
    whole = now if then is None else replace(now, since=then.since)
    first = ordinal(now.since or "")
    found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    days: Counter[int] = Counter()
    met: Counter[int] = Counter()
    for _, expectations in expected_backups.walk(connection, whole):
        for one in expectations:
            found[one.day < first][one.outcome] += 1
            days[one.day] += 1
            met[one.day] += one.outcome == MET
    told, before = (
        (number.total(), number.total() - number[MET], sql.rate(number[MET], number.total()))
        for number in found
    )
    ways = ", ".join(f"{found[0][way]:,} {way}" for way in MISSED if found[0][way])
    names = (
        ("days", _COUNT, None, trend.sums(days)),
        ("missed", _COUNT, ways or None, trend.sums(days - met)),
        ("schedule compliance", _RATIO, None, trend.rates(met, days)),
    )
    for place, (name, kind, detail, went) in enumerate(names):
        earlier = None if then is None else before[place]
        yield row("expected", name, kind, told[place], earlier, trend=went, detail=detail)
