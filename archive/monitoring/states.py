"""How each appliance stands, put together from the reports; nothing is computed anew here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.judgement.schedules import iso, ordinal, start
from archive.judgement.standing import NO_RECENT_DATA
from archive.reports import anomalies, rpo, streaks, summary
from archive.reports.core import compliance
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from archive.judgement.outcome import TallyRow
    from archive.reports.collection import CollectionRow
    from archive.reports.core.scope import Scope
    from archive.reports.rpo import RpoRow, Success

# Missed days are those of so many, today included.
DAYS = summary.DAYS


@dataclass(frozen=True)
class State:
    """An appliance as of now.

    `rpo` and `tally` are None of one that was asked and has never answered; `success` is None
    where there is none. `strikes` are the failures in a row at the end of its history,
    and `drop` is by how many percent the last success is smaller than usual, None if it is older than
    DAYS days.
    """

    collection: CollectionRow
    not_reporting: bool
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
    def state(self) -> str:
        """What `rpo` says of it; of one that never answered, that it is not known."""
        return NO_RECENT_DATA if self.rpo is None else self.rpo.state


def states(connection: Connection, scope: Scope) -> list[State]:
    """Return the appliances of a scope by name.

    Of a scope are heeded whom it means, now, the cadences and the objective. Raises UsageError for a
    glob that no known appliance matches.
    """
    recent = {row.appliance: row for row in rpo.select(connection, scope)}
    successes = rpo.successes(connection, scope)
    tallies = {
        row.appliance: row for row in compliance.rows(connection, _lately(connection, scope))
    }
    consecutive_failures, drops = (
        _consecutive_failures(connection, scope),
        _drops(connection, scope, recent, successes),
    )
    found = [
        State(
            row,
            not_reporting,
            recent.get(row.appliance),
            successes.get(row.appliance),
            tallies.get(row.appliance),
            consecutive_failures.get(row.appliance, 0),
            drops.get(row.appliance),
        )
        for row, not_reporting in summary.recently_heard(connection, scope)
    ]
    return sorted(found, key=lambda state: state.name)


def _drops(
    connection: Connection,
    scope: Scope,
    recent: Mapping[str, RpoRow],
    successes: Mapping[str, Success],
) -> dict[str, int]:
    """Return by how many percent the last successes of late are smaller than `anomalies` would expect."""
    first = _lately(connection, scope).since or ""
    begun = start(settings.calendar(connection), ordinal(first))
    keys = {
        name: success.key
        for name, success in successes.items()
        if success.size_bytes is not None and (recent[name].success_start_time or "") >= begun
    }
    found = dict.fromkeys(keys, 0)
    for name, one in anomalies.of_jobs(connection, scope, keys, first):
        if one.what in ("size", "tiny"):
            # The first backup of all can be empty: it is held against none.
            expected = (one.usual.expected if one.usual else 0) or 1
            found[name] = max(100 * (expected - (one.figure or 0)) // expected, 0)
    return found


def _consecutive_failures(connection: Connection, scope: Scope) -> dict[str, int]:
    """Return the failures in a row of those whose latest finished backup failed."""
    until = replace(scope, until=settings.calendar(connection).day(scope.now))
    failing = streaks.failing(connection, until)
    if not failing:
        return {}
    rows = streaks.select(connection, replace(until, appliances=(), named=failing))
    return {row.appliance: row.streak for row in rows}


def _lately(connection: Connection, scope: Scope) -> Scope:
    today = settings.calendar(connection).day(scope.now)
    return replace(scope, since=iso(max(ordinal(today) - DAYS + 1, 1)), until=today)
