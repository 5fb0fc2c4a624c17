"""SQL expressions that SQLite and PostgreSQL write or plan differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from archive.db.types import Day, Text

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.compiler import SQLCompiler

# A mask for the lower half of a 64-bit number.
_LOW_BITS = 2**32 - 1


def halves(
    column: sa.ColumnElement[int],
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """Return the upper and the lower 32 bits of a 64-bit number: upper * 2**32 + lower.

    A sum of 64-bit numbers can exceed 64 bits, and SQLite then fails. The sums of the halves cannot.

    A shift of a negative number is arithmetic on both databases, so the formula holds for these
    too.
    """
    # PostgreSQL shifts by INTEGER only; a bound parameter would be BIGINT.
    high = column.bitwise_rshift(sa.literal_column("32", sa.Integer))
    return high, column.bitwise_and(sa.literal_column(str(_LOW_BITS), sa.BigInteger))


def contains(connection: Connection, column: sa.Column[Any], part: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text contains another; case matters except for ASCII letters.

    The column must have the type `Text`: with its collation PostgreSQL folds only ASCII letters, too.
    """
    if connection.dialect.name == "sqlite":
        return column.contains(part, autoescape=True)  # LIKE ignores the case of ASCII letters
    return column.icontains(part, autoescape=True)


class UnindexedDay(FunctionElement[str]):
    """A column of days that SQLite does not look up in an index.

    Without statistics SQLite takes any range of days for a narrow one.

    The unary plus is what SQLite's documentation of the query planner gives as the way to do that.
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


class AtMostADayLater(FunctionElement[bool]):
    """Whether the first instant is at most a day later than the second, in whole seconds.

    Both arguments are of the type `Instant`; NULL if either is.
    """

    name = "at_most_a_day_later"
    type = sa.Boolean()
    inherit_cache = True


@compiles(AtMostADayLater)
def _by_interval(element: AtMostADayLater, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(one, **options) for one in element.clauses)
    limit = f"date_trunc('second', {earlier}) + interval '1 day'"
    return f"(date_trunc('second', {later}) <= {limit})"


@compiles(AtMostADayLater, "sqlite")
def _by_text(element: AtMostADayLater, compiler: SQLCompiler, **options: Any) -> str:
    later, earlier = (compiler.process(one, **options) for one in element.clauses)
    limit = f"strftime('%Y-%m-%dT%H:%M:%S', {earlier}, '+1 day')"
    return f"(substr({later}, 1, 19) <= {limit})"


class SecondsBetween(FunctionElement[int]):
    """The whole seconds from the first instant to the second, which is not earlier."""

    name = "seconds_between"
    type = sa.BigInteger()
    inherit_cache = True


@compiles(SecondsBetween)
def _subtracted(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = (compiler.process(one, **options) for one in element.clauses)
    return f"CAST(floor(extract(epoch FROM {later} - {earlier})) AS BIGINT)"


@compiles(SecondsBetween, "sqlite")
def _counted(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = (compiler.process(one, **options) for one in element.clauses)
    # Whole seconds are exact; an earlier fraction of a second makes the last one incomplete.
    fractions = f"(substr({later}, 20) < substr({earlier}, 20))"
    return f"(strftime('%s', {later}) - strftime('%s', {earlier}) - {fractions})"


class MonthOf(FunctionElement[str]):
    """The calendar month of a day, such as `2026-07`, without a join with `calendar`.

    The argument is of the type `Day`. Months written so sort in order of time.
    """

    name = "month_of"
    type = Text
    inherit_cache = True


@compiles(MonthOf)
def _formatted(element: MonthOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)}, 'YYYY-MM')"


@compiles(MonthOf, "sqlite")
def _cut(element: MonthOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"


class JoinedInstants(FunctionElement[str]):
    """The instants of a group in one text, with spaces between them, in any order; NULL without any.

    The argument is of the type `Instant`; NULL is left out. Each has the form of `archive.timestamps`.
    """

    name = "joined_instants"
    type = Text
    inherit_cache = True


@compiles(JoinedInstants)
def _aggregated(element: JoinedInstants, compiler: SQLCompiler, **options: Any) -> str:
    instant = compiler.process(element.clauses, **options)
    form = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
    return f"string_agg(to_char({instant} AT TIME ZONE 'UTC', {form}), ' ')"


@compiles(JoinedInstants, "sqlite")
def _concatenated(element: JoinedInstants, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, ' ')"


class Hex(FunctionElement[str]):
    """Bytes in hexadecimal digits, in lower case; NULL for NULL."""

    name = "hex"
    type = Text
    inherit_cache = True


@compiles(Hex)
def _encoded(element: Hex, compiler: SQLCompiler, **options: Any) -> str:
    return f"encode({compiler.process(element.clauses, **options)}, 'hex')"


@compiles(Hex, "sqlite")
def _lower(element: Hex, compiler: SQLCompiler, **options: Any) -> str:
    data = compiler.process(element.clauses, **options)
    return f"CASE WHEN {data} IS NOT NULL THEN lower(hex({data})) END"
