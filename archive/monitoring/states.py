"""The current state of each appliance, combined from the reports; nothing is computed here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.calendar import ordinal, start
from archive.reports import anomalies, collection, streaks, stuck, summary
from archive.reports.core import compliance
from archive.reports.core.current import current
from archive.reports.core.unknown_statuses import unknown_statuses
from archive.reports.core.wrong_clocks import wrong_clocks
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from archive.judgement.outcome import TallyRow
    from archive.reports.collection import Reporting
    from archive.reports.core.current import Current, Success
    from archive.reports.core.scope import Scope

# Missed backups are counted over this many days, today included.
DAYS = summary.DAYS


@dataclass(frozen=True)
class State:
    """An appliance as of now.

    `tally` is None for an appliance that has never been imported. `drop` is by how many percent the
    last success is smaller than expected; None if it is older than DAYS days. `stuck` is the number of
    its stuck jobs, `unknown_status` that of its jobs of the last DAYS days in an unknown status.
    `wrong_clock` says what shows that a clock is wrong, if anything does.
    """

    collection: Reporting
    current: Current
    tally: TallyRow | None
    consecutive_failures: int
    drop: int | None
    stuck: int = 0
    unknown_status: int = 0
    wrong_clock: str | None = None

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
        """The state in the report `rpo`."""
        return self.current.state

    @property
    def is_imported(self) -> bool:
        """Whether the appliance has ever been imported."""
        return self.current.id is not None

    @property
    def success(self) -> Success | None:
        """The last success."""
        return self.current.success


def states(connection: Connection, scope: Scope) -> list[State]:
    """Return the appliances in scope, ordered by name.

    Of the scope, only the appliances, `now`, the cadences and the RPO count. Raises UsageError for a
    glob that matches no known appliance.
    """
    known = {one.appliance: one for one in current(connection, scope)}
    today = settings.calendar(connection).day(scope.now)
    lately = scope.last_days(DAYS, today)
    tallies = {row.appliance: row for row in compliance.rows(connection, lately)}
    ongoing = streaks.ongoing(connection, replace(scope, until=today))
    failures = {row.appliance: row.consecutive_failures for row in ongoing}
    drops = _drops(connection, lately, known)
    stuck_jobs = Counter(row.appliance for row in stuck.stuck(connection, scope))
    unknown: Counter[str] = Counter()
    for one in unknown_statuses(connection, lately):
        unknown[one.appliance] += one.jobs
    clocks = wrong_clocks(connection, scope)
    found = [
        State(
            row,
            known[row.appliance],
            tallies.get(row.appliance),
            failures.get(row.appliance, 0),
            drops.get(row.appliance),
            stuck_jobs[row.appliance],
            unknown[row.appliance],
            clocks.get(row.appliance),
        )
        for row in collection.reporting_now(connection, scope)
    ]
    return sorted(found, key=lambda state: state.name)


def _drops(connection: Connection, scope: Scope, known: Mapping[str, Current]) -> dict[str, int]:
    """Return by how many percent last successes in scope are smaller than `anomalies` expects."""
    first = scope.since or ""
    begun = start(settings.calendar(connection), ordinal(first))
    keys = {
        name: one.success.key
        for name, one in known.items()
        if one.success is not None
        and one.success.size_bytes is not None
        and one.success.start_time >= begun
    }
    # 0 for a success that is no anomaly.
    return dict.fromkeys(keys, 0) | anomalies.drops(connection, keys)
