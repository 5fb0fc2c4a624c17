"""What a report is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.reports.parts import Ids
    from archive.reports.scope import Scope

# Counts by outcome, which several reports show alike.
OUTCOMES = (
    Column("finished", Kind.COUNT),
    Column("succeeded", Kind.COUNT),
    Column("failed", Kind.COUNT),
    Column("open", Kind.COUNT),
    Column("other", Kind.COUNT, optional=True),
    Column("success_rate", Kind.RATIO),
)


@dataclass(frozen=True)
class Report:
    """A question, the SELECT that answers it, and the rows of the answer.

    A row is a named tuple of the period, the group (None if rows are not grouped), and a value for
    each of `columns`. `from_totals` answers from day totals where these suffice; a report that then
    `approximates` percentiles does so only of many jobs.
    """

    name: str
    question: str
    columns: tuple[Column, ...]
    select: Callable[[Scope, Ids], sa.Select[Any]]
    row: Callable[[sa.Row[Any]], tuple[Any, ...]]
    from_totals: Callable[[Connection, Scope], Iterator[tuple[Any, ...]]] | None = None
    approximates: bool = False

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:
        """Return the columns as they are shown: the group only where there is one."""
        keys = (Column("period"), Column(scope.by)) if scope.by else (Column("period"),)
        return keys + self.columns

    def cells_of(self, scope: Scope, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of rows under `columns_of`."""
        for row in rows:
            yield row if scope.by else (row[0], *row[2:])
