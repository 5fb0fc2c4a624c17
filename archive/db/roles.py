"""PostgreSQL roles that can read only the public part of an archive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import comments
from archive.db.foreign_tables import VERSION_TABLE
from archive.errors import DatabaseError, UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

# Readable besides the views: the calendar and its settings, the day totals, the appliances, and the
# schema revision, which every verb checks.
TABLES = (VERSION_TABLE, "appliance", "calendar", "day_total", "setting")
READABLE = (*comments.VIEWS, *TABLES)
# Names that need no quotes; PostgreSQL cuts longer ones off at 63 bytes.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
# PostgreSQL gives these two a meaning of their own.
_RESERVED = ("public", "none")
# The schema that has the archive: the first one of the search path that exists.
_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
# Relations on which a role has more rights than it should have: its own, those of PUBLIC, and those of
# roles that it is a member of. What belongs to an extension, such as pg_stat_statements, which grants
# its views to everybody, is no part of the archive.
_BEYOND = sa.text(f"""
SELECT relname FROM pg_class
WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND (
    has_table_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
    OR has_any_column_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE')
    OR relname <> ALL (CAST(:readable AS name[]))
    AND has_any_column_privilege(CAST(:role AS name), oid, 'SELECT')
) AND NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
)
ORDER BY relname
""")  # noqa: S608 - of constants
_SHOWN = 3


class Role(NamedTuple):
    """A role: `made` is True for a new one, `creates` if it can create tables.

    `logs_in` and `creates` are of the role itself, before anybody is granted it.
    """

    name: str
    made: bool
    logs_in: bool
    creates: bool


def reader(engine: Engine, name: str) -> Role:
    """Create a role that can read only `READABLE`, or limit an existing one to it.

    It happens in one transaction. A new role cannot log in: it is meant to be granted. Raises
    UsageError on SQLite and for an invalid name, DatabaseError if permissions are missing or if the
    role has more rights for other reasons.
    """
    if engine.dialect.name != "postgresql":
        raise UsageError(
            "SQLite has no roles: set the permissions of the archive's file and folder instead"
        )
    if not _NAME.fullmatch(name) or name.startswith("pg_") or name in _RESERVED:
        raise UsageError(
            f"invalid role name {quoted(name)}: use up to 63 of a-z, 0-9 and _, starting with a letter"
            " or _, but not with pg_"
        )
    with db.writing(engine) as connection:
        made = _logs_in(connection, name) is None
        if made:
            connection.exec_driver_sql(f'CREATE ROLE "{name}" NOLOGIN')
        schema = connection.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
        # First everything is taken back, so that running it again repairs a role.
        for kind in ("TABLES", "SEQUENCES"):
            connection.exec_driver_sql(f'REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM "{name}"')
        connection.exec_driver_sql(f'GRANT SELECT ON {", ".join(READABLE)} TO "{name}"')
        if not _may(connection, name, "USAGE"):
            connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA {schema} TO "{name}"')
        _require_no_more(connection, name)
        return Role(name, made, bool(_logs_in(connection, name)), _may(connection, name, "CREATE"))


def _logs_in(connection: Connection, name: str) -> bool | None:
    """Return whether a role can log in; None if it does not exist."""
    query = sa.text("SELECT rolcanlogin FROM pg_roles WHERE rolname = :role")
    return connection.execute(query, {"role": name}).scalar()


def _may(connection: Connection, name: str, right: str) -> bool:
    """Return whether a role has a right on the archive's schema."""
    query = sa.text(f"SELECT has_schema_privilege(CAST(:role AS name), {_SCHEMA}, :right)")
    return bool(connection.execute(query, {"role": name, "right": right}).scalar_one())


def _require_no_more(connection: Connection, name: str) -> None:
    """Raise DatabaseError, which undoes the transaction, if the role can do more than read."""
    values = {"role": name, "readable": list(READABLE)}
    beyond = connection.execute(_BEYOND, values).scalars().all()
    if beyond:
        shown = ", ".join(beyond[:_SHOWN]) + (", ..." if len(beyond) > _SHOWN else "")
        raise DatabaseError(
            f"role {name} would have more rights than reading the views (on {shown}), as a superuser,"
            " as the owner, through another role or through PUBLIC; nothing was changed: choose"
            " another role"
        )
