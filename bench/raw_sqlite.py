"""The rows of an archive on SQLite, read into memory and written by the driver alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, NamedTuple

import sqlalchemy as sa


class Rows(NamedTuple):
    """The statement that inserts into a table, and its rows in the order of its primary key."""

    insert: str
    rows: list[tuple[Any, ...]]


def dump(url: str, empty: str) -> list[Rows]:
    """Return all rows that the archive at `url` has beyond the one at `empty`, parents first."""
    metadata = sa.MetaData()
    metadata.reflect(sa.create_engine(url, poolclass=sa.NullPool))
    with closing(_connect(url)) as connection, closing(_connect(empty)) as fresh:
        return [
            rows
            for table in metadata.sorted_tables
            if fresh.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is None
            if (rows := _read(connection, table)).rows
        ]


def write(url: str, tables: list[Rows]) -> None:
    """Write all rows in one transaction, with the settings that archive writes with."""
    with closing(_connect(url)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("BEGIN IMMEDIATE")
        for insert, rows in tables:
            connection.executemany(insert, rows)
        connection.execute("COMMIT")


def _read(connection: sqlite3.Connection, table: sa.Table) -> Rows:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    marks = ", ".join("?" * len(table.columns))
    return Rows(
        f"INSERT INTO {table.name} ({columns}) VALUES ({marks})",
        connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY {order}").fetchall(),
    )


def _connect(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
