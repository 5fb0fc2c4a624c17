"""Find the expected backups of each appliance, match its jobs, and judge the outcomes."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import json_numbers
from archive.db import tables
from archive.judgement import habit
from archive.judgement.expected import FIRST_DAY, Expectation, Job, Known, begun, expected, judge
from archive.judgement.schedules import Schedule, Zone, iso, ordinal, weekdays
from archive.reports.core import sql
from archive.reports.core.job_order import began
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Days to read before and after the requested ones: the neighbouring due times are no further away
# than the longest gap.
_MARGIN = habit.LONGEST_GAP + 1
_COLUMNS = ("key", "day", "status", "type", "start_time")


class Appliance(NamedTuple):
    """An appliance: its id, and what is known about it besides its jobs."""

    id: int
    known: Known


class Judged(NamedTuple):
    """An appliance and its expected backups in scope, by day."""

    appliance: str
    expectations: list[Expectation]


def walk(connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any]) -> Iterator[Judged]:
    """Yield the appliances in scope by name, each with its expected backups and their outcomes.

    `columns` are selected for each job in addition to those that judging needs.
    """
    calendar = settings.calendar(connection)
    today = ordinal(calendar.day(scope.now))
    query = _jobs(columns)
    for number, known in appliances(connection, scope):
        margin = max(_MARGIN, (known.cadence_days or 0) + 1)
        since = FIRST_DAY if scope.since is None else max(FIRST_DAY, ordinal(scope.since))
        until = today if scope.until is None else min(today, ordinal(scope.until))
        if since > until:
            yield Judged(known.name, [])
            continue
        first, last = max(FIRST_DAY, since - margin), min(until + margin, today + 1)
        bounds = {"appliance": number, "first": iso(first), "last": iso(last)}
        jobs = _in_order(connection.execute(query, bounds), scope.now)
        slots = expected(calendar, known, jobs, begun(calendar, known, first), last)
        found = judge(calendar, slots, jobs, known.last_seen, scope.now)
        yield Judged(known.name, [one for one in found if since <= one.day <= until])


def _jobs(columns: Sequence[sa.ColumnElement[Any]]) -> sa.Select[Any]:
    """Return the SELECT of an appliance's jobs in a range of days, plus the days that show its habit."""
    job = tables.job
    of_appliance = job.c.appliance_id == sa.bindparam("appliance", type_=sa.BigInteger)
    first = sa.bindparam("first", type_=job.c.day.type)
    lead = (
        sa.select(job.c.day)
        .distinct()
        .where(of_appliance, job.c.day >= iso(FIRST_DAY), job.c.day < first)
        .order_by(job.c.day.desc())
        .limit(1)
        .offset(habit.DAYS - 1)
        .scalar_subquery()
    )
    own = [job.c[name] for name in _COLUMNS]
    # Reading an instant is slower than all other columns together; only jobs without a start need it.
    made = sa.case((job.c.start_time.is_(None), job.c.first_seen)).label("made")
    return sa.select(*own, made, *columns).where(
        of_appliance,
        job.c.day >= sa.func.coalesce(lead, sa.literal(iso(FIRST_DAY), job.c.day.type)),
        job.c.day <= sa.bindparam("last", type_=job.c.day.type),
    )


def _in_order(rows: sa.CursorResult[Any], now: str) -> list[Job]:
    """Return the jobs in order of their start, without those in the future."""
    jobs: list[Job] = []
    found: Sequence[Sequence[Any]] = rows.all()
    for row in found:
        key, day, status, kind, start_time, made, *_ = row
        at = began(start_time, key, made)
        if at <= now:
            jobs.append(Job(at, key, ordinal(day), status, kind == "SCHEDULED", row))
    jobs.sort(key=itemgetter(0, 1))
    return jobs


def appliances(connection: Connection, scope: Scope) -> Iterator[Appliance]:
    """Yield the appliances in scope, ordered by name."""
    table, job = tables.appliance, tables.job
    today = settings.calendar(connection).day(scope.now)
    first_day = (
        sa.select(sa.func.min(job.c.day))
        .where(
            job.c.appliance_id == table.c.id,
            job.c.day >= iso(FIRST_DAY),
            job.c.day <= sa.literal(today, job.c.day.type),
        )
        .scalar_subquery()
    )
    columns = (table.c.id, table.c.name, table.c.first_seen, table.c.last_seen)
    query = sa.select(*columns, first_day.label("first_day"))
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(sql.of_appliances(table.c.id, ids))
    found = connection.execute(query.order_by(table.c.name)).all()
    schedules, zones = _schedules(connection), _zones(connection)
    cadences = dict(scope.cadences)
    for row in found:
        known = Known(
            row.name,
            row.first_seen,
            row.last_seen,
            None if row.first_day is None else ordinal(row.first_day),
            tuple(schedules.get(row.id, ())),
            tuple(zones.get(row.id, ())),
            cadences.get(row.name),
        )
        yield Appliance(row.id, known)


def _schedules(connection: Connection) -> dict[int, list[Schedule]]:
    """Return the history of schedules by appliance id."""
    table = tables.schedule
    names = ("first_seen", "ended_at", "enabled", "hour", "minute")
    query = sa.select(table.c.appliance_id, *(table.c[name] for name in names), table.c.days)
    found: dict[int, list[Schedule]] = {}
    for row in connection.execute(query):
        days = weekdays(None if row.days is None else json_numbers.loads(row.days))
        schedule = Schedule(row.first_seen, row.ended_at, row.enabled, row.hour, row.minute, days)
        found.setdefault(row.appliance_id, []).append(schedule)
    return found


def _zones(connection: Connection) -> dict[int, list[Zone]]:
    """Return the history of time zones by appliance id, oldest first."""
    table = tables.system_time_zone
    query = sa.select(
        table.c.appliance_id, table.c.first_seen, table.c.ended_at, table.c.time_zone
    ).order_by(table.c.appliance_id, table.c.first_seen)
    found: dict[int, list[Zone]] = {}
    for row in connection.execute(query):
        zone = Zone(row.first_seen, row.ended_at, row.time_zone)
        found.setdefault(row.appliance_id, []).append(zone)
    return found
