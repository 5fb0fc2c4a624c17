"""What judging an appliance needs: its schedules, time zones and jobs, as the archive has them."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import json_numbers
from archive.calendar import FIRST_DAY, iso, key_stamp, ordinal
from archive.db import tables
from archive.judgement import habit
from archive.judgement.clock import DAY, clock, seconds
from archive.judgement.expected import Job, Known
from archive.judgement.schedules import Schedule, Zone, minute, weekdays
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar

# A job that starts so much later than it was first seen has the time of a wrong clock: it is not judged.
_WRONG_CLOCK = DAY
# Habits are learned from a week's start on, and judging begins a little earlier than asked for.
_BEFORE = 10
_SUCCESSES = 12
# Due times shortly before the first day decide which of them a job meets.
_MARGIN = 4
_COLUMNS = ("id", "key", "status", "type", "start_time", "end_time", "first_seen")


class Appliance(NamedTuple):
    """An appliance: its name, when it was imported first and last, and what is known for judging it.

    `rpo_seconds` is the RPO that was configured, if one was.
    """

    id: int
    name: str
    first_seen: str
    last_seen: str
    rpo_seconds: int | None
    known: Known


class Jobs(NamedTuple):
    """The jobs of an appliance from a day on in the order of their start, when they began, rows by id."""

    first_day: int
    judged: list[Job]
    began: list[str]
    rows: dict[int, sa.Row[Any]]


def appliances(
    connection: Connection,
    calendar: Calendar,
    ids: Collection[int] | None = None,
) -> Iterator[Appliance]:
    """Yield appliances, all or those of `ids`, ordered by name."""
    table = tables.appliance
    schedules, zones = _schedules(connection, ids), _zones(connection, ids)
    names = (
        "id",
        "name",
        "first_seen",
        "last_seen",
        "cadence_seconds",
        "rpo_seconds",
        "retired_at",
    )
    query = sa.select(*(table.c[name] for name in names))
    for row in sorted(_of(connection, query, table.c.id, ids), key=lambda row: row.name):
        known = Known(
            tuple(schedules.get(row.id, ())),
            tuple(zones.get(row.id, ())),
            clock(calendar.zone),
            row.cadence_seconds,
            seconds(row.first_seen),
            None if row.retired_at is None else seconds(row.retired_at),
        )
        yield Appliance(row.id, row.name, row.first_seen, row.last_seen, row.rpo_seconds, known)


def jobs(
    connection: Connection,
    appliance_id: int,
    first_day: int,
    now: str | None,
    columns: Sequence[sa.ColumnElement[Any]] = (),
    *,
    with_habit: bool = True,
) -> Jobs:
    """Return the jobs from a day (ordinal) on, and those before it that show the habit.

    Jobs that start after `now`, if it is given, are left out. `columns` are selected besides those of the judgement.
    """
    job = tables.job
    lead = max(first_day - _MARGIN, FIRST_DAY)
    if with_habit:
        lead = _lead(connection, appliance_id, first_day)
    query = sa.select(*(job.c[name] for name in _COLUMNS), *columns).where(
        job.c.appliance_id == appliance_id, job.c.day >= sa.literal(iso(lead), job.c.day.type)
    )
    found = []
    rows: dict[int, sa.Row[Any]] = {}
    for row in connection.execute(query):
        at = began(row)
        if (now is None or at <= now) and seconds(at) <= seconds(row.first_seen) + _WRONG_CLOCK:
            rows[row.id] = row
            found.append((at, row.key, row.id, row.status, row.type))
    found.sort(key=itemgetter(0, 1))
    judged = [
        Job(seconds(at), number, status, kind == "SCHEDULED")
        for at, _, number, status, kind in found
    ]
    return Jobs(lead, judged, [at for at, *_ in found], rows)


def began(row: Any) -> str:
    """Return the best known start of a job, by the rule that also determines its day."""
    return str(row.start_time or key_stamp(row.key) or row.first_seen)


def latest_successes(connection: Connection, appliance_id: int, now: str | None) -> list[int]:
    """Return the starts (seconds) of the latest successes of an appliance, in order."""
    job = tables.job
    rows = connection.execute(
        sa.select(job.c.key, job.c.start_time, job.c.first_seen)
        .where(
            job.c.appliance_id == appliance_id,
            job.c.status == "SUCCEEDED",
            job.c.day >= sa.literal(iso(FIRST_DAY), job.c.day.type),
        )
        .order_by(job.c.day.desc())
        .limit(_SUCCESSES)
    )
    starts = map(began, rows)
    return sorted(seconds(at) for at in starts if now is None or at <= now)


def _lead(connection: Connection, appliance_id: int, first_day: int) -> int:
    """Return the first day whose jobs show the habit as of a day."""
    job = tables.job
    if first_day <= FIRST_DAY:
        return FIRST_DAY
    days = (
        connection.execute(
            sa.select(job.c.day)
            .where(
                job.c.appliance_id == appliance_id,
                job.c.day < sa.literal(iso(first_day - _BEFORE), job.c.day.type),
                job.c.day >= sa.literal(iso(FIRST_DAY), job.c.day.type),
            )
            .order_by(job.c.day.desc())
            .limit(habit.FEWEST)
        )
        .scalars()
        .all()
    )
    if not days:
        return FIRST_DAY
    return max(min(ordinal(days[-1]), ordinal(days[0]) - habit.WINDOW) - 1, FIRST_DAY)


def _of(
    connection: Connection,
    query: sa.Select[Any],
    column: sa.Column[int],
    ids: Collection[int] | None,
) -> Iterator[sa.Row[Any]]:
    """Yield the rows of a SELECT, all or those of some appliances."""
    if ids is None:
        yield from connection.execute(query)
        return
    for chunk in chunks(ids):
        yield from connection.execute(query.where(column.in_(chunk)))


def _schedules(connection: Connection, ids: Collection[int] | None) -> dict[int, list[Schedule]]:
    """Return the history of schedules by appliance id."""
    table = tables.schedule
    names = ("appliance_id", "first_seen", "ended_at", "enabled", "hour", "minute", "days")
    query = sa.select(*(table.c[name] for name in names))
    found: dict[int, list[Schedule]] = {}
    for row in _of(connection, query, table.c.appliance_id, ids):
        schedule = Schedule(
            seconds(row.first_seen),
            None if row.ended_at is None else seconds(row.ended_at),
            row.enabled,
            minute(row.hour, row.minute),
            weekdays(None if row.days is None else json_numbers.loads(row.days)),
        )
        found.setdefault(row.appliance_id, []).append(schedule)
    return found


def _zones(connection: Connection, ids: Collection[int] | None) -> dict[int, list[Zone]]:
    """Return the history of time zones by appliance id, oldest first."""
    table = tables.system_time_zone
    query = sa.select(table.c.appliance_id, table.c.first_seen, table.c.time_zone)
    found: dict[int, list[Zone]] = {}
    for row in _of(connection, query, table.c.appliance_id, ids):
        found.setdefault(row.appliance_id, []).append(Zone(seconds(row.first_seen), row.time_zone))
    for zones in found.values():
        zones.sort()
    return found
