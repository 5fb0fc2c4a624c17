"""What maintenance did to what the chain of evidence has: it explains why an archive lacks something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.calendar import key_stamp
from archive.db import tables
from archive.store import maintenance_log, pruned_periods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.store.maintenance_log import Maintenance

_FOLLOWED = (maintenance_log.RENAME, maintenance_log.MERGE)


class Absences:
    """What was undone, renamed, merged or forgotten; `undone` has the numbers of the imports."""

    def __init__(self, connection: Connection) -> None:
        run = tables.ingest_run
        query = sa.select(run.c.id).where(run.c.outcome == "undone")
        self.undone = frozenset(connection.execute(query).scalars())
        changes = {one.id: one for one in maintenance_log.entries(connection)}
        link = tables.evidence_link
        ours = sa.select(link.c.id, link.c.subject_id).where(link.c.what.in_(tables.MAINTENANCE))
        self._pruned = pruned_periods.read(connection)
        # With the number of the link, in order.
        self._changes: list[tuple[int, Maintenance]] = [
            (number, changes[change])
            for number, change in connection.execute(ours.order_by(link.c.id))
            if change in changes
        ]
        # Appliances of which something was undone, by their present name.
        names = sa.select(link.c.id, link.c.appliance_name).where(link.c.what == "import")
        self._undone_of = {
            self.name_now(*row)
            for number in sorted(self.undone)
            for row in connection.execute(names.where(link.c.subject_id == number))
        }

    def name_now(self, link_id: int, name: str | None) -> str | None:
        """Return the present name of the appliance that had a name with a link; None: forgotten."""
        return self._followed(link_id, name)[0]

    def is_rewritten(self, link_id: int, name: str | None) -> bool:
        """Return whether the history of an appliance was merged or undone in part, since a link or ever."""
        found, merged = self._followed(link_id, name)
        return merged or found in self._undone_of

    def of_list(self, link_id: int, run_id: int, name: str | None) -> bool:
        """Return whether a list may be gone: its import undone, or its appliance forgotten since."""
        return run_id in self.undone or self.name_now(link_id, name) is None

    def of_jobs(self, appliance_id: int, keys: Sequence[str]) -> Sequence[str]:
        """Return those of the missing jobs of an appliance whose absence is not explained.

        Jobs that began before those that are left were pruned. If the key does not tell when a job
        began, it may be one of them.
        """
        period = self._pruned.get(appliance_id)
        if period is None:
            return keys
        return [key for key in keys if (key_stamp(key) or "") >= period.until]

    def _followed(self, link_id: int, name: str | None) -> tuple[str | None, bool]:
        """Return the present name, and whether another appliance has been joined with it since."""
        merged = False
        for number, change in self._changes:
            if number <= link_id:
                continue
            if change.appliance_name == name:
                if change.what == maintenance_log.FORGET:
                    return None, merged
                if change.what in _FOLLOWED:
                    name = change.new_name
                    merged |= change.what == maintenance_log.MERGE
            elif change.what == maintenance_log.MERGE and change.new_name == name:
                merged = True
        return name, merged
