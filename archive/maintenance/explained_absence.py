"""Which documents of the chain of evidence an archive may lack: those that maintenance took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.calendar import key_stamp
from archive.db import tables
from archive.store import maintenance_log, pruned_periods
from archive.store.evidence_chain import IMPORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.store.maintenance_log import Maintenance

_FOLLOWED = (maintenance_log.RENAME, maintenance_log.MERGE)


class Absences:
    """What was undone or forgotten; `undone` has the numbers of the imports."""

    def __init__(self, connection: Connection) -> None:
        run = tables.ingest_run
        query = sa.select(run.c.id).where(run.c.outcome == "undone")
        self.undone = frozenset(connection.execute(query).scalars())
        changes = {one.id: one for one in maintenance_log.entries(connection)}
        link = tables.evidence_link
        query = sa.select(link.c.id, link.c.subject_id).where(link.c.what != IMPORT)
        self._pruned = pruned_periods.read(connection)
        # With the number of the link, in order.
        self._changes: list[tuple[int, Maintenance]] = [
            (number, changes[change])
            for number, change in connection.execute(query.order_by(link.c.id))
            if change in changes
        ]

    def of_list(self, link_id: int, run_id: int, name: str | None) -> bool:
        """Return whether a list may be gone: its import undone, or its appliance forgotten since."""
        if run_id in self.undone:
            return True
        for number, change in self._changes:
            if number > link_id and change.appliance_name == name:
                if change.what == maintenance_log.FORGET:
                    return True
                if change.what in _FOLLOWED:
                    name = change.new_name
        return False

    def of_jobs(self, appliance_id: int, keys: Sequence[str]) -> Sequence[str]:
        """Return those of the missing jobs of an appliance whose absence is not explained.

        Jobs that began before those that are left were pruned. If the key does not tell when a job
        began, it may be one of them.
        """
        period = self._pruned.get(appliance_id)
        if period is None:
            return keys
        return [key for key in keys if (key_stamp(key) or "") >= period.until]
