"""The interface of reports, and its two implementations: `Listing` and `PeriodReport`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from archive.columns import Column, Kind
from archive.reports.core import comparison, from_months, from_totals, sql
from archive.reports.core.scope import GROUPS, Question
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from archive.charts import Chart
    from archive.reports.core.filters import Ids
    from archive.reports.core.scope import Scope

# The counts by outcome that several reports share.
OUTCOMES = (
    Column("finished", Kind.COUNT),
    Column("succeeded", Kind.COUNT, expendable=6),
    Column("failed", Kind.COUNT),
    Column("open", Kind.COUNT, expendable=3),
    Column("other", Kind.COUNT, optional=True, expendable=5),
    Column("success_rate", Kind.RATIO),
)


# The scope fields that filter jobs.
JOBS = frozenset(
    {"since", "until", "appliances", "named", "types", "locations", "builds", "statuses"}
)


# `archive report` knows reports by these methods alone.
class Report(Question, Protocol):
    """A question about backups, and the typed rows that answer it."""

    @property
    def question(self) -> str:
        """The question that the report answers."""

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:
        """Return the columns of the output."""

    def cells_of(self, scope: Scope, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of rows under `columns_of`."""

    def run(self, connection: Connection, scope: Scope) -> Iterator[tuple[Any, ...]]:
        """Yield the typed rows in the order of the report."""

    def charts_of(self, scope: Scope) -> tuple[Chart, ...]:
        """Return the charts of a plot from top to bottom; empty if the report has no plot."""

    def notes(self, connection: Connection, scope: Scope) -> Iterator[str]:
        """Yield the notes below the rows: period, definitions, precision."""


@dataclass(frozen=True)
class Listing:
    """A report whose rows are the named tuples that `select` yields, with one value per column.

    `takes` are fields of Scope. `select` yields the rows in the order of the report.
    """

    name: str
    question: str
    columns: tuple[Column, ...]
    select: Callable[[Connection, Scope], Iterator[tuple[Any, ...]]]
    takes: frozenset[str]
    groups: tuple[str, ...] = ()
    explain: Callable[[Connection, Scope], Iterator[str]] = lambda *_: iter(())
    charts: tuple[Chart, ...] = ()

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:  # noqa: ARG002 - others depend on it
        """Return the columns, which are always the same."""
        return self.columns

    def cells_of(self, scope: Scope, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:  # noqa: ARG002 - see above
        """Yield the rows as they are."""
        return iter(rows)

    def run(self, connection: Connection, scope: Scope) -> Iterator[tuple[Any, ...]]:
        """Yield the rows."""
        return self.select(connection, scope)

    def charts_of(self, scope: Scope) -> tuple[Chart, ...]:  # noqa: ARG002 - others depend on it
        """Return the charts, which are always the same."""
        return self.charts

    def notes(self, connection: Connection, scope: Scope) -> Iterator[str]:
        """Yield the notes of `explain`."""
        return self.explain(connection, scope)


@dataclass(frozen=True)
class PeriodReport:
    """A report with a row for each period, and each group if rows are grouped, from one SELECT.

    A row is a named tuple of the period, the group (None if rows are not grouped), and a value for
    each of `columns`. `from_totals` answers from day totals where they suffice, `from_months` is
    the same SELECT from month totals. A report that `approximates` percentiles this way does so
    only for many jobs. `compared` names the columns that `--compare` covers; it adds two values for
    each, see `comparison.columns`.
    """

    name: str
    question: str
    columns: tuple[Column, ...]
    select: Callable[[Scope, Ids], sa.Select[Any]]
    row: Callable[[sa.Row[Any]], tuple[Any, ...]]
    from_totals: Callable[[Connection, Scope], Iterator[tuple[Any, ...]]] | None = None
    from_months: Callable[[Scope, Ids], sa.Select[Any]] | None = None
    approximates: bool = False
    compared: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    takes: frozenset[str] = JOBS | {"period", "by", "compare"}
    groups: tuple[str, ...] = GROUPS

    def columns_of(self, scope: Scope) -> tuple[Column, ...]:
        """Return the columns of the output: the group only if rows are grouped."""
        keys = (Column("period"), Column(scope.by)) if scope.by else (Column("period"),)
        added: Iterable[Column] = ()
        if scope.compare:
            added = comparison.columns(self.columns[place] for place in self._places())
        return (*keys, *self.columns, *added)

    def cells_of(self, scope: Scope, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of rows under `columns_of`."""
        for row in rows:
            yield row if scope.by else (row[0], *row[2:])

    def run(self, connection: Connection, scope: Scope) -> Iterator[tuple[Any, ...]]:
        """Yield the typed rows, ordered by period and group; plain tuples for a comparison."""
        # Decided for the whole scope, also of a comparison: exact and approximate values must not
        # mix.
        totals_do = self._reads_totals(connection, scope)
        has_rate = sql.has_rate(scope)

        def row(found: sa.Row[Any]) -> tuple[Any, ...]:
            made = self.row(found)
            return made if has_rate else sql.without_rate(made)

        def rows(scope: Scope) -> Iterator[tuple[Any, ...]]:
            if totals_do and self.from_totals is not None:
                return self.from_totals(connection, scope)
            select = self.select
            # Exact as the jobs are, so the notes need not say which was read.
            if self.from_months is not None and from_months.suffice(scope):
                select = self.from_months
            query = select(scope, scope.appliance_ids(connection))
            return sql.streamed(connection, query, row)

        if not scope.compare:
            return rows(scope)
        keys = 2  # the period and the group stand before the columns
        places = [keys + place for place in self._places()]
        today = settings.calendar(connection).day(scope.now)
        return comparison.compared(rows, scope, places, today)

    def charts_of(self, scope: Scope) -> tuple[Chart, ...]:  # noqa: ARG002 - others depend on it
        """Return the charts, which are always the same."""
        return self.charts

    def _places(self) -> list[int]:
        """Return the positions of the compared columns among `columns`."""
        names = [column.name for column in self.columns]
        return [names.index(name) for name in self.compared]

    def is_exact(self, connection: Connection, scope: Scope) -> bool:
        """Return whether percentiles are exact, rather than within 1 %."""
        return not (self.approximates and self._reads_totals(connection, scope))

    def notes(self, connection: Connection, scope: Scope) -> Iterator[str]:
        """Yield notes on the period of rows, the precision of percentiles, and unlike days compared."""
        calendar = settings.calendar(connection)
        note = f"Each row is a {scope.period}; days start at {calendar.day_start} {calendar.zone}"
        if self.approximates:
            exact = self.is_exact(connection, scope)
            note += f"; percentiles are {'exact (nearest rank)' if exact else 'within 1 %'}"
        yield f"{note}."
        if scope.compare:
            yield from comparison.notes(scope, calendar.day(scope.now))

    def _reads_totals(self, connection: Connection, scope: Scope) -> bool:
        """Return whether to read day totals instead of jobs."""
        if self.from_totals is None or not from_totals.suffice(scope):
            return False
        if scope.compare:
            scope = comparison.widened(scope)
        return not self.approximates or from_totals.are_many(connection, scope)
