"""Databases of other programs: recognised, and left alone unless the user allows to share one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.errors import SchemaError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

# SQLite's mark of a file's program, "vCBA" in ASCII; `file` and other programs show it. 0: no mark.
APPLICATION_ID = 0x76434241
# Not Alembic's usual name, which another program in the same database may use.
VERSION_TABLE = "archive_schema"
_SHOWN = 3


def refuse(engine: Engine, place: str, *, allowed: bool = False) -> None:
    """Raise SchemaError if a database without an archive belongs to another program.

    `allowed`: it may have other tables, if their names are not the archive's. Nothing is changed.

    A database with nothing in it is fine. On PostgreSQL only the current schema counts. `place` is
    its name in the error.
    """
    path = db.sqlite_file(engine.url)
    if path is not None and not path.exists():
        return
    with db.reading(engine) as connection:
        mark = _mark(connection)
        inspector = sa.inspect(connection)
        found = sorted(
            {*inspector.get_table_names(), *inspector.get_view_names()}
            - {VERSION_TABLE, *_of_extensions(connection)}
        )
    if mark not in (0, APPLICATION_ID):
        raise SchemaError(
            f"{place} belongs to another program (application_id {mark:#010x}): name another file"
        )
    same = [name for name in found if name in tables.metadata.tables]
    if same or (found and not allowed):
        shown = ", ".join((same or found)[:_SHOWN]) + (
            ", ..." if len(same or found) > _SHOWN else ""
        )
        advice = "use an empty database or schema" if path is None else "name another file"
        if not same:
            advice += ", or `archive db upgrade --beside-other-tables`"
        raise SchemaError(
            f"the database at {place} has tables of another program ({shown}): {advice}"
        )


def _of_extensions(connection: Connection) -> list[str]:
    """Return the tables and views of extensions, such as pg_stat_statements: no program's data."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.exec_driver_sql(
        "SELECT relname FROM pg_class INNER JOIN pg_depend ON objid = pg_class.oid"
        " WHERE classid = 'pg_class'::regclass AND deptype = 'e'"
        " AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
    )
    return list(found.scalars())


def mark(connection: Connection) -> None:
    """Mark a new SQLite archive, unless it has other tables, too.

    The pragma is a part of the caller's transaction, which creates the tables: both come or
    neither.
    """
    others = set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE}
    if connection.dialect.name == "sqlite" and not others:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _mark(connection: Connection) -> int:
    """Return the application_id of a SQLite file; 0 if it has none, and on PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
