"""All that the page shows, from the reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import settings, tables
from archive.dashboard import history
from archive.dashboard.tables import Table, table
from archive.errors import UsageError
from archive.reports import (
    anomalies,
    builds,
    coverage,
    failures,
    growth,
    missed,
    recency,
    streaks,
    summary,
)
from archive.reports.freshness import OK
from archive.reports.series import Series, series

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.dashboard.history import History
    from archive.reports.report import Report
    from archive.reports.scope import Scope
    from archive.reports.summary_row import SummaryRow

# Without a first day the page is of so many: two years.
DAYS = 730
# Longer ago, the numbers of days would not fit, nor would anybody look for it here.
MOST_DAYS = 3660
# Of more appliances than this the worst are shown one by one, and of all together only the sums.
ALL_UP_TO, WORST = 1000, 300
# What is odd, or did not come, is news for so many days.
ODD_DAYS, MISSED_DAYS = 30, 7
GRAINS = ("day", "week", "month")


@dataclass(frozen=True)
class Shown:
    """An appliance that is shown: how it is (see `recency`), failures in a row, and its tags."""

    name: str
    state: str
    streak: int
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Gathered:
    """What the page shows; appliances are in the order of how much they need attention.

    `number` counts all appliances of the scope; where it is greater than that of those shown, `series`
    has the rows of all together by grain. `weeks` has the label of each day's week.
    """

    scope: Scope
    calendar: str
    appliances: tuple[Shown, ...]
    number: int
    summary: tuple[SummaryRow, ...]
    notes: tuple[str, ...]
    attention: tuple[Table, ...]
    reports: tuple[Table, ...]
    history: History
    weeks: tuple[str, ...]
    series: Mapping[str, Sequence[Series]]


def gather(connection: Connection, scope: Scope, tags: Mapping[str, Mapping[str, str]]) -> Gathered:
    """Return what there is to show of a scope's appliances, of its days, as of its `now`.

    Without a first day there are two years. `tags` are those of appliances by name. Raises UsageError
    for more days than can be shown.
    """
    scope = _bounded(connection, scope)
    states = list(recency.select(connection, replace(scope, since=None)))
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
    return Gathered(
        scope,
        f"{calendar.day_start} {calendar.zone}",
        tuple(shown),
        number,
        tuple(summary.select(connection, latest)),
        tuple(summary.REPORT.notes(connection, latest)),
        tuple(_attention(connection, scope, states, struck)),
        tuple(_reports(connection, scope, whole=whole)),
        history.read(connection, own, names),
        _weeks(connection, scope),
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


def _since(scope: Scope, days: int) -> Scope:
    """Return the last days of a scope."""
    last = date.fromisoformat(scope.until or "")
    first = max(scope.since or "", (last - timedelta(days=days - 1)).isoformat())
    return replace(scope, since=first)


def _struck(connection: Connection, scope: Scope) -> list[streaks.StreaksRow]:
    """Return the appliances whose latest backup failed, as `summary` finds strikes among them."""
    until = replace(scope, since=None)
    failing = streaks.failing(connection, until)
    if not failing:
        return []
    return list(streaks.select(connection, replace(until, appliances=(), named=failing)))


def _worst_first(
    states: Sequence[recency.RecencyRow],
    struck: Sequence[streaks.StreaksRow],
    tags: Mapping[str, Mapping[str, str]],
) -> list[Shown]:
    """Return the appliances as `recency` orders them, those that fail the longest first among equals."""
    streak = {row.appliance: row.streak for row in struck}
    order = {state: place for place, state in enumerate(dict.fromkeys(row.state for row in states))}
    found = [
        Shown(row.appliance, row.state, streak.get(row.appliance, 0), tags.get(row.appliance, {}))
        for row in states
    ]
    return sorted(found, key=lambda one: (order[one.state], -one.streak))


def _attention(
    connection: Connection,
    scope: Scope,
    states: Sequence[recency.RecencyRow],
    struck: Sequence[streaks.StreaksRow],
) -> list[Table]:
    return [
        table(
            "late",
            "No recent success",
            recency.REPORT.columns,
            [row for row in states if row.state != OK],
            (
                "appliance", "state", "age_seconds", "objective_seconds", "attempt_status",
                "last_seen",
            ),
            "Every appliance has a success that is recent enough.",
        ),
        table(
            "strikes",
            f"{summary.STRIKE} failures in a row, or more",
            streaks.COLUMNS,
            [row for row in struck if row.streak >= summary.STRIKE],
            ("appliance", "streak", "since_time", "last_good_time"),
            f"No appliance has failed {summary.STRIKE} times in a row.",
        ),
        table(
            "silent",
            "Silent",
            coverage.REPORT.columns,
            summary.silent(connection, scope),
            (
                "appliance", "last_seen", "age_seconds", "usual_gap_seconds", "unanswered",
            ),
            "The archive has heard of every appliance when it usually does.",
        ),
        table(
            "missed",
            f"Missed in the last {MISSED_DAYS} days",
            missed.REPORT.columns,
            _newest_first(_run(connection, missed.REPORT, _since(scope, MISSED_DAYS)), "day"),
            ("appliance", "day", "outcome", "message"),
            "Every backup that was expected has come.",
        ),
        table(
            "anomalies",
            f"Out of the ordinary in the last {ODD_DAYS} days",
            anomalies.COLUMNS,
            _newest_first(_run(connection, anomalies.REPORT, _since(scope, ODD_DAYS)), "day"),
            ("appliance", "day", "what", "reason", "key"),
            "Every success is like those before it.",
        ),
    ]  # fmt: skip


def _newest_first(rows: Sequence[Any], by: str) -> list[Any]:
    return sorted(rows, key=lambda row: str(getattr(row, by)), reverse=True)


def _run(connection: Connection, report: Report, scope: Scope) -> list[Any]:
    return list(report.run(connection, scope))


def _reports(connection: Connection, scope: Scope, *, whole: bool) -> Iterator[Table]:
    """Yield the tables of reports; what failures say only where the page cannot count it itself."""
    grown = _run(connection, growth.REPORT, replace(scope, since=None))
    yield table(
        "growth",
        "Growth and forecast",
        growth.COLUMNS,
        grown[-1:] + grown[:-1],  # the fleet first: it is never left out
        (
            "appliance", "size_bytes", "monthly_growth_bytes",
            *(
                f"in_{days}_days{end}_bytes"
                for days in growth.HORIZONS
                for end in ("", "_low", "_high")
            ),
            "keep", "kept_bytes", "note",
        ),
        "No backup has a size.",
    )  # fmt: skip
    yield table(
        "builds",
        "Builds",
        builds.REPORT.columns,
        _run(connection, builds.REPORT, scope),
        (
            "build", "appliances", "first_day", "last_day", "finished", "failed", "success_rate",
            "size_median_bytes", "size_median_ratio", "duration_median_seconds",
            "duration_median_ratio",
        ),
        "No backup says on which build it ran.",
    )  # fmt: skip
    yield table(
        "coverage",
        "Coverage",
        coverage.REPORT.columns,
        _run(connection, coverage.REPORT, scope),
        tuple(column.name for column in coverage.REPORT.columns),
        "The archive has heard of no appliance.",
    )
    if not whole:
        yield table(
            "failures",
            "Failures by reason",
            failures.COLUMNS,
            _run(connection, failures.REPORT, scope),
            ("message_id", "leading", "appliances", "first_time", "last_time", "example"),
            "Nothing has failed.",
        )


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
