"""Expressions of SQL that the databases write or plan in ways of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from archive.db.types import Day

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.compiler import SQLCompiler


def contains(connection: Connection, column: sa.Column[Any], part: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text has a part; ASCII letters are the same in either case.

    The column has the type `Text`, so that PostgreSQL knows no other letters, either.
    """
    if connection.dialect.name == "sqlite":
        return column.contains(part, autoescape=True)  # LIKE takes them for the same
    return column.icontains(part, autoescape=True)


class UnindexedDay(FunctionElement[str]):
    """A column of days as it is, but that SQLite looks for no rows by an index on it.

    Without statistics of ranges it takes any range of days for a narrow one.
    """

    name = "unindexed_day"
    type = Day()
    inherit_cache = True


@compiles(UnindexedDay)
def _as_it_is(element: UnindexedDay, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(UnindexedDay, "sqlite")
def _signed(element: UnindexedDay, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"
