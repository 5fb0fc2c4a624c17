"""The answer of a report to a scope: its columns and rows, and what JSON says above them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.reports.core import pruned, sorting
from archive.reports.core.scope import import_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.columns import Column
    from archive.reports.core.report import Report
    from archive.reports.core.scope import Scope


@dataclass(frozen=True)
class Answer:
    """The columns and the rows of a report; the rows can be read once, in the same transaction."""

    report: Report
    scope: Scope
    columns: Sequence[Column]
    rows: Iterator[tuple[Any, ...]]

    def heading(self, connection: Connection, further: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values before the rows in JSON; `further` are options besides those of the scope."""
        known = import_span(connection, self.scope)
        return {
            "report": self.report.name,
            "question": self.report.question,
            "scope": self.scope.asked(self.report) | dict(further),
            "collection": known and known._asdict(),
            "notes": [
                *self.report.notes(connection, self.scope),
                *pruned.notes(connection, self.scope),
            ],
        }


def answer(
    connection: Connection,
    report: Report,
    scope: Scope,
    sort: str | None = None,
    top: int | None = None,
) -> Answer:
    """Return the answer of a report, the first `top` rows by the column `sort`.

    Raises UsageError, before the report runs, for fields of the scope that it does not support and for a
    column that it does not have: an option that it ignores would give a wrong answer.
    """
    scope.check(report)
    columns = report.columns_of(scope)
    sorting.check(columns, sort)
    found = report.cells_of(scope, report.run(connection, scope))
    return Answer(report, scope, columns, sorting.ordered(columns, found, sort, top))
