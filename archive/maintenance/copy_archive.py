"""Copy a whole archive into an empty one, on the same or another kind of database.

The copy is one transaction: it is there as a whole, or not at all. Before it is committed, every row is
read again from the copy and compared with the original.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import migrate, tables
from archive.errors import DatabaseError, UsageError
from archive.store.chunks import chunks
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy.engine import Connection, Engine

_Row = tuple[Any, ...]
_ROWS_AT_A_TIME = 5000
# Its rows are the names of locks, which each server makes as it needs them.
LEFT_OUT = (tables.write_lock,)
# A new archive has rows in them: days, and its own settings.
_PREPARED = (tables.calendar, tables.setting)


class Content(NamedTuple):
    """The content of a table: the number of its rows, and the SHA-256 of their values in key order."""

    rows: int
    digest: bytes


def copied_tables() -> list[sa.Table]:
    """Return the tables of a copy, those that others refer to first."""
    return [table for table in tables.metadata.sorted_tables if table not in LEFT_OUT]


def copy_archive(
    source: Engine, target: Engine, on_rows: Callable[[int, int], None] = lambda *_: None
) -> dict[str, Content]:
    """Copy all rows, verify the copy, and return the content of each table by name.

    The target is created if it does not exist. `on_rows` is called with the number of rows written
    and verified so far, and the number of both together. Raises UsageError if the target has content
    already, and DatabaseError, with nothing copied, if a row cannot be stored there or differs.
    """
    if migrate.describe(source) == migrate.describe(target):
        raise UsageError(f"{migrate.describe(target)} is the archive itself: name another database")
    if migrate.current(target) is None:
        migrate.upgrade(target)
    migrate.require(target)
    wanted = copied_tables()
    done = 0
    with db.reading(source) as original, db.writing(target, filling=True) as copy:
        db.lock(copy, ["calendar"])
        _require_empty(copy, migrate.describe(target))
        total = 2 * sum(_count(original, table) for table in wanted)

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            on_rows(done, total)

        for table in reversed(_PREPARED):
            copy.execute(sa.delete(table))
        contents: dict[str, Content] = {}
        with db.constraints_last(copy, [table.name for table in wanted]):
            for table in wanted:
                contents[table.name] = _copy(original, copy, table, advance)
        for table in wanted:
            if content(copy, table, advance) != contents[table.name]:
                raise DatabaseError(
                    f"{table.name}: the copy differs from the original; nothing has been copied"
                )
    return contents


def content(
    connection: Connection, table: sa.Table, on_rows: Callable[[int], None] = lambda _: None
) -> Content:
    """Read a table, and return what both databases give for the same rows."""
    return _read(connection, table, lambda _: None, on_rows)


def _copy(
    original: Connection, copy: Connection, table: sa.Table, on_rows: Callable[[int], None]
) -> Content:
    """Write the rows of a table into the copy, and return the content of the original.

    Raises DatabaseError for a row that cannot be stored there.
    """
    driver = copy.dialect.loaded_dbapi

    def write(rows: list[_Row]) -> None:
        try:
            db.insert(copy, table, rows)
        except (driver.DataError, driver.IntegrityError) as error:
            raise DatabaseError(
                f"{table.name}: a row cannot be stored in the copy ({type(error).__name__}): run"
                " `archive db verify` on the original; nothing has been copied"
            ) from error

    return _read(original, table, write, on_rows)


def _read(
    connection: Connection,
    table: sa.Table,
    on_part: Callable[[list[_Row]], None],
    on_rows: Callable[[int], None],
) -> Content:
    """Read a table in parts and return its content; `on_part` gets the rows, `on_rows` their number.

    Values are compared as Python shows them, which tells 1 from 1.0 and from a text.
    """
    mark, number = hashlib.sha256(), 0
    with closing(_rows(connection, table)) as parts:
        for rows in parts:
            on_part(rows)
            for row in rows:
                mark.update(repr(row).encode("utf-8", "surrogatepass"))
            number += len(rows)
            on_rows(len(rows))
    return Content(number, mark.digest())


def _rows(connection: Connection, table: sa.Table) -> Generator[list[_Row]]:
    """Yield the rows of a table in the order of their key, in parts, while they are fetched."""
    # With its seals: new ones would hide damage.
    query = sa.select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME}) as found:
        yield from chunks(map(tuple, found), _ROWS_AT_A_TIME)


def _require_empty(connection: Connection, place: str) -> None:
    """Raise UsageError if the target has any row that a new archive does not have."""
    for table in copied_tables():
        if table not in _PREPARED and (rows := _count(connection, table)):
            raise UsageError(
                f"{place} has content already ({table.name}: {counted(rows, 'row')}): name an empty"
                " database, or one that does not exist yet"
            )


def _count(connection: Connection, table: sa.Table) -> int:
    """Return the number of rows of a table."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
