"""The encoding, comments and integrity checks of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection


def require_utf8(connection: Connection) -> None:
    """Raise DatabaseError unless the database stores UTF-8.

    SQLite stores every text in UTF-8 or UTF-16.
    """
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise DatabaseError(
                f"the database's encoding is {encoding}, but the archive needs UTF8: create the"
                " database with ENCODING 'UTF8' TEMPLATE template0"
            )


def comment(connection: Connection, comments: Iterable[tuple[str, str | None, str]]) -> None:
    """Write missing or changed comments (name, column, text) of tables, views and their columns.

    None for the column is the table or view itself. SQLite has no comments.

    Names are those of tables and views in the current schema; others are ignored. The caller must
    own them.
    """
    if connection.dialect.name != "postgresql":
        return
    # Three arrays: one statement compares all comments with those that are there.
    wanted = [list(part) for part in zip(*comments, strict=True)]
    found = connection.exec_driver_sql(
        "SELECT format('COMMENT ON %%s %%s%%s IS %%L', CASE WHEN attname IS NOT NULL THEN 'COLUMN'"
        " WHEN relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END, pg_class.oid::regclass,"
        " '.' || quote_ident(attname), wanted.text)"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (relation, name, text)"
        " INNER JOIN pg_class ON pg_class.oid = to_regclass(quote_ident(wanted.relation))"
        " LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = wanted.name"
        " WHERE wanted.text IS DISTINCT FROM CASE WHEN wanted.name IS NULL"
        " THEN obj_description(pg_class.oid, 'pg_class')"
        " ELSE col_description(pg_class.oid, attnum) END"
        " AND (wanted.name IS NULL) = (attname IS NULL)",
        tuple(wanted),
    ).scalars()
    for statement in found.all():
        # The driver would take a % in a text for a parameter.
        connection.exec_driver_sql(statement.replace("%", "%%"))


def complaints(connection: Connection, *, fast: bool = False) -> list[str]:
    """Return problems that SQLite finds in its file; on PostgreSQL none.

    It reads the whole file, so it takes as long as that. If it must be `fast`, indexes are not compared
    with their tables.
    """
    if connection.dialect.name != "sqlite":
        return []
    check = "quick_check" if fast else "integrity_check"
    found = connection.exec_driver_sql(f"PRAGMA {check}").scalars()
    return [text for text in found if text != "ok"]
