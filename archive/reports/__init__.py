"""Reports by name: each is a question, one SELECT, and typed rows; how they look is not known here."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from archive.errors import UsageError
from archive.reports import durations, sizes, success, totals, trends, volume
from archive.reports.report import Report
from archive.reports.scope import Coverage, Scope, coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

__all__ = ["REPORTS", "Coverage", "Report", "Scope", "coverage", "find", "is_exact", "run"]

REPORTS: dict[str, Report] = {
    module.REPORT.name: module.REPORT for module in (trends, success, volume, sizes, durations)
}
_ROWS_AT_A_TIME = 1000


def find(name: str) -> Report:
    """Return the report of a name. Raises UsageError, with the names that there are."""
    if name in REPORTS:
        return REPORTS[name]
    close = get_close_matches(name, REPORTS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"there is no report named {name!r}{hint} (there are: {', '.join(REPORTS)})")


def is_exact(connection: Connection, name: str, scope: Scope) -> bool:
    """Say whether a report's percentiles are exact, rather than within 1 %."""
    report = find(name)
    return not (report.approximates and _reads_totals(connection, report, scope))


def run(connection: Connection, name: str, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Yield the typed rows of a report, ordered by period and group."""
    report = find(name)
    if report.from_totals is not None and _reads_totals(connection, report, scope):
        return report.from_totals(connection, scope)
    query = report.select(scope, scope.appliance_ids(connection))
    found = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    return map(report.row, found)


def _reads_totals(connection: Connection, report: Report, scope: Scope) -> bool:
    """Say whether day totals can and should answer, rather than the jobs."""
    if report.from_totals is None or not totals.suffice(scope):
        return False
    return not report.approximates or totals.are_many(connection, scope)
