"""Roles on PostgreSQL that read the public part of an archive, and nothing else of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import comments
from archive.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

# Besides the views: what days are, by the archive's calendar, and what they add up to; which
# appliances there are; and the revision, which every verb looks at.
TABLES = ("alembic_version", "appliance", "calendar", "day_total")
READABLE = (*comments.VIEWS, *TABLES)
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_RESERVED = ("public", "none")
_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
# What a role can do beyond reading what it may, whether it was given to it, to everybody, or to a
# role that it is a member of.
_BEYOND = sa.text(f"""
SELECT relname FROM pg_class
WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND (
    has_table_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
    OR has_any_column_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE')
    OR relname <> ALL (CAST(:readable AS name[]))
    AND has_any_column_privilege(CAST(:role AS name), oid, 'SELECT')
)
ORDER BY relname
""")  # noqa: S608 - of constants
_SHOWN = 3


class Role(NamedTuple):
    """A role as it is now: `made` says whether it is new, `creates` whether it can make tables."""

    name: str
    made: bool
    logs_in: bool
    creates: bool


def reader(engine: Engine, name: str) -> Role:
    """Make a role that can read what `READABLE` names, or let one that is there read just that.

    All of it or nothing is done. A new role cannot log in: it is there to be granted. Raises
    UsageError for a database without roles and for a name that is none; DatabaseError if the user
    may not do that, or the role can do more anyway.
    """
    if engine.dialect.name != "postgresql":
        raise UsageError(
            "SQLite has no roles: who may read an archive is what the permissions of its file and"
            " folder say"
        )
    if not _NAME.fullmatch(name) or name.startswith("pg_") or name in _RESERVED:
        raise UsageError(
            f"{name!r} cannot be a role here: write up to 63 small letters, digits and _, not a"
            " digit first, and not pg_ first"
        )
    with db.writing(engine) as connection:
        made = _logs_in(connection, name) is None
        if made:
            connection.exec_driver_sql(f'CREATE ROLE "{name}" NOLOGIN')
        schema = connection.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
        for kind in ("TABLES", "SEQUENCES"):
            connection.exec_driver_sql(f'REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM "{name}"')
        connection.exec_driver_sql(f'GRANT SELECT ON {", ".join(READABLE)} TO "{name}"')
        if not _may(connection, name, "USAGE"):
            connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA {schema} TO "{name}"')
        _require_no_more(connection, name)
        return Role(name, made, bool(_logs_in(connection, name)), _may(connection, name, "CREATE"))


def _logs_in(connection: Connection, name: str) -> bool | None:
    """Say whether a role can log in; None if there is no such role."""
    query = sa.text("SELECT rolcanlogin FROM pg_roles WHERE rolname = :role")
    return connection.execute(query, {"role": name}).scalar()


def _may(connection: Connection, name: str, right: str) -> bool:
    query = sa.text(f"SELECT has_schema_privilege(CAST(:role AS name), {_SCHEMA}, :right)")
    return bool(connection.execute(query, {"role": name, "right": right}).scalar_one())


def _require_no_more(connection: Connection, name: str) -> None:
    values = {"role": name, "readable": list(READABLE)}
    beyond = connection.execute(_BEYOND, values).scalars().all()
    if beyond:
        shown = ", ".join(beyond[:_SHOWN]) + (", ..." if len(beyond) > _SHOWN else "")
        raise DatabaseError(
            f"the role {name} could do more than read the views (with {shown}): it is a superuser,"
            " owns the archive, is a member of a role that can, or everybody can; nothing has been"
            " changed, choose another role"
        )
