"""How long ago each appliance last backed up, against how long ago that may be."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import standing
from archive.judgement.expected import FIRST_DAY, GRACE_SECONDS
from archive.judgement.schedules import iso, longest_gap, ordinal, start
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OK, OVERDUE, Span
from archive.reports.core import compliance, expected_backups, job_order, sql
from archive.reports.core.report import Listing
from archive.reports.core.sql import DURATION, SIZE
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.judgement.expected import Known
    from archive.reports.core.scope import Scope

RPO, CADENCE, SCHEDULE, DEFAULT = "rpo", "cadence", "schedule", "default"
DEFAULT_SECONDS = 25 * 60 * 60
# Without a first day, the shares are of so many days.
_DAYS = 30
# Successes are found by the day on which they started; one that took longer than this is so only if
# it is the last.
_LONGEST_JOB_DAYS = 7
_SECONDS_A_DAY = 24 * 60 * 60
_WORST_FIRST = (NEVER, OVERDUE, NO_RECENT_DATA, OK)
_ROWS_AT_A_TIME = 1000


class RpoRow(NamedTuple):
    """An appliance as of now: `state` is OK, LATE, NEVER or NO_RECENT_DATA.

    The age is that of the end of the last success. The rates are of the period, as far as the archive
    has heard: of its time, and of its days, within the objective. None if there is nothing of it.
    """

    appliance: str
    state: str
    age_seconds: int | None
    objective_seconds: int
    objective_from: str
    success_start_time: str | None
    success_end_time: str | None
    attempt_start_time: str | None
    attempt_status: str | None
    last_seen: str
    time_rate: float | None
    days_rate: float | None


class Success(NamedTuple):
    """What the last success of an appliance, as the report has it, says of itself."""

    key: str
    size_bytes: int | None
    duration_seconds: int | None


class _Period(NamedTuple):
    """Days by ordinal, both included, and the time that they are."""

    first: int
    last: int
    span: Span


class _Objective(NamedTuple):
    seconds: int
    told_by: str


def select(connection: Connection, scope: Scope) -> Iterator[RpoRow]:
    """Yield the rows of the report, the worst first."""
    rows = sorted(
        _rows(connection, scope),
        key=lambda row: (_WORST_FIRST.index(row.state), -(row.age_seconds or 0), row.appliance),
    )
    return iter(rows)


def _rows(connection: Connection, scope: Scope) -> Iterator[RpoRow]:
    calendar, now = settings.calendar(connection), scope.now
    period = _period(calendar, scope)
    known = dict(expected_backups.appliances(connection, scope))
    objectives = {number: _objective(one, scope) for number, one in known.items()}
    longest = max((objective.seconds for objective in objectives.values()), default=0)
    ids = scope.appliance_ids(connection)
    latest = {row.id: row for row in connection.execute(_latest(calendar.day(now), now, ids))}
    found = connection.execute(
        _successes(period, longest, ids), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    for number, group in groupby(found, key=lambda row: row[0]):
        if number not in known:
            continue
        one, row, objective = known[number], latest[number], objectives[number]
        success, attempt = _times(row, "success", now), _times(row, "attempt", now)
        ends = {times.end for _, *job in group if (times := _read(now, *job)) is not None}
        end = None if success is None else success.end
        ends |= set() if end is None else {end}
        first = _times(row, "first", now)
        begun = one.first_seen if first is None else first.end
        span = Span(max(period.span.first, begun), min(period.span.until, one.last_seen, now))
        yield RpoRow(
            one.name,
            standing.state(end, objective.seconds, one.last_seen, now),
            None if end is None else standing.seconds_between(end, now),
            *objective,
            None if success is None else success.at,
            end,
            None if attempt is None else attempt.at,
            row.attempt_status,
            one.last_seen,
            *standing.shares(calendar, ends, objective.seconds, span),
        )


def successes(connection: Connection, scope: Scope) -> dict[str, Success]:
    """Return the last success of each appliance of a scope by name; one without any is left out."""
    calendar, now = settings.calendar(connection), scope.now
    names = {number: known.name for number, known in expected_backups.appliances(connection, scope)}
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
    today = ordinal(calendar.day(scope.now))
    last = today if scope.until is None else min(today, ordinal(scope.until))
    first = last - _DAYS + 1 if scope.since is None else ordinal(scope.since)
    first = max(FIRST_DAY, first)
    return _Period(first, last, Span(start(calendar, first), start(calendar, last + 1)))


def _objective(known: Known, scope: Scope) -> _Objective:
    if scope.objective_seconds is not None:
        return _Objective(scope.objective_seconds, RPO)
    if known.cadence_seconds is not None:
        return _Objective(known.cadence_seconds + GRACE_SECONDS, CADENCE)
    gap = longest_gap(known.schedules, scope.now)
    if gap is not None:
        return _Objective(gap * _SECONDS_A_DAY + GRACE_SECONDS, SCHEDULE)
    return _Objective(DEFAULT_SECONDS, DEFAULT)


class _Times(NamedTuple):
    """When a job started, or was made if it does not say, and when it ended."""

    at: str
    end: str


def _times(row: sa.Row[Any], which: str, now: str) -> _Times | None:
    """Return the times of one of the three jobs of `_latest`, if there is one."""
    return _read(now, *(getattr(row, f"{which}_{name}") for name in _JOB))


def _read(
    now: str, key: str | None, start_time: str | None, end_time: str | None, made: str | None
) -> _Times | None:
    """Return the times of a job, unless there is none or it is in the future.

    One that ends before it started ends then; what is still to end by its own word has ended now.
    """
    if key is None or made is None:
        return None
    at = job_order.began(start_time, key, made)
    return None if at > now else _Times(at, min(now, max(at, end_time or at)))


_JOB = ("key", "start_time", "end_time", "first_seen")
_MEASURES = (SIZE, DURATION)


def _of(query: sa.Select[Any], ids: sql.Ids) -> sa.Select[Any]:
    """Return what a SELECT says of some appliances, None for all of them."""
    return query if ids is None else query.where(sql.of_appliances(tables.appliance.c.id, ids))


def _latest(today: str, now: str, appliances: sql.Ids) -> sa.Select[Any]:
    """Return a row for each appliance: its last success, last attempt and first job.

    It walks the appliances, not the jobs.
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
    """Return what tells the ends of the successes that matter to a period, appliance by appliance.

    An appliance without any has a row of NULL.
    """
    appliance, job = tables.appliance, tables.job
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
    period = _period(settings.calendar(connection), scope)
    yield (
        f"Rates are of {iso(period.first)} to {iso(period.last)}, as far as the archive has heard;"
        f" where nothing says how often to back up, the objective is {DEFAULT_SECONDS // 3600} h."
    )


REPORT = Listing(
    "rpo",
    "How long ago did each appliance last back up, and is that recent enough?",
    (
        Column("appliance"),
        Column("state"),
        Column("age_seconds", Kind.SECONDS),
        Column("objective_seconds", Kind.SECONDS),
        Column("objective_from"),
        Column("success_start_time", Kind.INSTANT),
        Column("success_end_time", Kind.INSTANT),
        Column("attempt_start_time", Kind.INSTANT),
        Column("attempt_status"),
        Column("last_seen", Kind.INSTANT),
        Column("time_rate", Kind.RATIO),
        Column("days_rate", Kind.RATIO),
    ),
    select,
    compliance.EXPECTING | {"objective_seconds"},
    explain=_notes,
    charts=(Bars(("appliance",), ("age_seconds",), "objective_seconds"),),
)
