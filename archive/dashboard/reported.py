"""The tables of the page, each of which is what a report says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from archive.dashboard.tables import table
from archive.judgement.standing import OK
from archive.reports import (
    anomalies,
    builds,
    collection,
    failures,
    growth,
    missed,
    rpo,
    streaks,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.dashboard.tables import Table
    from archive.reports.core.report import Report
    from archive.reports.core.scope import Scope

# What is odd, or did not come, is news for so many days.
ODD_DAYS, MISSED_DAYS = 30, 7
# The last days that can be chosen on the page, besides all of it (see `page.html`).
PERIODS = (30, 90, 365)


def attention(
    connection: Connection,
    scope: Scope,
    states: Sequence[rpo.RpoRow],
    struck: Sequence[streaks.StreaksRow],
) -> list[Table]:
    """Return the tables of what needs attention as of now.

    `states` are the rows of `rpo`, `struck` those of `streaks` whose latest backup failed. The
    scope must have a first and a last day.
    """
    return [
        table(
            "overdue",
            "Overdue",
            rpo.REPORT.columns,
            [row for row in states if row.state != OK],
            (
                "appliance", "state", "age_seconds", "objective_seconds", "attempt_status",
                "last_seen",
            ),
            "No backup is overdue.",
        ),
        table(
            "consecutive-failures",
            f"{summary.REPEATED_FAILURES} failures in a row, or more",
            streaks.COLUMNS,
            [row for row in struck if row.streak >= summary.REPEATED_FAILURES],
            ("appliance", "streak", "since_time", "last_good_time"),
            f"No appliance has failed {summary.REPEATED_FAILURES} times in a row.",
        ),
        table(
            "not-reporting",
            "Not reporting",
            collection.REPORT.columns,
            summary.not_reporting(connection, scope),
            (
                "appliance", "last_seen", "age_seconds", "usual_gap_seconds", "unanswered",
            ),
            "Every appliance reports as usual.",
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
            "anomalies",
            f"Anomalies in the last {ODD_DAYS} days",
            anomalies.COLUMNS,
            _newest_first(_run(connection, anomalies.REPORT, _last(scope, ODD_DAYS)), "day"),
            ("appliance", "day", "what", "reason", "key"),
            "No anomalies.",
        ),
    ]  # fmt: skip


def further(connection: Connection, scope: Scope, *, whole: bool) -> Iterator[Table]:
    """Yield the tables of further reports, as far as they follow the period of all its PERIODS, too.

    What failures say there is only where the page cannot count it itself: `whole` says that it can.
    The scope must have a first and a last day.
    """
    yield _growth(connection, scope)
    # Of few days collection knows no usual gap, and so not who is silent.
    yield _collection(connection, scope)
    for days in (None, *(days for days in PERIODS if days < (scope.days or 0))):
        of_days = scope if days is None else _last(scope, days)
        yield replace(_builds(connection, of_days), days=days)
        if not whole:
            yield replace(_failures(connection, of_days), days=days)


def _growth(connection: Connection, scope: Scope) -> Table:
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
            "keep", "kept_bytes", "note",
        ),
        "No backup has a size.",
    )  # fmt: skip


def _builds(connection: Connection, scope: Scope) -> Table:
    return table(
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


def _collection(connection: Connection, scope: Scope) -> Table:
    return table(
        "collection",
        "Collection history",
        collection.REPORT.columns,
        _run(connection, collection.REPORT, scope),
        tuple(column.name for column in collection.REPORT.columns),
        "The archive has heard of no appliance.",
    )


def _failures(connection: Connection, scope: Scope) -> Table:
    return table(
        "failures",
        "Failures by reason",
        failures.COLUMNS,
        _run(connection, failures.REPORT, scope),
        ("message_id", "leading", "appliances", "first_time", "last_time", "example"),
        "Nothing has failed.",
    )


def _last(scope: Scope, days: int) -> Scope:
    """Return the last days of a scope."""
    last = date.fromisoformat(scope.until or "")
    first = max(scope.since or "", (last - timedelta(days=days - 1)).isoformat())
    return replace(scope, since=first)


def _newest_first(rows: Sequence[Any], by: str) -> list[Any]:
    return sorted(rows, key=lambda row: str(getattr(row, by)), reverse=True)


def _run(connection: Connection, report: Report, scope: Scope) -> list[Any]:
    return list(report.run(connection, scope))
