"""Statements that each import executes: compiled once, and executed by the driver itself.

To execute a statement for a few rows, SQLAlchemy takes several times as long as SQLite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.engine import Connection, Dialect


class _Compiled(NamedTuple):
    """A statement of one dialect, its values (named, or in order), and what makes Python's values.

    `names` is None if the driver takes values by name.
    """

    text: str
    defaults: Mapping[str, Any]
    names: list[str] | None
    processors: Sequence[tuple[int, Callable[[Any], Any]]]


class Prepared:
    """A statement with bound parameters, none of which stands for a list."""

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Delete | sa.Update) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT, with Python's values as SQLAlchemy would return them.

        Raises the driver's errors, which `writing` and `reading` explain.
        """
        rows = cast("list[tuple[Any, ...]]", self._execute(connection, values).fetchall())
        processors = self._of(connection.dialect).processors
        return [_processed(row, processors) for row in rows] if processors else rows

    def rows_of_each(
        self, connection: Connection, several: Sequence[Mapping[str, Any]]
    ) -> list[list[tuple[Any, ...]]]:
        """Return what `rows` does for each of several values, in few round trips to a server."""
        if len(several) <= 1 or connection.dialect.name == "sqlite":
            return [self.rows(connection, values) for values in several]
        text, defaults, _, processors = self._of(connection.dialect)
        driver: Any = connection.connection.driver_connection
        with driver.pipeline():
            cursors = [driver.execute(text, {**defaults, **values}) for values in several]
            found = [cursor.fetchall() for cursor in cursors]
        return [[_processed(row, processors) for row in rows] for rows in found]

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute a statement that returns no rows. Raises as `rows` does."""
        self._execute(connection, values)

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement that returns no rows for each of several values. Raises as `rows` does."""
        if len(rows) == 1:
            self._execute(connection, rows[0])
            return
        text, defaults, names, _ = self._of(connection.dialect)
        whole: list[Any] = [{**defaults, **values} for values in rows]
        if names is not None:
            whole = [[values[name] for name in names] for values in whole]
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        try:
            cursor.executemany(text, whole)
        finally:
            cursor.close()

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        text, defaults, names, _ = self._of(connection.dialect)
        given: Any = {**defaults, **values}
        if names is not None:
            given = [given[name] for name in names]
        driver: Any = connection.connection.driver_connection
        return driver.execute(text, given)

    def _of(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return found


def _compile(
    statement: sa.Select[Any] | sa.Insert | sa.Delete | sa.Update, dialect: Dialect
) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)
    processors = []
    if isinstance(statement, sa.Select):
        for place, column in enumerate(statement.selected_columns):
            process = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if process is not None:
                processors.append((place, process))
    return _Compiled(compiled.string, compiled.params, compiled.positiontup, processors)


def _processed(
    row: tuple[Any, ...], processors: Sequence[tuple[int, Callable[[Any], Any]]]
) -> tuple[Any, ...]:
    values = list(row)
    for place, process in processors:
        values[place] = process(values[place])
    return tuple(values)
