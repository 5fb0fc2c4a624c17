"""Clocks that are wrong: of the machine that imports, or of an appliance.

A job's times come from its appliance, and when it was seen from the machine that imported it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import timestamps
from archive.calendar import FIRST_DAY, iso, ordinal
from archive.db import tables
from archive.render.units import moment
from archive.reports.core import job_order
from archive.store import settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Days that a job may start ahead: it may be of another zone.
_AHEAD = 1


def wrong_clocks(connection: Connection, scope: Scope) -> dict[str, str]:
    """Return what shows that a clock is wrong now, by appliance in scope.

    That is a last import in the future, or a newest job that starts in the future or before 2016. It
    lasts until the next import, or the next job, with a right time.
    """
    zone = settings.calendar(connection).zone
    ids = scope.appliance_ids(connection)
    appliance = tables.appliance
    query = sa.select(appliance.c.id, appliance.c.name, appliance.c.last_seen)
    found: dict[str, str] = {}
    names: dict[int, str] = {}
    for number, name, last_seen in connection.execute(query):
        if ids is not None and number not in ids:
            continue
        names[number] = name
        if last_seen > scope.now and timestamps.is_future(last_seen):
            shown = moment(last_seen, zone, "minutes")
            found[name] = f"last imported at {shown}, in the future"
    for number, start in _newest(connection, scope):
        if number in names:
            shown = moment(start, zone, "minutes")
            found.setdefault(names[number], f"its newest job starts at {shown}")
    return found


def _newest(connection: Connection, scope: Scope) -> list[tuple[int, str]]:
    """Return appliances (ID) whose job that was first seen last has an impossible start, and that."""
    job = tables.job
    today = ordinal(settings.calendar(connection).day(scope.now))
    day: Any = job.c.day.type
    first, last = (sa.literal(iso(one), day) for one in (FIRST_DAY, today + _AHEAD))
    seen = job.c.first_seen <= sa.literal(scope.now, job.c.first_seen.type)
    columns = (job.c.appliance_id, job.c.start_time, job.c.key, job.c.first_seen)
    newest: dict[int, tuple[str, str]] = {}
    # Two queries: each of them uses the index of days, and finds next to nothing.
    for impossible in (job.c.day < first, job.c.day > last):
        for number, start, key, first_seen in connection.execute(
            sa.select(*columns).where(impossible, seen)
        ):
            place = first_seen, job_order.began(start, key, first_seen)
            newest[number] = max(place, newest.get(number, place))
    found = []
    for number, (first_seen, start) in newest.items():
        later = sa.select(job.c.id).where(
            job.c.appliance_id == number,
            job.c.day.between(first, last),
            job.c.first_seen > sa.literal(first_seen, job.c.first_seen.type),
            seen,
        )
        if connection.execute(later.limit(1)).first() is None:
            found.append((number, start))
    return found
