"""Bring all rows of a distributed archive back to the coordinator, as one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, DropConstraint

from archive import db
from archive.db import comments
from archive.db.distributed import classes, nodes, views
from archive.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection, Engine

# The rights on relations and on columns of the archive, as statements that give them again.
_GRANTS = """
WITH relation AS (
    SELECT oid, relacl, relowner FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND relname = ANY (%s::name[])
), given AS (
    SELECT oid, '' AS part, acl.* FROM relation
    CROSS JOIN LATERAL aclexplode(relacl) AS acl WHERE grantee <> relowner
    UNION ALL
    SELECT relation.oid, format(' (%%I)', attname), acl.* FROM relation
    INNER JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    CROSS JOIN LATERAL aclexplode(attacl) AS acl
)
SELECT format('GRANT %%s%%s ON %%s TO %%s%%s', privilege_type, part, oid::regclass,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM given ORDER BY 1
"""


def undistribute(
    engine: Engine,
    new_archive: Callable[[Engine], AbstractContextManager[Connection]],
    on_bytes: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Undo `distribute`, with keys, comments and rights, and return the number of tables.

    `new_archive` shows a new archive, from which views are taken: `migrate.new_and_empty`. Imports wait meanwhile. `on_bytes` is called with the size of the tables that are done, and of all.
    Raises UsageError if the archive is not distributed, and DatabaseError, with nothing changed.
    """
    recursive = _recursive_views(engine, new_archive)
    with db.writing(engine) as connection:
        if not db.is_distributed(connection):
            raise UsageError("the archive is not distributed")
        db.lock_schema(connection)
        db.lock(connection, ["calendar"])
        _require_unique(connection)
        known = nodes.placed(connection)
        placed = [
            table for table in (*classes.DISTRIBUTED, *classes.REFERENCE) if table.name in known
        ]
        relations = [*(table.name for table in placed), *comments.VIEWS]
        grants = connection.exec_driver_sql(_GRANTS, (relations,)).scalars().all()
        sizes = [_size(connection, table) for table in placed]
        for key in classes.foreign_keys(kept=True):
            connection.execute(DropConstraint(key, if_exists=True))
        for place, table in enumerate(placed):
            on_bytes(sum(sizes[:place]), sum(sizes))
            connection.execute(sa.select(sa.func.undistribute_table(table.name)))
        views.replace(connection, recursive)
        _make_constraints(connection)
        db.comment(connection, comments.comments())
        for grant in grants:
            connection.exec_driver_sql(grant.replace("%", "%%"))
        return len(placed)


def _recursive_views(
    engine: Engine, new_archive: Callable[[Engine], AbstractContextManager[Connection]]
) -> dict[str, str]:
    """Return the views that `distribute` has replaced, as a new archive has them."""
    if engine.dialect.name != "postgresql":
        return {}
    with new_archive(engine) as connection:
        return views.recursive(connection)


def _require_unique(connection: Connection) -> None:
    """Raise DatabaseError if several rows have a value that the server is to keep unique."""
    for constraint, _ in classes.not_unique():
        columns = list(constraint.columns)
        query = sa.select(*columns).group_by(*columns).having(sa.func.count() > 1).limit(1)
        if (row := connection.execute(query).first()) is not None:
            raise DatabaseError(
                f"{constraint.table.name}: several rows have the"
                f" {' and '.join(column.name for column in columns)} {', '.join(map(str, row))}; run"
                " `archive db verify`; nothing was changed"
            )


def _size(connection: Connection, table: sa.Table) -> int:
    query = sa.select(sa.func.citus_total_relation_size(table.name))
    return int(connection.execute(query).scalar_one())


def _make_constraints(connection: Connection) -> None:
    """Make all constraints that Citus could not check."""
    for constraint, stand_in in classes.not_unique():
        connection.exec_driver_sql(f"DROP INDEX {stand_in}")
        connection.execute(AddConstraint(constraint, isolate_from_table=False))
    for kept in (True, False):
        for key in classes.foreign_keys(kept=kept):
            connection.execute(AddConstraint(key, isolate_from_table=False))
