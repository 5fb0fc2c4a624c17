"""Insert many rows at a time, in the fastest way of each driver."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from archive.db import seals

if TYPE_CHECKING:
    import sqlite3

    import psycopg
    from sqlalchemy.engine import Connection, Dialect
    from sqlalchemy.types import TypeEngine

# Named tuples are rows, too; only positions count.
Rows = Sequence[tuple[Any, ...]]

# Several rows per statement take SQLite a third less time; before 3.32 this was its limit of values.
_VALUES_A_STATEMENT = 999
# From so many rows on, PostgreSQL updates them together.
_MANY_ROWS = 500


def insert(connection: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, whose values have the order of the table's columns; seals are added.

    Values have Python's types of the columns: an instant is a fixed-width text, a day an ISO text.
    PostgreSQL gets a COPY, which checks constraints as INSERT does. The caller's transaction must
    be one of `writing`.
    """
    if not rows:
        return
    if seals.covered(table) and len(rows[0]) < len(table.columns):
        rows = seals.sealed(table, rows)
    if connection.dialect.name == "sqlite":
        file = cast("sqlite3.Connection", connection.connection.driver_connection)
        one, several, many = _inserts(table)
        whole = len(rows) - len(rows) % many
        if whole:
            file.executemany(
                several,
                (
                    tuple(chain.from_iterable(rows[start : start + many]))
                    for start in range(0, whole, many)
                ),
            )
        file.executemany(one, rows[whole:])
        return
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    statement, types = _copy(table)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        if types:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


@lru_cache  # an import inserts few rows into many tables
def _inserts(table: sa.Table) -> tuple[str, str, int]:
    """Return SQLite's statements for one row and for several, and for how many."""
    marks = f"({', '.join('?' * len(table.columns))})"
    statement = f"INSERT INTO {table.name} ({_columns(table)}) VALUES "  # noqa: S608 - names from our own tables
    many = _VALUES_A_STATEMENT // len(table.columns)
    return statement + marks, statement + ", ".join([marks] * many), many


@lru_cache
def _copy(table: sa.Table) -> tuple[bytes, list[str]]:
    """Return PostgreSQL's statement, and the types of binary values; none are texts."""
    # Binary only if every column can be: a COPY has one format for all.
    types = [_BINARY[kind] for column in table.columns if (kind := type(column.type)) in _BINARY]
    is_binary = len(types) == len(table.columns)
    form = " (FORMAT binary)" if is_binary else ""
    statement = f"COPY {table.name} ({_columns(table)}) FROM STDIN{form}"
    return statement.encode(), types if is_binary else []


def _columns(table: sa.Table) -> str:
    """Return the names of a table's columns in quotes, as SQL lists them."""
    return ", ".join(f'"{column.name}"' for column in table.columns)


# PostgreSQL loads these types faster in binary form. Instants and days are sent as text.
_BINARY: dict[type[TypeEngine[Any]], str] = {
    sa.BigInteger: "int8",
    sa.Integer: "int4",
    sa.SmallInteger: "int2",
    sa.Boolean: "bool",
    sa.Double: "float8",
    sa.LargeBinary: "bytea",
    sa.Text: "text",
}


def upsert(connection: Connection, table: sa.Table, rows: Rows, changed: Sequence[str]) -> None:
    """Insert rows; where the primary key exists, update the columns in `changed`.

    Rows are as for `insert`, each with another key. It is for few rows: on the server each one is a
    statement of its own, unless there are many.
    """
    if not rows:
        return
    if seals.covered(table):
        rows = seals.sealed(table, rows)
        seals.touch(connection, table)
    text = _upsert(connection.dialect, table, tuple(changed))
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.executemany(text, rows)
        return
    if len(rows) > _MANY_ROWS:
        _upsert_many(driver, text, rows)
        return
    names = table.columns.keys()
    values = [dict(zip(names, row, strict=True)) for row in rows]
    if len(values) == 1:
        driver.execute(text, values[0])
        return
    with driver.cursor() as cursor:
        cursor.executemany(text, values)


def _upsert_many(driver: psycopg.Connection[Any], text: str, rows: Rows) -> None:
    """Insert or update many rows with each statement: Citus sends every one to all nodes in turn."""
    start, values, end = re.split(r"(?<=VALUES )(\(.*?\))(?= ON CONFLICT)", text, flags=re.DOTALL)
    row = re.sub(r"%\(\w+\)s", "%s", values)  # in the order of the columns
    for first in range(0, len(rows), _MANY_ROWS):
        part = rows[first : first + _MANY_ROWS]
        statement = f"{start}{', '.join([row] * len(part))}{end}"
        driver.execute(statement.encode(), list(chain.from_iterable(part)))


@lru_cache  # for few rows, building the statement takes longer than running it
def _upsert(dialect: Dialect, table: sa.Table, changed: tuple[str, ...]) -> str:
    """Return the statement with its marks: in the order of the columns on SQLite, else named.

    SQLAlchemy has INSERT ... ON CONFLICT for each dialect only.
    """
    make: Any
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as make
    else:
        from sqlalchemy.dialects.postgresql import insert as make
    statement = make(table)
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        # Of a row that exists, other columns are sealed, too.
        set_={name: statement.excluded[name] for name in changed}
        | ({seals.COLUMN: sa.null()} if seals.covered(table) else {}),
    )
    return str(statement.compile(dialect=dialect))
