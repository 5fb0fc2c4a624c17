"""The figures of `summary`: those of the jobs in a period, compared with the period before.

Counts and sums are those of the report `volume`, day by day. Percentiles are exact for few jobs; of
many they come from the sketches of day totals, within 1 %. Expected backups are counted by the day
on which they were due.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from archive.calendar import ordinal
from archive.columns import Kind
from archive.db import tables
from archive.judgement.expected import MET, MISSED
from archive.judgement.success_rate import is_far_below
from archive.reports import volume
from archive.reports.core import expected_backups, filters, from_months, from_totals, sql
from archive.reports.core.sql import DURATION, MEDIAN, P95, SIZE
from archive.reports.core.trend import Trend
from archive.reports.core.unknown_statuses import unknown_statuses
from archive.reports.summary_row import SummaryRow, row
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_COUNT, _RATIO, _BYTES, _SECONDS = Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS

# Jobs whose status is not a documented one: a row only if there are any.
OTHER = "other"
SUCCESS_RATE = "success rate"
# Section, name and kind of the figures, in the order of `_values`.
_FIGURES = (
    ("backups", "appliances", _COUNT),
    ("backups", "finished", _COUNT),
    ("backups", "failed", _COUNT),
    ("backups", "open", _COUNT),
    ("backups", OTHER, _COUNT),
    ("backups", SUCCESS_RATE, _RATIO),
    ("data", "transferred", _BYTES),
    ("data", "median", _BYTES),
    ("data", "p95", _BYTES),
    ("time", "median", _SECONDS),
    ("time", "p95", _SECONDS),
)


def trend_of(connection: Connection, scope: Scope) -> Trend:
    """Return the days of a scope up to today (at least its first day) as a trend."""
    first, last = ordinal(scope.since or ""), ordinal(scope.until or "")
    today = ordinal(settings.calendar(connection).day(scope.now))
    return Trend(first, max(first, min(last, today)))


def figures(
    connection: Connection, now: Scope, then: Scope | None, trend: Trend
) -> Iterator[SummaryRow]:
    """Yield the figures of the jobs in scope `now` with their trends, compared with scope `then`."""
    exact = is_exact(connection, now, then)
    days = _days(connection, now)
    values = _values(connection, now, days, exact=exact)
    before: list[float | None] = [None] * len(values)
    is_low = False
    if then is not None:
        days_before = _days(connection, then)
        before = _values(connection, then, days_before, exact=exact)
        is_low = is_far_below(_failures(days), _failures(days_before))
    finished, succeeded, failed, transferred = (
        {ordinal(day.period): getattr(day, name) or 0 for day in days}
        for name in ("finished", "succeeded", "failed", "size_total_bytes")
    )
    trends = {
        ("backups", "finished"): trend.sums(finished),
        ("backups", "failed"): trend.sums(failed),
        ("backups", SUCCESS_RATE): trend.rates(succeeded, finished),
        ("data", "transferred"): trend.sums(transferred),
    }
    for (section, name, kind), value, earlier in zip(_FIGURES, values, before, strict=True):
        if name == OTHER and not (value or earlier):
            continue
        found = row(section, name, kind, value, earlier, trend=trends.get((section, name)))
        if name == OTHER:
            found = found._replace(detail=_other_statuses(connection, now))
        yield found._replace(problem=name == SUCCESS_RATE and is_low)


def _failures(days: list[volume.VolumeRow]) -> tuple[int, int]:
    """Return the numbers of failed and of finished backups."""
    return sum(day.failed for day in days), sum(day.finished for day in days)


def _other_statuses(connection: Connection, scope: Scope) -> str | None:
    """Return the unknown statuses of the jobs in scope."""
    return ", ".join(sorted({one.status for one in unknown_statuses(connection, scope)})) or None


def _days(connection: Connection, scope: Scope) -> list[volume.VolumeRow]:
    """Return the sums of the jobs by day, for days with any."""
    found = volume.REPORT.run(connection, replace(scope, period="day"))
    return list(map(volume.VolumeRow._make, found))


def _values(
    connection: Connection, scope: Scope, days: list[volume.VolumeRow], *, exact: bool
) -> list[float | None]:
    """Return the values of `_FIGURES` for the jobs in scope."""
    appliances = scope.appliance_ids(connection)
    conditions = filters.of_jobs(scope, appliances)
    succeeded, failed = (
        sum(getattr(day, name) for day in days) for name in ("succeeded", "failed")
    )
    sizes = [day.size_total_bytes for day in days if day.size_total_bytes is not None]
    return [
        connection.execute(from_months.appliances(scope, appliances)).scalar_one(),
        succeeded + failed,
        failed,
        sum(day.open for day in days),
        sum(day.other for day in days),
        sql.rate(succeeded, succeeded + failed),
        sum(sizes) if sizes else None,
        *_percentiles(connection, scope, conditions, exact=exact),
    ]


def is_exact(connection: Connection, *scopes: Scope | None) -> bool:
    """Return whether percentiles are exact; those that are compared are computed alike.

    Exact and approximate percentiles of two periods would differ by their precision alone.
    """
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
    """Return the median and p95 of sizes and durations."""
    wanted = [(measure, percent) for measure in (SIZE, DURATION) for percent in (MEDIAN, P95)]
    if not exact:
        sketches = from_totals.measures(connection, scope)
        by_measure = {SIZE: sketches.sizes, DURATION: sketches.durations}
        return [by_measure[measure].percentile(percent) for measure, percent in wanted]
    values = {measure: tables.job.c[measure] for measure in (SIZE, DURATION)}
    scoped = sql.scoped(tables.job, (), values, conditions, values)
    columns = [sql.percentile(scoped, *one).label(f"p{n}") for n, one in enumerate(wanted)]
    return list(connection.execute(sql.summary(scoped, *columns)).one())


def expected(
    connection: Connection, now: Scope, then: Scope | None, trend: Trend
) -> Iterator[SummaryRow]:
    """Yield the numbers of expected and missed backups in the same days, and the compliance.

    Both periods are judged as of the same instant.
    """
    # Both periods at once, since the earlier one ends where the other begins.
    whole = now if then is None else replace(now, since=then.since)
    first = ordinal(now.since or "")
    outcomes: Counter[str] = Counter()
    outcomes_before: Counter[str] = Counter()
    days: Counter[int] = Counter()
    met: Counter[int] = Counter()
    for day, numbers in expected_backups.by_day(connection, whole).items():
        (outcomes_before if day < first else outcomes).update(numbers)
        days[day] += numbers.total()
        met[day] += numbers[MET]
    # Of what was missed: how many of each kind.
    ways = ", ".join(f"{outcomes[way]:,} {way}" for way in MISSED if outcomes[way])
    names = (
        ("backups", _COUNT, None, trend.sums(days)),
        ("missed", _COUNT, ways or None, trend.sums(days - met)),
        ("schedule compliance", _RATIO, None, trend.rates(met, days)),
    )
    before = (None,) * len(names) if then is None else _compliance(outcomes_before)
    for (name, kind, detail, steps), value, earlier in zip(
        names, _compliance(outcomes), before, strict=True
    ):
        yield row("expected", name, kind, value, earlier, trend=steps, detail=detail)


def _compliance(outcomes: Counter[str]) -> tuple[int, int, float | None]:
    """Return the numbers of expected and missed backups, and the share that was met.

    The share is None if nothing was expected.
    """
    number, met = outcomes.total(), outcomes[MET]
    return number, number - met, sql.rate(met, number)
