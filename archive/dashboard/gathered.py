"""Collect everything that the page shows from the reports.

Every number of it is one of a report, or of the jobs of the history; the page's script only adds
up, filters and draws. Problems are as of now, everything else is of the days in scope.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.dashboard import history, reported
from archive.db import tables
from archive.errors import UsageError
from archive.reports import appliances, collection, streaks, summary
from archive.reports.core import pruned
from archive.reports.core.current import current
from archive.reports.series import Series, series
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.dashboard.history import History
    from archive.dashboard.tables import Table
    from archive.reports.core.scope import Scope
    from archive.reports.summary_row import SummaryRow

# Without a first day, the page covers two years.
DAYS = 730
# The maximum number of days, which keeps the file small enough for browsers.
MOST_DAYS = 3660
# Above ALL_UP_TO appliances, only the WORST ones are shown individually, and all together as sums.
ALL_UP_TO, WORST = 1000, 300
# Periods that the page offers for its charts.
GRAINS = ("day", "week", "month")


@dataclass(frozen=True)
class Shown:
    """An appliance that is shown individually: its state in `rpo`, consecutive failures, and tags.

    `state` is one of `judgement.standing.STATES`.
    """

    name: str
    state: str
    consecutive_failures: int
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Gathered:
    """The content of the page; appliances that need most attention come first.

    `recent` has the outcomes of the last days of `others`, see `history.recent`; empty if all are shown.

    `number` counts the appliances in scope that were ever imported. If not all of them are shown
    individually, `series` has the sums of all by grain. `others` has the tags of appliances that
    are in tables only, by name. `weeks` has the week label of each day. `unfinished` means that the
    last day is not over. `of_several` counts the imports of several appliances. `fleet` has a row for
    each appliance, `zone` is the archive's time zone.
    """

    scope: Scope
    calendar: str
    zone: str
    fleet: Table
    appliances: tuple[Shown, ...]
    number: int
    others: Mapping[str, Mapping[str, str]]
    summary: tuple[SummaryRow, ...]
    notes: tuple[str, ...]
    attention: tuple[Table, ...]
    reports: tuple[Table, ...]
    history: History
    recent: bytes
    weeks: tuple[str, ...]
    unfinished: bool
    of_several: int
    series: Mapping[str, Sequence[Series]]


def gather(connection: Connection, scope: Scope, tags: Mapping[str, Mapping[str, str]]) -> Gathered:
    """Return the content of the page for a scope; without a first day, it covers two years.

    `tags` are the tags of appliances by name. Raises UsageError for more than MOST_DAYS days.

    All is read in the caller's transaction, so that figures of the page agree with each other.
    """
    scope = _bounded(connection, scope)
    latest = replace(scope, since=None)
    states = list(current(connection, latest))
    failing = streaks.ongoing(connection, latest)
    rows = appliances.rows(connection, latest, states, failing)
    # Those that never answered have nothing to show but their row in the table.
    imported = [row for row in rows if row.last_seen is not None]
    number = len(imported)
    # The worst come first, so that a limit cuts off those without problems.
    shown = [
        Shown(row.appliance, row.state, row.consecutive_failures, tags.get(row.appliance, {}))
        for row in imported[: WORST if number > ALL_UP_TO else None]
    ]
    # Their jobs are in the page one by one; of all others it has sums.
    names = [one.name for one in shown]
    own = replace(scope, appliances=(), named=frozenset(names))
    whole = number == len(shown)
    calendar = settings.calendar(connection)
    attention = tuple(reported.attention(connection, scope))
    reports = tuple(reported.further(connection, scope, own, whole=whole))
    others = _others([row.appliance for row in states], (*attention, *reports), names, tags)
    return Gathered(
        scope,
        f"{calendar.day_start} {calendar.zone}",
        calendar.zone,
        reported.fleet(rows),
        tuple(shown),
        number,
        others,
        tuple(summary.select(connection, latest)),
        (*summary.REPORT.notes(connection, latest), *pruned.notes(connection, scope)),
        attention,
        reports,
        history.read(connection, own, names),
        b"" if whole else history.recent(connection, scope, list(others)),
        _weeks(connection, scope),
        calendar.day(scope.now) == scope.until,
        collection.of_several(connection, scope),
        {} if whole else {grain: series(connection, scope, grain) for grain in GRAINS},
    )


def _bounded(connection: Connection, scope: Scope) -> Scope:
    """Return a scope with a first and a last day, the last one at most today.

    Raises UsageError for more than MOST_DAYS days. A first day after the last one becomes the last
    one.
    """
    today = settings.calendar(connection).day(scope.now)
    # Days to come have nothing to show.
    last = min(scope.until or today, today)
    if scope.since is None:
        return scope.last_days(DAYS, last)
    bounded = replace(scope, since=min(scope.since, last), until=last)
    if (bounded.days or 0) > MOST_DAYS:
        raise UsageError(
            f"{bounded.since} to {last} are {bounded.days:,} days, and a dashboard shows at most"
            f" {MOST_DAYS:,}: set a later --since"
        )
    return bounded


def _others(
    known: Iterable[str],
    tables: Iterable[Table],
    shown: Iterable[str],
    tags: Mapping[str, Mapping[str, str]],
) -> dict[str, Mapping[str, str]]:
    """Return the tags of known appliances and of those in tables that are not shown individually."""
    names = set(known)
    for table in tables:
        if table.columns[0].name == "appliance":
            names.update(row[0] for row in table.rows if row[0] is not None)
    return {name: tags.get(name, {}) for name in sorted(names.difference(shown))}


def _weeks(connection: Connection, scope: Scope) -> tuple[str, ...]:
    """Return the week label of each day in scope; empty for a day that the calendar lacks."""
    calendar = tables.calendar
    first = date.fromisoformat(scope.since or "")
    last = date.fromisoformat(scope.until or "")
    query = sa.select(calendar.c.day, calendar.c.week).where(
        calendar.c.day >= first.isoformat(), calendar.c.day <= last.isoformat()
    )
    known: dict[str, str] = dict(map(tuple, connection.execute(query)))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day.isoformat(), "") for day in days)
