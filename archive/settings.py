"""What an archive knows of itself: its calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import dialects, tables
from archive.days import Calendar

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_ZONE = "calendar.time_zone"
_DAY_START = "calendar.day_start"


def calendar(connection: Connection) -> Calendar:
    """Return the archive's calendar."""
    table = tables.setting
    found = connection.execute(sa.select(table.c.name, table.c.value))
    values: dict[str, str] = dict(map(tuple, found))
    plain = Calendar()
    return Calendar(values.get(_ZONE, plain.zone), values.get(_DAY_START, plain.day_start))


def store_calendar(connection: Connection, chosen: Calendar) -> None:
    """Store the archive's calendar; the days of its jobs are the caller's to bring in line."""
    rows = [(_ZONE, chosen.zone), (_DAY_START, chosen.day_start)]
    dialects.upsert(connection, tables.setting, rows, ["value"])
