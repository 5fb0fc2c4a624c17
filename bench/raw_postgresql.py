"""The rows of an archive on PostgreSQL, read into memory and written by the driver alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader


class Rows(NamedTuple):
    """A table's rows, in the order of its primary key; `columns` are quoted, `types` are names."""

    table: str
    columns: str
    types: list[str]
    rows: list[tuple[Any, ...]]


def dump(url: str, empty: str, *, binary: bool) -> list[Rows]:
    """Return all rows that the archive at `url` has beyond the one at `empty`, parents first.

    For text COPY instants and days are text, which costs the driver less.
    """
    with _connect(url) as connection, _connect(empty) as fresh:
        if not binary:
            for name in ("timestamptz", "date"):
                connection.adapters.register_loader(name, TextLoader)
        return [
            rows
            for table in _tables(url)
            if not _execute(fresh, f"SELECT FROM {table.name} LIMIT 1")
            if (rows := _read(connection, table)).rows
        ]


def write(url: str, tables: list[Rows], *, binary: bool, drop: bool = False) -> None:
    """Write all rows in one transaction.

    With `drop`, without references, which are made again, and so validated, before its end.
    """
    with _connect(url) as connection:
        references = _references(connection) if drop else []
        for table, name, _ in references:
            _execute(connection, f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for table, columns, types, rows in tables:
            way = " (FORMAT BINARY)" if binary else ""
            copying = f"COPY {table} ({columns}) FROM STDIN{way}"
            with connection.cursor() as cursor, cursor.copy(copying.encode()) as copy:
                if binary:
                    copy.set_types(types)
                write_row = copy.write_row
                for row in rows:
                    write_row(row)
        for table, name, definition in references:
            _execute(connection, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _tables(url: str) -> list[sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(sa.create_engine(url, poolclass=sa.NullPool))
    return metadata.sorted_tables


def _read(connection: psycopg.Connection[tuple[Any, ...]], table: sa.Table) -> Rows:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    query = f"SELECT {columns} FROM {table.name} ORDER BY {order}"
    # The driver knows types by the names that the catalogue has for them.
    named = _execute(
        connection,
        "SELECT t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
        f" WHERE a.attrelid = '{table.name}'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
    )
    types = [str(name) for (name,) in named]
    return Rows(table.name, columns, types, _execute(connection, query))


def _references(connection: psycopg.Connection[tuple[Any, ...]]) -> list[tuple[str, str, str]]:
    """Return each reference's table, its name and its definition."""
    query = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    )
    return [(str(table), str(name), str(text)) for table, name, text in _execute(connection, query)]


def _execute(
    connection: psycopg.Connection[tuple[Any, ...]], statement: str
) -> list[tuple[Any, ...]]:
    cursor = connection.execute(statement.encode())
    return cursor.fetchall() if cursor.description is not None else []


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), options="-c timezone=UTC")
