"""What judging an appliance needs besides its jobs: its schedules, time zones and configured values."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, json_numbers
from archive.calendar import FIRST_DAY, ordinal
from archive.db import tables
from archive.judgement.due_times import Known
from archive.judgement.local_time import clock, seconds
from archive.judgement.schedules import Schedule, Zone, minute, weekdays
from archive.store import pruned_periods
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.store.pruned_periods import PrunedPeriod


class _Statements(NamedTuple):
    """The same SELECT of all appliances, of those of the parameter `ids`, and of that with `id`."""

    of_all: sa.Select[Any]
    of_some: sa.Select[Any]
    of_one: db.Prepared


def _statements(table: sa.Table, key: str, *names: str) -> _Statements:
    query = sa.select(*(table.c[name] for name in (key, *names)))
    return _Statements(
        query,
        query.where(table.c[key].in_(sa.bindparam("ids", expanding=True))),
        db.Prepared(query.where(table.c[key] == sa.bindparam("id"))),
    )


# Seconds; see `archive.config.values`.
_LEAST_CADENCE = 3600
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
    tables.schedule,
    "appliance_id",
    "first_seen",
    "last_seen",
    "ended_at",
    "enabled",
    "hour",
    "minute",
    "days",
)
_ZONES = _statements(
    tables.system_time_zone, "appliance_id", "first_seen", "time_zone", "last_seen"
)


class Appliance(NamedTuple):
    """An appliance: its name, when it was imported first and last, and what is known for judging it.

    `rpo_seconds` is the RPO that was configured, if one was. `pruned` says which jobs are gone; those
    of days before `floor` (ordinal) take no part in the judgement.
    """

    id: int
    name: str
    first_seen: str
    last_seen: str
    rpo_seconds: int | None
    known: Known
    pruned: PrunedPeriod | None = None
    floor: int = FIRST_DAY

    def without(self, pruned: PrunedPeriod, calendar: Calendar) -> Appliance:
        """Return the appliance as it is without pruned jobs."""
        floor = max(FIRST_DAY, ordinal(calendar.day(pruned.until)))
        return self._replace(pruned=pruned, floor=floor)


def appliances(
    connection: Connection,
    calendar: Calendar,
    ids: Collection[int] | None = None,
) -> Iterator[Appliance]:
    """Yield appliances, all or those of `ids`, ordered by name.

    It reads schedules and time zones of all of them with one query each, or one for each chunk of
    ids. Raises ValueError for a cadence that no configuration has: too short a one expects too much.
    """
    schedules, zones = _schedules(connection, ids), _zones(connection, ids)
    pruned = pruned_periods.read(connection, ids)
    for number, name, first_seen, last_seen, cadence, rpo, retired in sorted(
        _of(connection, _APPLIANCES, ids), key=itemgetter(1)
    ):
        if cadence is not None and cadence < _LEAST_CADENCE:
            raise ValueError(f"appliance {number}: cadence_seconds is {cadence}")
        known = Known(
            tuple(schedules.get(number, ())),
            tuple(zones.get(number, ())),
            clock(calendar.zone),
            cadence,
            seconds(first_seen),
            None if retired is None else seconds(retired),
        )
        one = Appliance(number, name, first_seen, last_seen, rpo, known)
        yield one.without(pruned[number], calendar) if number in pruned else one


def _of(
    connection: Connection, statements: _Statements, ids: Collection[int] | None
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of some appliances, or of all."""
    if ids is None:
        yield from map(tuple, connection.execute(statements.of_all))
    elif len(ids) == 1:
        yield from statements.of_one.rows(connection, {"id": next(iter(ids))})
    else:
        for chunk in chunks(ids):
            yield from map(tuple, connection.execute(statements.of_some, {"ids": chunk}))


def _schedules(connection: Connection, ids: Collection[int] | None) -> dict[int, list[Schedule]]:
    """Return the history of schedules by appliance id."""
    found: dict[int, list[Schedule]] = {}
    for number, first_seen, last_seen, ended_at, enabled, hour, minutes, days in _of(
        connection, _SCHEDULES, ids
    ):
        schedule = Schedule(
            seconds(first_seen),
            None if ended_at is None else seconds(ended_at),
            enabled,
            minute(hour, minutes),
            weekdays(None if days is None else json_numbers.loads(days)),
            seconds(last_seen),
        )
        found.setdefault(number, []).append(schedule)
    return found


def _zones(connection: Connection, ids: Collection[int] | None) -> dict[int, list[Zone]]:
    """Return the history of time zones by appliance id, oldest first."""
    found: dict[int, list[Zone]] = {}
    for number, first_seen, zone, last_seen in _of(connection, _ZONES, ids):
        found.setdefault(number, []).append(Zone(seconds(first_seen), zone, seconds(last_seen)))
    for zones in found.values():
        zones.sort()
    return found
