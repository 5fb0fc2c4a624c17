"""The tables of the page, each with rows of a report.

Columns are chosen here, by the names that the report gives them; the script knows tables by their
names alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archive.dashboard.tables import table
from archive.reports import (
    anomalies,
    appliances,
    builds,
    collection,
    failure_reasons,
    growth,
    missed,
    stuck,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.dashboard.tables import Table
    from archive.reports.core.report import Report
    from archive.reports.core.scope import Scope

# The days covered by the tables of anomalies and of missed backups.
ANOMALY_DAYS, MISSED_DAYS = 30, 7
# The periods in days that the page offers, besides all days (see `page.html`).
PERIODS = (30, 90, 365)
# The page of a large fleet has the failures of so many last days.
FAILURE_DAYS = 90
# The maximum number of rows of the tables with a few rows for each appliance.
MOST_APPLIANCES = 20_000


def fleet(rows: Sequence[appliances.AppliancesRow]) -> Table:
    """Return the table of all appliances, from the rows of the report `appliances`."""
    return table(
        "appliances",
        "Appliances",
        appliances.COLUMNS,
        rows,
        (
            "appliance", "severity", "state", "age_seconds", "success_end_time", "size_bytes",
            "size_change_ratio", "duration_seconds", "next_due_time", "next_due",
            "consecutive_failures", "last_seen",
        ),
        "No appliances yet.",
        MOST_APPLIANCES,
    )  # fmt: skip


def attention(connection: Connection, scope: Scope) -> list[Table]:
    """Return the tables of problems that need attention as of now.

    The scope must have a first and a last day.
    """
    return [
        table(
            "not-reporting",
            "Not reporting",
            collection.REPORT.columns,
            collection.not_reporting(connection, scope),
            (
                "appliance", "last_seen", "age_seconds", "usual_gap_seconds", "unanswered",
            ),
            "All appliances are reporting.",
        ),
        table(
            "missed",
            f"Missed in the last {MISSED_DAYS} days",
            missed.REPORT.columns,
            _newest_first(_run(connection, missed.REPORT, _last(scope, MISSED_DAYS)), "day"),
            ("appliance", "day", "outcome", "message"),
            "No expected backup was missed.",
        ),
        table(
            "stuck",
            "Stuck jobs",
            stuck.COLUMNS,
            [row for row in _run(connection, stuck.REPORT, _always(scope)) if row.stuck],
            ("appliance", "start_time", "age_seconds", "longest_seconds", "reason", "key"),
            "No job is stuck.",
        ),
        table(
            "anomalies",
            f"Anomalies in the last {ANOMALY_DAYS} days",
            anomalies.COLUMNS,
            _newest_first(_run(connection, anomalies.REPORT, _last(scope, ANOMALY_DAYS)), "day"),
            ("appliance", "day", "what", "reason", "key"),
            "No anomalies.",
        ),
    ]  # fmt: skip


def further(connection: Connection, scope: Scope, named: Scope, *, whole: bool) -> Iterator[Table]:
    """Yield the tables of further reports.

    `named` is the scope of the appliances that are shown individually. `whole` means that these are
    all: then builds are shown for each of the PERIODS, too, and the page counts the failures
    itself. Of a large fleet it shows the failures of the last FAILURE_DAYS at most, and the builds of
    the whole history, whose medians are stored. The scope must have a first and a last day.
    """
    yield _growth(connection, scope)
    # Always for all days, because a few days do not show a usual gap.
    yield _collection(connection, scope)
    periods = [days for days in PERIODS if days < (scope.days or 0)]
    if whole:
        # The longest first; the shortest is the first on the page.
        scopes = [scope, *(_last(scope, days) for days in reversed(periods))]
        all_days, *others = builds.periods(connection, scopes)
        yield _builds_by_appliance(all_days.of_appliances)
        yield _builds(all_days.of_fleet)
        for days, found in zip(periods, reversed(others), strict=True):
            yield replace(_builds(found.of_fleet), days=days)
        return
    yield _builds_by_appliance(_run(connection, builds.REPORT, replace(named, by="appliance")))
    yield _builds(_run(connection, builds.REPORT, _always(scope)))
    yield _failures(connection, _last(scope, min(FAILURE_DAYS, scope.days or FAILURE_DAYS)))
    for days in periods:
        if days < FAILURE_DAYS:
            yield replace(_failures(connection, _last(scope, days)), days=days)


def _growth(connection: Connection, scope: Scope) -> Table:
    """Return the table of growth, the fleet first."""
    grown = _run(connection, growth.REPORT, replace(scope, since=None))
    return table(
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
            "retained_copies", "retained_bytes", "note",
        ),
        "No backup has a size.",
    )  # fmt: skip


def _builds(rows: Sequence[builds.BuildRow]) -> Table:
    """Return the table of the builds of the fleet."""
    return table(
        "builds",
        "Builds",
        builds.REPORT.columns,
        rows,
        (
            "build", "appliances", "first_day", "last_day", "finished", "failed", "success_rate",
            "size_median_bytes", "size_median_ratio", "duration_median_seconds",
            "duration_median_ratio",
        ),
        "No backup has a build.",
    )  # fmt: skip


def _builds_by_appliance(rows: Sequence[builds.BuildRow]) -> Table:
    """Return the table of the builds of each appliance, for a selection of appliances."""
    return table(
        "builds-of-appliances",
        "Builds",
        builds.REPORT.columns,
        rows,
        (
            "appliance", "build", "first_day", "last_day", "finished", "failed", "success_rate",
            "size_median_bytes", "duration_median_seconds",
        ),
        "No backup has a build.",
        MOST_APPLIANCES,
    )  # fmt: skip


def _collection(connection: Connection, scope: Scope) -> Table:
    """Return the table of imports, gaps and attempts, with all columns of its report."""
    return table(
        "collection",
        "Collection history",
        collection.REPORT.columns,
        _run(connection, collection.REPORT, scope),
        tuple(column.name for column in collection.REPORT.columns),
        "No appliance has been imported.",
    )


def _failures(connection: Connection, scope: Scope) -> Table:
    """Return the table of failures by the message id of the first message."""
    return table(
        "failures",
        "Failures by reason",
        failure_reasons.COLUMNS,
        failure_reasons.read(connection, scope),
        [column.name for column in failure_reasons.COLUMNS],
        "No backup has failed.",
    )


def _always(scope: Scope) -> Scope:
    """Return a scope without limits on its days."""
    return replace(scope, since=None, until=None)


def _last(scope: Scope, days: int) -> Scope:
    """Return a scope limited to its last days."""
    return scope.last_days(days, scope.until or "")


def _newest_first(rows: Sequence[Any], by: str) -> list[Any]:
    """Return rows sorted by a value, the greatest first; equal ones keep their order."""
    return sorted(rows, key=lambda row: str(getattr(row, by)), reverse=True)


def _run(connection: Connection, report: Report, scope: Scope) -> list[Any]:
    """Return the rows of a report."""
    return list(report.run(connection, scope))
