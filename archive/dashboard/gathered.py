"""All that the page shows, from the reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.dashboard import history, reported
from archive.db import tables
from archive.errors import UsageError
from archive.reports import rpo, streaks, summary
from archive.reports.series import Series, series
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.dashboard.history import History
    from archive.dashboard.tables import Table
    from archive.reports.core.scope import Scope
    from archive.reports.summary_row import SummaryRow

# Without a first day the page is of so many: two years.
DAYS = 730
# Longer ago, the numbers of days would not fit, nor would anybody look for it here.
MOST_DAYS = 3660
# Of more appliances than this the worst are shown one by one, and of all together only the sums.
ALL_UP_TO, WORST = 1000, 300
GRAINS = ("day", "week", "month")


@dataclass(frozen=True)
class Shown:
    """An appliance that is shown: how it is (see `rpo`), failures in a row, and its tags."""

    name: str
    state: str
    streak: int
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Gathered:
    """What the page shows; appliances are in the order of how much they need attention.

    `number` counts all appliances of the scope; where it is greater than that of those shown, `series`
    has the rows of all together by grain. `others` has the tags of those that are in tables alone, by
    name. `weeks` has the label of each day's week; `unfinished` says that the last day is not over.
    """

    scope: Scope
    calendar: str
    appliances: tuple[Shown, ...]
    number: int
    others: Mapping[str, Mapping[str, str]]
    summary: tuple[SummaryRow, ...]
    notes: tuple[str, ...]
    attention: tuple[Table, ...]
    reports: tuple[Table, ...]
    history: History
    weeks: tuple[str, ...]
    unfinished: bool
    series: Mapping[str, Sequence[Series]]


def gather(connection: Connection, scope: Scope, tags: Mapping[str, Mapping[str, str]]) -> Gathered:
    """Return what there is to show of a scope's appliances, of its days, as of its `now`.

    Without a first day there are two years. `tags` are those of appliances by name. Raises UsageError
    for more days than can be shown.
    """
    scope = _bounded(connection, scope)
    states = list(rpo.select(connection, replace(scope, since=None)))
    struck = _struck(connection, scope)
    shown = _worst_first(states, struck, tags)
    number = len(shown)
    if number > ALL_UP_TO:
        shown = shown[:WORST]
    names = [one.name for one in shown]
    own = replace(scope, appliances=(), named=frozenset(names))
    whole = number == len(shown)
    latest = replace(scope, since=None)
    calendar = settings.calendar(connection)
    attention = tuple(reported.attention(connection, scope, states, struck))
    reports = tuple(reported.further(connection, scope, whole=whole))
    return Gathered(
        scope,
        f"{calendar.day_start} {calendar.zone}",
        tuple(shown),
        number,
        _others([row.appliance for row in states], (*attention, *reports), names, tags),
        tuple(summary.select(connection, latest)),
        tuple(summary.REPORT.notes(connection, latest)),
        attention,
        reports,
        history.read(connection, own, names),
        _weeks(connection, scope),
        calendar.day(scope.now) == scope.until,
        {} if whole else {grain: series(connection, scope, grain) for grain in GRAINS},
    )


def _bounded(connection: Connection, scope: Scope) -> Scope:
    today = settings.calendar(connection).day(scope.now)
    last = date.fromisoformat(min(scope.until or today, today))
    if scope.since is None:
        first = date.fromordinal(max(last.toordinal() - DAYS + 1, 1))
    else:
        first = min(date.fromisoformat(scope.since), last)
    if (last - first).days >= MOST_DAYS:
        raise UsageError(
            f"from {first} to {last} are more days than the {MOST_DAYS:,} that a dashboard shows;"
            " name a later first day with --since"
        )
    return replace(scope, since=first.isoformat(), until=last.isoformat())


def _struck(connection: Connection, scope: Scope) -> list[streaks.StreaksRow]:
    """Return the appliances whose latest backup failed, as `summary` finds strikes among them."""
    until = replace(scope, since=None)
    failing = streaks.failing(connection, until)
    if not failing:
        return []
    return list(streaks.select(connection, replace(until, appliances=(), named=failing)))


def _worst_first(
    states: Sequence[rpo.RpoRow],
    struck: Sequence[streaks.StreaksRow],
    tags: Mapping[str, Mapping[str, str]],
) -> list[Shown]:
    """Return the appliances as `rpo` orders them, those that fail the longest first among equals."""
    streak = {row.appliance: row.streak for row in struck}
    order = {state: place for place, state in enumerate(dict.fromkeys(row.state for row in states))}
    found = [
        Shown(row.appliance, row.state, streak.get(row.appliance, 0), tags.get(row.appliance, {}))
        for row in states
    ]
    return sorted(found, key=lambda one: (order[one.state], -one.streak))


def _others(
    known: Iterable[str],
    told: Iterable[Table],
    shown: Iterable[str],
    tags: Mapping[str, Mapping[str, str]],
) -> dict[str, Mapping[str, str]]:
    """Return the tags of appliances that are known, or stand in tables, and are not shown one by one."""
    names = set(known)
    for table in told:
        if table.columns[0].name == "appliance":
            names.update(row[0] for row in table.rows if row[0] is not None)
    return {name: tags.get(name, {}) for name in sorted(names.difference(shown))}


def _weeks(connection: Connection, scope: Scope) -> tuple[str, ...]:
    """Return the week of each day of a scope; a day that the calendar does not know has none."""
    calendar = tables.calendar
    first = date.fromisoformat(scope.since or "")
    last = date.fromisoformat(scope.until or "")
    query = sa.select(calendar.c.day, calendar.c.week).where(
        calendar.c.day >= first.isoformat(), calendar.c.day <= last.isoformat()
    )
    known: dict[str, str] = dict(map(tuple, connection.execute(query)))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day.isoformat(), "") for day in days)
