"""Legal hold: nothing of an appliance on hold is pruned, forgotten or undone.

The archive records it, not the configuration: it must hold on every machine, and when the appliance is no
longer configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.errors import UsageError
from archive.maintenance.appliances import find
from archive.store import maintenance_log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection, Engine


def hold(engine: Engine, names: Iterable[str]) -> list[str]:
    """Put appliances on hold, and return the names of those that were not. Raises UsageError.

    All names must be known, and of appliances that have answered; otherwise none is put on hold.
    """
    return _change(engine, names, timestamps.now())


def release(engine: Engine, names: Iterable[str]) -> list[str]:
    """End the hold of appliances, and return the names of those that were on hold. Raises UsageError."""
    return _change(engine, names, None)


def require_released(connection: Connection, ids: Iterable[int]) -> None:
    """Raise UsageError if any of some appliances is on hold, so that none of its jobs may be deleted."""
    table = tables.appliance
    query = sa.select(table.c.name).where(table.c.id.in_(list(ids)), table.c.held_at.is_not(None))
    held = connection.execute(query.order_by(table.c.name)).scalars().first()
    if held is not None:
        raise UsageError(
            f"{held} is on legal hold: run `archive appliance release {held}` first, if you may"
        )


def _change(engine: Engine, names: Iterable[str], held_at: str | None) -> list[str]:
    table = tables.appliance
    what = maintenance_log.RELEASE if held_at is None else maintenance_log.HOLD
    changed = []
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"])
        for name in names:
            known = find(connection, name)
            if known.id is None:
                raise UsageError(f"{known.name} has never answered: there is nothing to hold")
            own = table.c.id == known.id
            is_held = connection.execute(sa.select(table.c.held_at).where(own)).scalar() is not None
            if is_held != (held_at is not None):
                connection.execute(sa.update(table).where(own).values(held_at=held_at))
                maintenance_log.record(connection, what, known.name)
                changed.append(known.name)
    return changed
