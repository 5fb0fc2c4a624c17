"""What the backups of each appliance add up to, over all of its history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archive import settings
from archive.reports import volume

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope


class Totals(NamedTuple):
    """Finished backups, and what the successes among them transferred and how long they took."""

    succeeded: int = 0
    failed: int = 0
    size_bytes: int = 0
    duration_seconds: int = 0


def totals(connection: Connection, scope: Scope) -> dict[str, Totals]:
    """Return the totals of the appliances of a scope by name, up to today; it reads all their jobs."""
    today = settings.calendar(connection).day(scope.now)
    whole = replace(scope, period="year", by="appliance", since=None, until=today)
    found: dict[str, Totals] = {}
    for row in map(volume.VolumeRow._make, volume.REPORT.run(connection, whole)):
        name = row.group or ""
        before = found.get(name, Totals())
        found[name] = Totals(
            before.succeeded + row.succeeded,
            before.failed + row.failed,
            before.size_bytes + (row.size_total_bytes or 0),
            before.duration_seconds + (row.duration_total_seconds or 0),
        )
    return found
