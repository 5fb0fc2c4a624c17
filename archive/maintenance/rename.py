"""Rename an appliance: the archive is then as if all imports had come under the new name.

Jobs have the number of their appliance, so one row of `appliance` is renamed. What has only the
name is renamed row by row: attempts, quarantine and notifications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.appliance_names import check_name
from archive.db import tables
from archive.errors import UsageError
from archive.maintenance.appliances import Extent, changing, find, look_up
from archive.maintenance.joined_names import join_names
from archive.store import maintenance_log

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def rename(engine: Engine, name: str, new_name: str) -> Extent:
    """Rename an appliance in one transaction, and return what it had under the old name.

    Raises UsageError if there is no such appliance, or one of the new name.
    """
    with changing(engine) as connection:
        known, new_name = find(connection, name), check_name(new_name)
        if new_name == known.name:
            raise UsageError(f"the appliance has the name {new_name} already")
        existing = look_up(connection, new_name)
        if existing is not None and existing.id is not None:
            raise UsageError(
                f"there is an appliance {new_name} already: join both with `archive appliance merge"
                f" {known.name} {new_name}`"
            )
        table = tables.appliance
        connection.execute(sa.update(table).where(table.c.id == known.id).values(name=new_name))
        join_names(connection, known.name, new_name)
        maintenance_log.record(
            connection, maintenance_log.RENAME, known.name, new_name=new_name, jobs=known.jobs
        )
    return known
