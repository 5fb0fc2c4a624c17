"""What the configuration says of appliances and they are judged by, recorded in the archive.

So SQL, and reports on another machine, judge alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import json_numbers
from archive.calendar import ordinal, start
from archive.db import tables
from archive.store import evidence_chain, judged_backups
from archive.store.appliances import lock_appliances
from archive.store.evidence_chain import SETTINGS, facts_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar


class Configured(NamedTuple):
    """The settings of an appliance; None: not configured. `retired` is the first day without backups.

    An appliance that is not enabled is not collected from.
    """

    cadence_seconds: int | None
    rpo_seconds: int | None
    retired: str | None
    enabled: bool = True


class Change(NamedTuple):
    """New settings of an appliance; nothing is expected from `retired_at` on."""

    id: int
    name: str
    cadence_seconds: int | None
    rpo_seconds: int | None
    retired_at: str | None

    def facts(self) -> str:
        """Return the settings as JSON, as evidence."""
        return json_numbers.dumps({name: getattr(self, name) for name in self._fields[2:]})


def changes(
    connection: Connection, calendar: Calendar, configured: Mapping[str, Configured]
) -> list[Change]:
    """Return the changes to the appliances that the archive has; settings are given by name.

    Appliances without a configuration keep what is recorded. One that is not enabled counts as retired
    since its last import at the time when this was recorded: nobody asks it any more.
    """
    table = tables.appliance
    query = sa.select(*(table.c[name] for name in Change._fields), table.c.last_seen)
    found = []
    for *values, last_seen in connection.execute(query):
        row = Change._make(values)
        if (wanted := configured.get(row.name)) is not None:
            retired = wanted.retired and start(calendar, ordinal(wanted.retired))
            if not wanted.enabled and (retired is None or retired > last_seen):
                retired = min(row.retired_at or last_seen, last_seen)
            new = Change(row.id, row.name, wanted.cadence_seconds, wanted.rpo_seconds, retired)
            found += [new] if new != row else []
    return found


def record(
    connection: Connection, calendar: Calendar, configured: Mapping[str, Configured]
) -> None:
    """Record the settings of appliances, given by name, and judge anew those whose settings change.

    The caller holds no other lock than a shared one of the calendar.
    """
    table = tables.appliance
    lock_appliances(connection, [one.name for one in changes(connection, calendar, configured)])
    # Once more under the locks: another process may have recorded them meanwhile.
    changed = changes(connection, calendar, configured)
    for one in changed:
        values = {name: getattr(one, name) for name in Change._fields[2:]}
        connection.execute(sa.update(table).where(table.c.id == one.id).values(values))
    judged_backups.judge(connection, calendar, dict.fromkeys((one.id for one in changed), 0))
    if changed:
        evidence_chain.append(
            connection,
            lambda first: [
                facts_entry(number, SETTINGS, one.id, one.name, None, one.facts())
                for number, one in enumerate(changed, first)
            ],
        )
