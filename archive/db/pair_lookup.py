"""Find the rows of many keys, or of pairs of keys, with few queries."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

# Before 3.32 SQLite accepts 999 values a statement.
_PAIRS_A_STATEMENT = 499
_KEYS_A_STATEMENT = 999


def find_by_digest(
    connection: Connection, table: sa.Table, wanted: Iterable[bytes]
) -> Iterator[tuple[bytes, int]]:
    """Yield `digest` and `id` of the rows of a table whose digest is among the wanted ones."""
    query = f"SELECT digest, id FROM {table.name} WHERE digest"  # noqa: S608 - a name of our own
    if connection.dialect.name == "sqlite":
        file = cast("sqlite3.Connection", connection.connection.driver_connection)
        digests = iter(wanted)
        while chunk := list(islice(digests, _KEYS_A_STATEMENT)):
            yield from file.execute(f"{query} IN ({', '.join('?' * len(chunk))})", chunk)
        return
    # An array, so that the statement is the same for any number.
    rows = connection.exec_driver_sql(f"{query} = ANY (%s::bytea[])", (list(wanted),))
    yield from map(tuple, rows)


def find_pairs(
    connection: Connection,
    keys: tuple[sa.Column[Any], sa.Column[Any]],
    wanted: Iterable[tuple[int, Any]],
    columns: Sequence[sa.Column[Any]],
) -> Iterator[tuple[Any, ...]]:
    """Yield the values of columns for the rows whose two keys are among the wanted pairs.

    All columns belong to one table, and an index must begin with the keys. The first key is a number.

    The order of the rows is not defined; a pair without a row gives none. The second keys are texts
    or bytes. Values are Python's, as SQLAlchemy would return them.
    """
    table, (first, second) = keys[0].table, keys
    same = f'"{first.name}" = wanted.first AND "{second.name}" = wanted.second'
    listed = ", ".join(f'"{column.name}"' for column in columns)
    if connection.dialect.name == "sqlite":
        file = cast("sqlite3.Connection", connection.connection.driver_connection)
        pairs = iter(wanted)
        while chunk := list(islice(pairs, _PAIRS_A_STATEMENT)):
            marks = ", ".join(["(?, ?)"] * len(chunk))
            # A cross join keeps the order: SQLite looks each pair up.
            yield from file.execute(
                f"WITH wanted (first, second) AS (VALUES {marks}) SELECT {listed}"  # noqa: S608 - names from our own tables
                f" FROM wanted CROSS JOIN {table} ON {same}",
                tuple(chain.from_iterable(chunk)),
            )
        return
    numbers, others = zip(*wanted, strict=True) if (wanted := list(wanted)) else ((), ())
    # Arrays, so that the statement is the same for any number of pairs.
    kind = "bytea" if isinstance(second.type, sa.LargeBinary) else "text"
    rows = connection.exec_driver_sql(
        f"SELECT {listed} FROM unnest(%s::bigint[], %s::{kind}[]) AS wanted (first, second)"  # noqa: S608 - as above
        f" INNER JOIN {table} ON {same}",
        (list(numbers), list(others)),
    )
    processors = [column.type.result_processor(connection.dialect, None) for column in columns]
    for row in rows:
        yield tuple(
            value if process is None else process(value)
            for process, value in zip(processors, row, strict=True)
        )
