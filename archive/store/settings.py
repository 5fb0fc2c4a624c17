"""The settings stored in an archive: its calendar."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar, CalendarDay, calendar_day
from archive.db import tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Names of rows of `setting`.
_ZONE = "calendar.time_zone"
_DAY_START = "calendar.day_start"


_SETTINGS = db.Prepared(sa.select(tables.setting.c.name, tables.setting.c.value))


def calendar(connection: Connection) -> Calendar:
    """Return the archive's calendar.

    A setting that is missing has its default: UTC, days from midnight.
    """
    values: dict[str, str] = dict(_SETTINGS.rows(connection, {}))
    plain = Calendar()
    return Calendar(values.get(_ZONE, plain.zone), values.get(_DAY_START, plain.day_start))


def store_calendar(connection: Connection, chosen: Calendar) -> None:
    """Store the archive's calendar; the caller must recompute the days of its jobs.

    The caller holds the lock of the calendar.
    """
    rows = [(_ZONE, chosen.zone), (_DAY_START, chosen.day_start)]
    db.upsert(connection, tables.setting, rows, ["value"])


def misplaced_days(connection: Connection) -> list[CalendarDay]:
    """Return the days whose stored start is wrong for the archive's calendar, corrected."""
    table = tables.calendar
    known = calendar(connection)
    stored = connection.execute(sa.select(table.c.day, table.c.start_time).order_by(table.c.day))
    # There are hardly ever any, so a day's other columns are only derived for those.
    return [
        calendar_day(date.fromisoformat(day), known)
        for day, start_time in stored
        if known.start(day) != start_time
    ]
