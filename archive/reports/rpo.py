"""The age of the last success of each appliance, compared with its RPO.

The due times, the RPO and the last import are the stored judgement; successes and attempts are
looked up in the jobs. `archive.judgement.standing` has the rules.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import FIRST_DAY, iso, ordinal, start
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import standing
from archive.judgement.standing import (
    IRREGULAR,
    RETIRED,
    SET,
    STATES,
    Age,
    Rpo,
    Span,
)
from archive.reports.core import compliance, expected_backups, job_order, sql
from archive.reports.core.report import Listing
from archive.reports.core.sql import DURATION, SIZE
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.reports.core.scope import Scope

# Without a first day, the rates cover this many days.
_DAYS = 30
# Successes are found by the day of their start. One that took longer than this counts only if it is the
# last.
_LONGEST_JOB_DAYS = 7
_SECONDS_A_DAY = 24 * 60 * 60
_ROWS_AT_A_TIME = 1000


class RpoRow(NamedTuple):
    """An appliance as of now: `state` is OK, OVERDUE, NEVER, NO_RECENT_DATA or RETIRED.

    `age_seconds` counts from the end of the last success. Without `--rpo`, the RPO is the longest time
    between two expected backups, and None where none is expected. `overdue_since_time` is the due time
    of the first missed backup. `time_rate` and `days_rate` are the shares of the period's time and days
    within the RPO, up to the last import; None without any.

    Instants are fixed-width UTC texts. `rpo_from` is where the RPO comes from: see
    `judgement.standing`.
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
    last_seen: str
    time_rate: float | None
    days_rate: float | None


class Success(NamedTuple):
    """The last success of an appliance, by the rules of the report."""

    key: str
    size_bytes: int | None
    duration_seconds: int | None


class _Period(NamedTuple):
    """A range of days (ordinals, both included) and its instants."""

    first: int
    last: int
    span: Span


def select(connection: Connection, scope: Scope) -> Iterator[RpoRow]:
    """Yield the rows of the report, worst first."""
    rows = sorted(
        _rows(connection, scope),
        key=lambda row: (STATES.index(row.state), -(row.age_seconds or 0), row.appliance),
    )
    return iter(rows)


def _rows(connection: Connection, scope: Scope) -> Iterator[RpoRow]:
    calendar, now = settings.calendar(connection), scope.now
    period = _period(calendar, scope)
    known = {one.id: one for one in expected_backups.standings(connection, scope)}
    rpos = {number: _rpo(one.rpo, scope) for number, one in known.items()}
    longest = max((rpo.seconds or 0 for rpo in rpos.values()), default=0)
    ids = scope.appliance_ids(connection)
    latest = {row.id: row for row in connection.execute(_latest(calendar.day(now), now, ids))}
    found = connection.execute(
        _successes(period, longest, ids), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    for number, group in groupby(found, key=attrgetter("id")):
        if number not in known:
            continue
        one, row, rpo = known[number], latest[number], rpos[number]
        success, attempt = _times(row, "success", now), _times(row, "attempt", now)
        ends = {times.end for _, *job in group if (times := _read(now, *job)) is not None}
        end = None if success is None else success.end
        # The last success counts however long it took.
        ends |= set() if end is None else {end}
        age = Age(end, rpo.seconds if rpo.source in (SET, IRREGULAR) else None)
        first = _times(row, "first", now)
        begun = one.first_seen if first is None else first.end
        # Nothing is known before the first job or after the last import.
        span = Span(max(period.span.first, begun), min(period.span.until, one.last_seen, now))
        yield RpoRow(
            one.name,
            RETIRED
            if one.is_retired(now)
            else standing.state(age, one.overdue_since, one.last_seen, now, one.import_due),
            None if end is None else standing.seconds_between(end, now),
            *rpo,
            None if success is None else success.at,
            end,
            None if attempt is None else attempt.at,
            row.attempt_status,
            one.overdue_since,
            one.next_due,
            one.last_seen,
            *standing.shares(calendar, ends, rpo.seconds, span),
        )


def successes(connection: Connection, scope: Scope) -> dict[str, Success]:
    """Return the last success of each appliance in scope by name, if it has one.

    It is by the same rules as in the rows, so that two surfaces never show two last successes.
    """
    calendar, now = settings.calendar(connection), scope.now
    names = {one.id: one.name for one in expected_backups.standings(connection, scope)}
    return {
        names[row.id]: Success(
            row.success_key, row.success_size_bytes, row.success_duration_seconds
        )
        for row in connection.execute(
            _latest(calendar.day(now), now, scope.appliance_ids(connection))
        )
        if row.id in names and _times(row, "success", now) is not None
    }


def _period(calendar: Calendar, scope: Scope) -> _Period:
    """Return the days that the rates cover, at most up to today."""
    today = ordinal(calendar.day(scope.now))
    last = today if scope.until is None else min(today, ordinal(scope.until))
    first = last - _DAYS + 1 if scope.since is None else ordinal(scope.since)
    first = max(FIRST_DAY, first)
    return _Period(first, last, Span(start(calendar, first), start(calendar, last + 1)))


def _rpo(derived: Rpo, scope: Scope) -> Rpo:
    """Return the RPO of an appliance: that of `--rpo`, if it is given, takes the place of any other."""
    return derived if scope.rpo_seconds is None else Rpo(scope.rpo_seconds, SET)


class _Times(NamedTuple):
    """The start of a job, as well as it is known, and its end."""

    at: str
    end: str


def _times(row: sa.Row[Any], which: str, now: str) -> _Times | None:
    """Return the times of one of the three jobs in a row of `_latest`; None without it."""
    return _read(now, *(getattr(row, f"{which}_{name}") for name in _JOB))


def _read(
    now: str, key: str | None, start_time: str | None, end_time: str | None, made: str | None
) -> _Times | None:
    """Return the times of a job; None if there is none or it is in the future.

    The end is never before the start, and never after `now`.
    """
    if key is None or made is None:
        return None
    at = job_order.began(start_time, key, made)
    return None if at > now else _Times(at, min(now, max(at, end_time or at)))


_JOB = ("key", "start_time", "end_time", "first_seen")
_MEASURES = (SIZE, DURATION)


def _of(query: sa.Select[Any], ids: sql.Ids) -> sa.Select[Any]:
    """Return a SELECT limited to some appliances, None for all of them."""
    return query if ids is None else query.where(sql.of_appliances(tables.appliance.c.id, ids))


def _latest(today: str, now: str, appliances: sql.Ids) -> sa.Select[Any]:
    """Return a row for each appliance: its last success, last attempt and first job.

    The query looks up three jobs for each appliance.
    """
    appliance, job = tables.appliance, tables.job
    orders = {
        "success": (job.c.day.desc(), job.c.start_time.desc().nulls_last(), job.c.key.desc()),
        "attempt": (job.c.day.desc(), job.c.start_time.desc().nulls_last(), job.c.key.desc()),
        "first": (job.c.day, job.c.start_time.nulls_last(), job.c.key),
    }
    ids = []
    for which, order in orders.items():
        query = sa.select(job.c.id).where(
            job.c.appliance_id == appliance.c.id,
            job.c.day >= sa.literal(iso(FIRST_DAY), job.c.day.type),
            job.c.day <= sa.literal(today, job.c.day.type),
            sa.or_(job.c.start_time.is_(None), job.c.start_time <= now),
        )
        if which == "success":
            query = query.where(job.c.status == "SUCCEEDED")
        ids.append(query.order_by(*order).limit(1).scalar_subquery().label(f"{which}_id"))
    found = _of(sa.select(appliance.c.id, *ids), appliances).cte("found")
    source: sa.FromClause = found
    columns: list[sa.ColumnElement[Any]] = [found.c.id]
    for which in orders:
        one = job.alias(which)
        source = source.outerjoin(
            one, (one.c.appliance_id == found.c.id) & (one.c.id == found.c[f"{which}_id"])
        )
        names = (*_JOB, "status", *_MEASURES)
        columns += [one.c[name].label(f"{which}_{name}") for name in names]
    return sa.select(*columns).select_from(source)


def _successes(period: _Period, longest: int, appliances: sql.Ids) -> sa.Select[Any]:
    """Return the successes that matter to a period, ordered by appliance id.

    An appliance without any has one row of NULL.
    """
    appliance, job = tables.appliance, tables.job
    # A success before the period may still cover its beginning.
    first = period.first - longest // _SECONDS_A_DAY - 1 - _LONGEST_JOB_DAYS
    theirs = sa.and_(
        job.c.appliance_id == appliance.c.id,
        job.c.status == "SUCCEEDED",
        job.c.day >= sa.literal(iso(max(FIRST_DAY, first)), job.c.day.type),
        job.c.day <= sa.literal(iso(period.last), job.c.day.type),
    )
    columns = [job.c[name] for name in _JOB]
    query = sa.select(appliance.c.id, *columns).outerjoin_from(appliance, job, theirs)
    return _of(query, appliances).order_by(appliance.c.id)


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the days that the rates cover."""
    period = _period(settings.calendar(connection), scope)
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
        Column("last_seen", Kind.INSTANT, expendable=8),
        Column("time_rate", Kind.RATIO, expendable=7),
        Column("days_rate", Kind.RATIO, expendable=8),
    ),
    select,
    compliance.EXPECTING | {"rpo_seconds"},
    explain=_notes,
    charts=(Bars(("appliance",), ("age_seconds",), "rpo_seconds"),),
)
