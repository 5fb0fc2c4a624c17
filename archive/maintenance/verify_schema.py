"""Compare the schema of an archive with the one that this version's migrations create.

Everything counts: tables, columns, views, indexes, checks, keys and triggers. The migrations run again,
in memory for SQLite, and in a transaction on temporary tables that is rolled back for PostgreSQL. Both
databases then show their definitions in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db
from archive.db import migrate, tables
from archive.db.comments import VIEWS
from archive.db.distributed import definitions, views
from archive.db.foreign_tables import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

# Kind and name of each part of the schema, and its definition.
_Definitions = dict[tuple[str, str], str]

_SQLITE = "SELECT type, name, tbl_name || ' ' || sql FROM sqlite_schema WHERE sql IS NOT NULL"
# The name of the schema is left out of the definitions.
_POSTGRESQL = """
WITH relation AS (
    SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = {schema}
)
SELECT 'view', relname, pg_get_viewdef(oid) FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'column', relname || '.' || attname,
    concat_ws(' ', relname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation,
        pg_get_expr(adbin, adrelid))
FROM relation
INNER JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'p')
UNION ALL
SELECT 'constraint', conname, relname || ' ' || pg_get_constraintdef(pg_constraint.oid)
FROM relation INNER JOIN pg_constraint ON conrelid = relation.oid
UNION ALL
SELECT 'index', indexed.relname,
    regexp_replace(pg_get_indexdef(indexed.oid), ' ON \\S+ ', ' ON ' || relation.relname || ' ')
FROM relation
INNER JOIN pg_index ON indrelid = relation.oid
INNER JOIN pg_class AS indexed ON indexed.oid = indexrelid
UNION ALL
SELECT 'trigger', tgname, relname || ' ' || pg_get_triggerdef(pg_trigger.oid)
FROM relation INNER JOIN pg_trigger ON tgrelid = relation.oid AND NOT tgisinternal
UNION ALL
SELECT 'rule', rulename, relname || ' ' || pg_get_ruledef(pg_rewrite.oid)
FROM relation INNER JOIN pg_rewrite ON ev_class = relation.oid AND rulename <> '_RETURN'
"""
_CURRENT = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_TEMPORARY = "pg_my_temp_schema()"
# Parts that would change what a table accepts or returns, if somebody else added them.
_FOREIGN = ("column", "constraint", "trigger", "rule")
_ADVICE = "create a new archive, and copy this one into it with `archive db copy`"


def differences(engine: Engine) -> Iterator[str]:
    """Yield a line for each part of the schema that is missing, different or not this version's.

    What does not belong to a table or view of the archive is left alone.
    """
    with db.reading(engine) as connection:
        revision = migrate.revision(connection)
        if revision != migrate.HEAD:
            yield f"schema: revision {revision} instead of {migrate.HEAD}"
        found = _definitions(connection, _CURRENT)
        is_distributed = db.is_distributed(connection)
        missing = definitions.not_placed(connection) if is_distributed else []
    for name in missing:
        yield f"schema: table {name} is not distributed: run `archive db upgrade`"
    wanted = _wanted(engine, is_distributed=is_distributed)
    relations = {*tables.metadata.tables, *VIEWS}
    for kind, name in sorted(wanted.keys() | found.keys()):
        right, stored = wanted.get((kind, name)), found.get((kind, name))
        if right is None:
            if kind in _FOREIGN and str(stored).split(" ", 1)[0] in relations:
                yield f"schema: {kind} {name} does not belong to the archive: drop it"
        elif stored is None:
            yield f"schema: {kind} {name} is missing: {_ADVICE}"
        elif stored != right:
            yield f"schema: {kind} {name} differs from this version: {_ADVICE}"


# By the version of the server, which words definitions.
_wanted_before: dict[object, _Definitions] = {}


def _wanted(engine: Engine, *, is_distributed: bool) -> _Definitions:
    """Return the definitions that the migrations give. A process runs them once for each server version."""
    on_sqlite = engine.dialect.name == "sqlite"
    version = engine.dialect.name, engine.dialect.server_version_info, is_distributed
    if version not in _wanted_before:
        _wanted_before[version] = (
            _wanted_on_sqlite()
            if on_sqlite
            else _wanted_on_postgresql(engine, is_distributed=is_distributed)
        )
    return _wanted_before[version]


def _wanted_on_sqlite() -> _Definitions:
    with migrate.new_in_memory() as connection:
        return _definitions(connection, "")


def _wanted_on_postgresql(engine: Engine, *, is_distributed: bool) -> _Definitions:
    with migrate.new_and_empty(engine) as connection:
        if is_distributed:
            views.avoid_recursion(connection)
        found = _definitions(connection, _TEMPORARY)
    return definitions.adapted(found) if is_distributed else found


def _definitions(connection: Connection, schema: str) -> _Definitions:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(_SQLITE).all()
    else:
        rows = connection.exec_driver_sql(_POSTGRESQL.format(schema=schema)).all()
    return {(kind, name): definition for kind, name, definition in rows if name != VERSION_TABLE}
