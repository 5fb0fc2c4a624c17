"""Seals of rows: checksums of values that nothing else in an archive could prove.

Documents have digests, and totals follow from jobs. What else is stored, such as names, times and logs,
has a column `seal`: two bytes for each sealed column, computed from the row's table, key, the name of the
column and its value. So damage is found, and the column named. A seal does not protect from anybody who
can compute one.

Rows get their seals as they are inserted. An update clears them, and a transaction computes them again
before it is committed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy import event

from archive.db.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection, Engine

COLUMN = "seal"
# Execution option of a writing transaction: the sealed tables that it has changed.
TOUCHED = "archive_touched"
_MASK = 0xFFFF
# Rows that are sealed together.
_PART = 500


def seal_column(*names: str) -> sa.Column[bytes]:
    """Return the column of a table's seals; they cover columns by name, or all that are not of the key.

    It is NULL only within a transaction.
    """
    return sa.Column(COLUMN, sa.LargeBinary, info={"covers": names})


def covered(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that the seals of a table cover; none for a table without seals."""
    if COLUMN not in table.c:
        return []
    names = table.c[COLUMN].info["covers"]
    if names:
        return [table.c[name] for name in names]
    return [column for column in facts(table) if not column.primary_key]


def facts(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns of a table without the one of its seals."""
    return [column for column in table.columns if column.name != COLUMN]


class _Sealer:
    """Computes the seals of a table's rows, given as tuples in the order of its columns."""

    def __init__(self, table: sa.Table) -> None:
        columns = [column.name for column in facts(table)]
        self.names = [column.name for column in covered(table)]
        self._start = crc32(table.name.encode())
        self._keys = [columns.index(column.name) for column in table.primary_key]
        # The place of each covered column, and a number for its name.
        self._places = [(columns.index(name), crc32(name.encode())) for name in self.names]
        self._length = 2 * len(self.names)

    def seal(self, row: Sequence[Any]) -> bytes:
        """Return the seal of a row."""
        key = self._start
        for place in self._keys:
            key = crc32(_bytes(row[place]), key)
        found = 0
        for place, name in self._places:
            found = found << 16 | crc32(_bytes(row[place]), key ^ name) & _MASK
        return found.to_bytes(self._length)


@cache
def _sealer(table: sa.Table) -> _Sealer:
    return _Sealer(table)


def _bytes(value: Any) -> bytes:
    """Return bytes of a value that differ for values of different types, but for numbers and flags."""
    if value is None:
        return b"\xfe"
    if isinstance(value, str):  # whose bytes never begin like the others
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, int):
        return b"\xff%d" % value
    # A column of integers has something else only by damage.
    return b"\xfd" + (value if isinstance(value, bytes) else repr(value).encode())


def sealed(table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows, in the order of the table's columns, with their seals at the end."""
    seal = _sealer(table).seal
    return [(*row, seal(row)) for row in rows]


def broken(table: sa.Table, row: Sequence[Any], found: Any) -> list[str]:
    """Return the names of a row's columns that do not match its seal; all of them if it has none.

    Rows have the order of the table's columns.
    """
    sealer = _sealer(table)
    right = sealer.seal(row)
    if not isinstance(found, bytes) or len(found) != len(right):
        return sealer.names
    return [
        name
        for place, name in enumerate(sealer.names)
        if found[2 * place : 2 * place + 2] != right[2 * place : 2 * place + 2]
    ]


def clear_seals(engine: Engine) -> None:
    """Make every update through an engine clear the seals of its rows."""
    event.listen(engine, "before_execute", _clear, retval=True)


def _clear(
    connection: Connection, statement: Any, several: Any, values: Any, _options: object
) -> tuple[Any, Any, Any]:
    changes = isinstance(statement, sa.Insert | sa.Update) and COLUMN in statement.table.c
    if changes:
        touch(connection, statement.table)
        if isinstance(statement, sa.Update):
            statement = statement.values({COLUMN: None})
    return statement, several, values


class PreparedUpdate:
    """An update of a sealed table, which clears the seals of its rows: see `Prepared`."""

    def __init__(self, statement: sa.Update) -> None:
        self._table = statement.table
        self._statement = Prepared(statement.values({COLUMN: None}))

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each of some values; raises the driver's errors."""
        touch(connection, self._table)
        self._statement.execute_many(connection, rows)


def touch(connection: Connection, table: Any) -> None:
    """Note that a transaction may leave rows of a table without seals."""
    touched = connection.get_execution_options().get(TOUCHED)
    if touched is not None:
        touched.add(table)


def accept(connection: Connection, tables: Iterable[sa.Table]) -> None:
    """Clear all seals of tables: the transaction seals the rows as they are now."""
    for table in tables:
        if covered(table):
            connection.execute(sa.update(table).values({COLUMN: None}))


def seal_rows(connection: Connection, tables: Iterable[sa.Table]) -> None:
    """Seal all rows of tables that have no seal, at the end of a transaction."""
    for table in sorted(tables, key=lambda each: each.name):
        seal = _sealer(table).seal
        names = [column.name for column in facts(table)]
        keys = [(names.index(key.name), f"of_{key.name}") for key in table.primary_key]
        query, update = _statements(table)
        more = True
        while more and (rows := query.rows(connection, {})):
            update.execute_many(
                connection,
                [
                    {name: row[place] for place, name in keys} | {"new_seal": seal(row)}
                    for row in rows
                ],
            )
            more = len(rows) == _PART


@cache  # making a statement takes longer than executing it for few rows
def _statements(table: sa.Table) -> tuple[Prepared, Prepared]:
    """Return the query for rows without a seal, and what stores the seal of one."""
    query = sa.select(*facts(table)).where(table.c[COLUMN].is_(None)).limit(_PART)
    update = (
        sa.update(table)
        .where(
            *(key == sa.bindparam(f"of_{key.name}", type_=key.type) for key in table.primary_key)
        )
        .values({COLUMN: sa.bindparam("new_seal", type_=sa.LargeBinary)})
    )
    return Prepared(query), Prepared(update)
