"""Reports by name: each has a question, a SELECT and typed rows. Rendering is done elsewhere.

A new report is a module with a constant REPORT, named below; `archive report` then has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.errors import UsageError
from archive.reports import (
    anomalies,
    appliances,
    builds,
    collection,
    compliance,
    durations,
    failures,
    growth,
    locations,
    missed,
    rpo,
    sizes,
    streaks,
    stuck,
    success,
    summary,
    throughput,
    trends,
    volume,
)
from archive.reports.core.report import Report
from archive.reports.core.scope import ImportSpan, Scope, import_span
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

__all__ = ["REPORTS", "ImportSpan", "Report", "Scope", "find", "import_span", "run"]

# In the order of the help text and of `archive report --list`: from the whole to the details.
REPORTS: dict[str, Report] = {
    module.REPORT.name: module.REPORT
    for module in (
        summary,
        appliances,
        trends,
        success,
        volume,
        sizes,
        durations,
        throughput,
        locations,
        builds,
        missed,
        compliance,
        rpo,
        streaks,
        failures,
        stuck,
        growth,
        anomalies,
        collection,
    )
}


def find(name: str) -> Report:
    """Return the report of a name. Raises UsageError, with the names that there are."""
    if name in REPORTS:
        return REPORTS[name]
    raise UsageError(f"unknown report {quoted(name)}{suggestion(name, REPORTS)}")


def run(connection: Connection, name: str, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Yield the typed rows of a report in its order.

    Raises UsageError for scope fields that the report does not support.

    The rows are read while they are yielded, so the connection must stay open.
    """
    report = find(name)
    scope.check(report)
    return report.run(connection, scope)
