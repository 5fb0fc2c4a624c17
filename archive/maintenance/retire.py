"""Retire an appliance: from a day on, no backup is expected of it.

An RPO and a cadence that were recorded for it stay. An appliance in the configuration is retired
there instead, as each collection records what the configuration says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.appliance_names import check_name
from archive.db import tables
from archive.errors import UsageError
from archive.maintenance.appliances import find
from archive.store import appliance_settings, maintenance_log, settings
from archive.store.appliance_settings import Configured

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def retire(engine: Engine, name: str, day: str | None) -> None:
    """Record that an appliance is retired from a day (ISO date) on; None: it is not any more.

    The day is one of the archive's calendar. Raises UsageError for an appliance that the archive
    does not know, or that has never answered.
    """
    table = tables.appliance
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"])
        if find(connection, name).id is None:
            raise UsageError(f"{check_name(name)} has never answered: there is nothing to retire")
        query = sa.select(table.c.name, table.c.cadence_seconds, table.c.rpo_seconds)
        known = connection.execute(query.where(table.c.name == check_name(name))).one()
        values = Configured(known.cadence_seconds, known.rpo_seconds, day)
        appliance_settings.record(connection, settings.calendar(connection), {known.name: values})
        detail = "not retired any more" if day is None else f"from {day} on"
        maintenance_log.record(connection, maintenance_log.RETIRE, known.name, detail=detail)
