"""Functions that fill an archive: called once in a process; from then on, an empty archive gets a copy of all rows."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from archive import db, timestamps
from archive.db import tables
from tests.support import archives

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy.engine import Engine

_P = ParamSpec("_P")
_CLOCK = timestamps.now


def copied(
    fill: Callable[Concatenate[Engine, _P], None],
) -> Callable[Concatenate[Engine, _P], None]:
    """Decorate a function that fills an archive with the same rows each time, given the same arguments.

    An archive that has content already, or options such as a key, is filled by the function itself, and so is any
    while a test has set the clock.
    """
    # By database and arguments: the rows of each table that has some.
    copies: dict[Hashable, dict[str, Any]] = {}

    @wraps(fill)
    def filled(engine: Engine, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        if timestamps.now is not _CLOCK or engine.get_execution_options() or not _is_empty(engine):
            fill(engine, *args, **kwargs)
            return
        key = (engine.dialect.name, args, *kwargs.items())
        if key in copies:
            _write(engine, copies[key])
        else:
            fill(engine, *args, **kwargs)
            copies[key] = _read(engine)

    return filled


def _is_empty(engine: Engine) -> bool:
    with db.reading(engine) as connection:
        return archives.present(connection) == []


def _read(engine: Engine) -> dict[str, Any]:
    """Return the rows of all tables, on PostgreSQL as it copies them; parents first.

    Those of the calendar are left out if they are as in an empty archive.
    """
    found: dict[str, Any] = {}
    with db.reading(engine) as connection:
        names = archives.present(connection)
        if tables.setting.name in names:  # there may be another calendar
            names.append(tables.calendar.name)
        driver: Any = connection.connection.driver_connection
        for name in (table.name for table in tables.metadata.sorted_tables if table.name in names):
            if engine.dialect.name == "postgresql":
                with driver.cursor().copy(f"COPY {name} TO STDOUT (FORMAT BINARY)") as copy:
                    found[name] = b"".join(copy)
            else:
                found[name] = driver.execute(f"SELECT * FROM {name}").fetchall()
    return found


def _write(engine: Engine, rows: dict[str, Any]) -> None:
    with db.writing(engine) as connection:
        driver: Any = connection.connection.driver_connection
        if tables.calendar.name in rows:
            driver.execute(f"DELETE FROM {tables.calendar.name}")
        for name, found in rows.items():
            if engine.dialect.name == "postgresql":
                with driver.cursor().copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(found)
            else:
                values = ", ".join("?" * len(found[0]))
                driver.executemany(f"INSERT INTO {name} VALUES ({values})", found)
