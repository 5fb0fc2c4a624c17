"""Record in the archive what the configuration says of its calendar and appliances.

The file may be unreadable for those who read the archive later, or be gone: reports go by what was
recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.cli.options import say

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.config.settings import Fleet


def use_calendar(engine: Engine, fleet: Fleet | None) -> None:
    """Set the configuration's calendar in a new archive; warn if an older archive has another.

    `fleet` None: there is no configuration. The caller must have no transaction open.
    """
    if fleet is None or fleet.calendar is None:
        return
    from archive import db
    from archive.maintenance import change_calendar
    from archive.store import settings
    from archive.store.known_jobs import is_empty

    with db.reading(engine) as connection:
        used, empty = settings.calendar(connection), is_empty(connection)
    if used == fleet.calendar:
        return
    if empty:
        change_calendar.change_calendar(engine, fleet.calendar)
    else:
        say(
            f"Warning: the archive's calendar ({used.zone}, days start at {used.day_start}) differs"
            " from the configuration; change it with `archive db calendar`."
        )


def record_settings(engine: Engine, fleet: Fleet | None) -> None:
    """Record cadences, RPOs and retirements, so that every reader of the archive judges alike.

    `fleet` None: there is no configuration. A fleet without changes is only read, so an import
    seldom writes here. The caller must have no transaction open.
    """
    if fleet is None:
        return
    from archive import db
    from archive.store import appliance_settings, settings
    from archive.store.appliance_settings import Configured

    configured = {
        entry.name: Configured(
            entry.cadence_seconds, entry.rpo_seconds, entry.retired, entry.enabled
        )
        for entry in fleet.entries
    }
    # First without a lock, since there is seldom a change.
    with db.reading(engine) as connection:
        if not appliance_settings.changes(connection, settings.calendar(connection), configured):
            return
    with db.writing(engine) as connection:
        db.lock(connection, ["calendar"], shared=True)
        appliance_settings.record(connection, settings.calendar(connection), configured)
