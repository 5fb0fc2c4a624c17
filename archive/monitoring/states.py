"""The current state of each appliance, combined from the reports; nothing is computed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.calendar import ordinal, start
from archive.judgement.standing import NO_RECENT_DATA
from archive.reports import anomalies, collection, rpo, streaks, summary
from archive.reports.core import compliance
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from archive.judgement.outcome import TallyRow
    from archive.reports.collection import Reporting
    from archive.reports.core.scope import Scope
    from archive.reports.rpo import RpoRow, Success

# Missed backups are counted over this many days, today included.
DAYS = summary.DAYS


@dataclass(frozen=True)
class State:
    """An appliance as of now.

    `rpo` and `tally` are None for an appliance that has never been imported; `success` is None
    without a success. `drop` is by how many percent the last success is smaller than expected; None
    if it is older than DAYS days.

    Ages and durations are in seconds. `consecutive_failures` is 0 without any.
    """

    collection: Reporting
    rpo: RpoRow | None
    success: Success | None
    tally: TallyRow | None
    consecutive_failures: int
    drop: int | None

    @property
    def name(self) -> str:
        """The appliance's name."""
        return self.collection.appliance

    @property
    def not_reporting(self) -> bool:
        """Whether another import is missing."""
        return self.collection.not_reporting

    @property
    def state(self) -> str:
        """The state in the report `rpo`; NO_RECENT_DATA for an appliance never imported."""
        return NO_RECENT_DATA if self.rpo is None else self.rpo.state


def states(connection: Connection, scope: Scope) -> list[State]:
    """Return the appliances in scope, ordered by name.

    Of the scope, only the appliances, `now`, the cadences and the RPO count. Raises UsageError for a
    glob that matches no known appliance.
    """
    rpos = {row.appliance: row for row in rpo.select(connection, scope)}
    successes = rpo.successes(connection, scope)
    today = settings.calendar(connection).day(scope.now)
    lately = scope.last_days(DAYS, today)
    tallies = {row.appliance: row for row in compliance.rows(connection, lately)}
    ongoing = streaks.ongoing(connection, replace(scope, until=today))
    failures = {row.appliance: row.consecutive_failures for row in ongoing}
    drops = _drops(connection, lately, rpos, successes)
    found = [
        State(
            row,
            rpos.get(row.appliance),
            successes.get(row.appliance),
            tallies.get(row.appliance),
            failures.get(row.appliance, 0),
            drops.get(row.appliance),
        )
        for row in collection.reporting_now(connection, scope)
    ]
    return sorted(found, key=lambda state: state.name)


def _drops(
    connection: Connection,
    scope: Scope,
    rpos: Mapping[str, RpoRow],
    successes: Mapping[str, Success],
) -> dict[str, int]:
    """Return by how many percent last successes in scope are smaller than `anomalies` expects."""
    first = scope.since or ""
    begun = start(settings.calendar(connection), ordinal(first))
    keys = {
        name: success.key
        for name, success in successes.items()
        if success.size_bytes is not None and (rpos[name].success_start_time or "") >= begun
    }
    # 0 for a success that is no anomaly.
    return dict.fromkeys(keys, 0) | anomalies.drops(connection, keys)
