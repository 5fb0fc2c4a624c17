"""What judging an appliance needs: its schedules, time zones and jobs, as the archive has them."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import json_numbers
from archive.calendar import FIRST_DAY, iso, key_stamp, ordinal
from archive.db import tables
from archive.judgement import habit
from archive.judgement.clock import DAY, clock, seconds
from archive.judgement.due_times import Job, Known
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
# Successes from whose gaps an RPO is learned where nothing is expected.
_SUCCESSES = 12
# Due times shortly before the first day decide which of them a job meets.
_MARGIN = 4
# Of a job: what judging it needs, and what its place in the order of reports follows from.
_COLUMNS = ("id", "key", "day", "status", "type", "start_time", "end_time", "first_seen")


class _Statements(NamedTuple):
    """The same SELECT of all appliances, and of those of the parameter `ids`."""

    of_all: sa.Select[Any]
    of_some: sa.Select[Any]


def _statements(table: sa.Table, key: str, *names: str) -> _Statements:
    query = sa.select(*(table.c[name] for name in (key, *names)))
    return _Statements(query, query.where(table.c[key].in_(sa.bindparam("ids", expanding=True))))


# Making a statement takes longer than executing it for one appliance.
_APPLIANCES = _statements(
    tables.appliance,
    "id",
    "name",
    "first_seen",
    "last_seen",
    "cadence_seconds",
    "rpo_seconds",
    "retired_at",
)
_SCHEDULES = _statements(
    tables.schedule, "appliance_id", "first_seen", "ended_at", "enabled", "hour", "minute", "days"
)
_ZONES = _statements(tables.system_time_zone, "appliance_id", "first_seen", "time_zone")
_JOB = tables.job.c
_OF_APPLIANCE = (
    _JOB.appliance_id == sa.bindparam("appliance", type_=sa.BigInteger),
    _JOB.day >= sa.bindparam("first", type_=_JOB.day.type),
)
_JOBS = sa.select(*(_JOB[name] for name in _COLUMNS)).where(*_OF_APPLIANCE)
_DAYS_BEFORE = (
    sa.select(_JOB.day)
    .where(*_OF_APPLIANCE, _JOB.day < sa.bindparam("until", type_=_JOB.day.type))
    .order_by(_JOB.day.desc())
    .limit(habit.FEWEST)
)
_LATEST_SUCCESSES = (
    sa.select(_JOB.key, _JOB.start_time, _JOB.first_seen)
    .where(*_OF_APPLIANCE, _JOB.status == "SUCCEEDED")
    .order_by(_JOB.day.desc(), _JOB.start_time.desc().nulls_last())
    .limit(_SUCCESSES)
)


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
    """The jobs of an appliance from a day on in the order of their start, and their rows.

    `ordered` are the rows in the order that reports use, `rows` are by id.

    `first_day` is the ordinal of the first day that was read, which may be before the one asked
    for.
    """

    first_day: int
    judged: list[Job]
    ordered: list[sa.Row[Any]]
    rows: dict[int, sa.Row[Any]]


def appliances(
    connection: Connection,
    calendar: Calendar,
    ids: Collection[int] | None = None,
) -> Iterator[Appliance]:
    """Yield appliances, all or those of `ids`, ordered by name.

    It reads schedules and time zones of all of them with one query each, or one for each chunk of
    ids.
    """
    schedules, zones = _schedules(connection, ids), _zones(connection, ids)
    for row in sorted(_of(connection, _APPLIANCES, ids), key=attrgetter("name")):
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

    Jobs that start after `now`, if it is given, are left out. `columns` are selected besides those of
    the judgement.

    Jobs whose start lies more than a day after they were first seen are left out: their clock was
    wrong. With `with_habit`, reading begins so early that the habit as of the first day can be
    learned.
    """
    lead = max(first_day - _MARGIN, FIRST_DAY)
    if with_habit:
        lead = _lead(connection, appliance_id, first_day)
    query = _JOBS.add_columns(*columns) if columns else _JOBS
    found = []
    rows: dict[int, sa.Row[Any]] = {}
    for row in connection.execute(query, {"appliance": appliance_id, "first": iso(lead)}):
        at = began(row)
        if (now is None or at <= now) and not _is_of_wrong_clock(row):
            rows[row.id] = row
            found.append((at, row.key, row.id, row.status, row.type))
    # By start, then by key: jobs of the same second need one order on both databases.
    found.sort(key=itemgetter(0, 1))
    judged = [
        Job(seconds(at), number, status, kind == "SCHEDULED")
        for at, _, number, status, kind in found
    ]
    return Jobs(lead, judged, sorted(rows.values(), key=place), rows)


def began(row: Any) -> str:
    """Return the best known start of a job, by the rule that also determines its day."""
    return str(row.start_time or key_stamp(row.key) or row.first_seen)


def _is_of_wrong_clock(row: Any) -> bool:
    """Whether a job starts long after it was first seen."""
    return seconds(began(row)) > seconds(row.first_seen) + _WRONG_CLOCK


def place(row: Any) -> tuple[str, str, str]:
    """Return the place of a job in the order that reports use: `archive.reports.core.job_order`.

    The order is by day (ISO), start or first sighting, and key.
    """
    return row.day, row.start_time or row.first_seen, row.key


def latest_successes(connection: Connection, appliance_id: int, now: str | None) -> list[int]:
    """Return the starts (seconds) of the latest successes of an appliance by `now`, in order.

    There are at most 12, and fewer if one of the latest has a wrong clock.
    """
    query = _LATEST_SUCCESSES
    if now is not None:
        # Of a job without a start, the day is known.
        until = sa.literal(iso(ordinal(now[:10]) + 1), _JOB.day.type)
        query = query.where(
            _JOB.day <= until, sa.or_(_JOB.start_time.is_(None), _JOB.start_time <= now)
        )
    rows = connection.execute(query, {"appliance": appliance_id, "first": iso(FIRST_DAY)})
    starts = (began(row) for row in rows if not _is_of_wrong_clock(row))
    return sorted(seconds(at) for at in starts if now is None or at <= now)


def _lead(connection: Connection, appliance_id: int, first_day: int) -> int:
    """Return the first day whose jobs show the habit as of a day."""
    if first_day <= FIRST_DAY:
        return FIRST_DAY
    bounds = {"first": iso(FIRST_DAY), "until": iso(first_day - _BEFORE)}
    days = connection.execute(_DAYS_BEFORE, {"appliance": appliance_id, **bounds}).scalars().all()
    if not days:
        return FIRST_DAY
    return max(min(ordinal(days[-1]), ordinal(days[0]) - habit.WINDOW) - 1, FIRST_DAY)


def _of(
    connection: Connection, statements: _Statements, ids: Collection[int] | None
) -> Iterator[sa.Row[Any]]:
    """Yield the rows of some appliances, or of all."""
    if ids is None:
        yield from connection.execute(statements.of_all)
        return
    for chunk in chunks(ids):
        yield from connection.execute(statements.of_some, {"ids": chunk})


def _schedules(connection: Connection, ids: Collection[int] | None) -> dict[int, list[Schedule]]:
    """Return the history of schedules by appliance id."""
    found: dict[int, list[Schedule]] = {}
    for row in _of(connection, _SCHEDULES, ids):
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
    found: dict[int, list[Zone]] = {}
    for row in _of(connection, _ZONES, ids):
        found.setdefault(row.appliance_id, []).append(Zone(seconds(row.first_seen), row.time_zone))
    for zones in found.values():
        zones.sort()
    return found
