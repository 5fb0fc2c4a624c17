"""The rows of every table without the numbers that an archive gives: compared with another archive's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import seals, tables
from archive.store import seen_documents

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection, Engine

# What names a row to the outside. Imports and collections are numbered in their order, which counts.
_NAMES = {
    "appliance": ("name",),
    "job": ("appliance_id", "key"),
    "message_content": ("appliance_id", "digest"),
    **dict.fromkeys(("build", "location", "operation", "message_template"), ("digest",)),
}
# Columns that name a job without a foreign key, since they are judged again with it.
_JOBS = ("job_id", "success_id", "attempt_id", "finished_id", "confirmed_by")


def rows(engine: Engine, leaving_out: Collection[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table, sorted; `leaving_out` are tables, or columns as `table.column`."""
    with db.reading(engine) as connection:
        names = {
            table: _names(connection, table) for table in ("appliance", "job", "message_content")
        }
        names |= {table: _names(connection, table) for table in _NAMES if table not in names}
        return {
            table.name: sorted(
                (
                    tuple(
                        _natural(names, table, row, column)
                        for column in seals.facts(table)
                        if f"{table.name}.{column.name}" not in leaving_out
                        and not (column.name == "id" and table.name in (*_NAMES, "quarantine"))
                    )
                    for row in connection.execute(sa.select(table))
                ),
                key=repr,
            )
            for table in tables.metadata.sorted_tables
            if table.name not in leaving_out
        }


def _names(connection: Connection, name: str) -> dict[Any, Any]:
    """Return what names the rows of a table by their numbers."""
    table = tables.metadata.tables[name]
    appliance = tables.appliance.c.name
    if "appliance_id" in table.c:
        query = sa.select(table.c.appliance_id, table.c.id, appliance, table.c[_NAMES[name][1]])
        query = query.join(tables.appliance, table.c.appliance_id == tables.appliance.c.id)
        return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
    pairs = sa.select(table.c.id, table.c[_NAMES[name][0]])
    return {row[0]: row[1] for row in connection.execute(pairs)}


def _natural(names: dict[str, Any], table: sa.Table, row: Any, column: sa.Column[Any]) -> Any:
    value = row._mapping[column]
    if value is None:
        return None
    if table is tables.latest_import and column.name == "documents":
        documents = seen_documents.decode(value)
        return sorted(
            (mark, names["job"][row.appliance_id, number]) for mark, number in documents.items()
        )
    if column.name in _JOBS:
        return names["job"][row.appliance_id, value]
    if column.name == "content_id":
        return names["message_content"][row.appliance_id, value]
    if column.name == "appliance_id":
        return names["appliance"][value]
    if column.name == "build_id":
        return names["build"].get(value)
    for key in column.foreign_keys:
        if key.column.name == "id" and key.column.table.name in _NAMES:
            return names[key.column.table.name][value]
    return value
