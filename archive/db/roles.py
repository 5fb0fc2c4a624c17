"""PostgreSQL roles for an archive: one that reads, one that writes, and one that owns it.

What each may do stands in `archive.db.rights`. `give_again` gives the rights again after an upgrade, also
on tables and views that are new.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import rights
from archive.db.foreign_tables import VERSION_TABLE
from archive.db.rights import RELATIONS, Rights
from archive.errors import DatabaseError, UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection, Engine

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
    has_table_privilege(CAST(:role AS name), oid, 'TRUNCATE, TRIGGER, REFERENCES')
    OR (has_table_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE, DELETE')
        OR has_any_column_privilege(CAST(:role AS name), oid, 'INSERT, UPDATE'))
    AND relname <> ALL (CAST(:changed AS name[]))
    OR has_table_privilege(CAST(:role AS name), oid, 'UPDATE, DELETE')
    AND relname = ANY (CAST(:append_only AS name[]))
    OR has_any_column_privilege(CAST(:role AS name), oid, 'SELECT')
    AND relname <> ALL (CAST(:readable AS name[]))
    OR EXISTS (
        SELECT FROM unnest(CAST(:hidden_tables AS name[]), CAST(:hidden AS name[])) AS one (tab, col)
        INNER JOIN pg_attribute ON attrelid = pg_class.oid AND attname = one.col
        WHERE one.tab = relname
        AND has_column_privilege(CAST(:role AS name), pg_class.oid, attnum, 'SELECT')
    )
) AND NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
)
ORDER BY relname
""")  # noqa: S608 - of constants
_SHOWN = 3
# Roles with rights on the archive of their own, and whether they write.
_GIVEN = sa.text(f"""
SELECT rolname, bool_or(relname = 'job' AND privilege_type = 'INSERT') AS writes
FROM pg_class
CROSS JOIN LATERAL aclexplode(relacl) AS given
INNER JOIN pg_roles ON pg_roles.oid = given.grantee
WHERE relnamespace = {_SCHEMA} AND relname IN ('job', '{VERSION_TABLE}') AND grantee <> relowner
AND pg_has_role(relowner, 'USAGE')
GROUP BY rolname HAVING bool_or(relname = '{VERSION_TABLE}')
""")  # noqa: S608 - of constants
# What an owner could do to other databases, or to the server.
_MIGHTY = sa.text(
    "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    " FROM pg_roles WHERE rolname = :role"
)

# The workers look for rights on the tables below a view, which a reader does not have.
NO_READERS = (
    "a distributed archive cannot have readers ({}): drop such roles, and let people read reports from"
    " `archive serve`, or tables from `archive export`"
)


class Role(NamedTuple):
    """A role: `made` is True for a new one, `creates` if it can create tables.

    `logs_in` and `creates` are of the role itself, before anybody is granted it.
    """

    name: str
    made: bool
    logs_in: bool
    creates: bool


def give(engine: Engine, name: str, wanted: Rights = Rights.READER) -> Role:
    """Create a role with exactly these rights on the archive, or limit an existing one to them.

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
        if wanted is Rights.READER and db.is_distributed(connection):
            raise DatabaseError(NO_READERS.format(name))
        made = _logs_in(connection, name) is None
        if made:
            connection.exec_driver_sql(f'CREATE ROLE "{name}" NOLOGIN')
        schema = connection.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
        if not _may(connection, name, "USAGE"):
            connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA {schema} TO "{name}"')
        if wanted is Rights.OWNER:
            _hand_over(connection, name, schema)
        else:
            # First everything is taken back, so that running it again repairs a role.
            for kind in ("TABLES", "SEQUENCES"):
                connection.exec_driver_sql(
                    f'REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM "{name}"'
                )
            _grant(connection, name, wanted)
            _require_no_more(connection, name, wanted)
        return Role(name, made, bool(_logs_in(connection, name)), _may(connection, name, "CREATE"))


def given(connection: Connection) -> Mapping[str, Rights]:
    """Return the roles with rights of their own; none on SQLite, or if the user is not the owner."""
    if connection.dialect.name != "postgresql":
        return {}
    return {
        row.rolname: Rights.WRITER if row.writes else Rights.READER
        for row in connection.execute(_GIVEN)
    }


def give_again(connection: Connection, roles: Mapping[str, Rights]) -> None:
    """Give roles their rights again: a migration may have added, or made anew, a table or view.

    Nothing is taken from a role. PostgreSQL's default privileges could not hide single columns.
    """
    for name, wanted in roles.items():
        _grant(connection, name.replace('"', '""'), wanted)


def _grant(connection: Connection, name: str, wanted: Rights) -> None:
    for grant in rights.grants(wanted):
        connection.exec_driver_sql(f'GRANT {grant} TO "{name}"')


def _hand_over(connection: Connection, name: str, schema: str) -> None:
    """Make a role the owner of all relations. Raises DatabaseError if it has power beyond them."""
    if connection.execute(_MIGHTY, {"role": name}).scalar_one():
        raise DatabaseError(
            f"role {name} has more rights than an archive's owner needs, such as those of a superuser;"
            " nothing was changed: choose another role"
        )
    if not _may(connection, name, "CREATE"):  # for upgrades
        connection.exec_driver_sql(f'GRANT CREATE ON SCHEMA {schema} TO "{name}"')
    for relation in RELATIONS:
        connection.exec_driver_sql(f'ALTER TABLE {relation} OWNER TO "{name}"')


def _logs_in(connection: Connection, name: str) -> bool | None:
    """Return whether a role can log in; None if it does not exist."""
    query = sa.text("SELECT rolcanlogin FROM pg_roles WHERE rolname = :role")
    return connection.execute(query, {"role": name}).scalar()


def _may(connection: Connection, name: str, right: str) -> bool:
    """Return whether a role has a right on the archive's schema."""
    query = sa.text(f"SELECT has_schema_privilege(CAST(:role AS name), {_SCHEMA}, :right)")
    return bool(connection.execute(query, {"role": name, "right": right}).scalar_one())


def _require_no_more(connection: Connection, name: str, wanted: Rights) -> None:
    """Raise DatabaseError, which undoes the transaction, if the role can do more than wanted."""
    writes = wanted is Rights.WRITER
    hidden = [] if writes else sorted(rights.HIDDEN)
    values = {
        "role": name,
        "changed": list(rights.CHANGED if writes else ()),
        "append_only": list(rights.APPEND_ONLY),
        "readable": list(RELATIONS if writes else rights.readable()),
        "hidden_tables": [table for table, _ in hidden],
        "hidden": [column for _, column in hidden],
    }
    beyond = connection.execute(_BEYOND, values).scalars().all()
    if beyond:
        shown = ", ".join(beyond[:_SHOWN]) + (", ..." if len(beyond) > _SHOWN else "")
        raise DatabaseError(
            f"role {name} would have more rights than a {wanted} (on {shown}), as a superuser,"
            " as the owner, through another role or through PUBLIC; nothing was changed: choose"
            " another role"
        )
