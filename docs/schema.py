"""Write `docs/schema.md` from the tables and their comments: `python -m docs.schema`, `make docs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import comments, migrate, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAGE = Path(__file__).with_suffix(".md")
_TYPES = {
    sa.BigInteger: "bigint",
    sa.Integer: "integer",
    sa.SmallInteger: "smallint",
    sa.Boolean: "boolean",
    sa.Double: "double",
    sa.LargeBinary: "bytes",
    sa.Text: "text",
    db.Instant: "instant",
    db.Day: "day",
}
_INTRODUCTION = f"""\
# Schema

This page lists every view, table and column of schema revision {migrate.HEAD}. `make docs` generates it from the
descriptions that PostgreSQL also has as comments: `\\d+ v_job` in psql shows them. [SQL](sql.md) explains how to
use the views and tables; the [glossary](glossary.md) defines the terms.

The views are the interface: later versions keep their columns, with the same names and meanings. You can
read the tables, too; the [changes](../CHANGELOG.md) list each change of a table.

| type | PostgreSQL | SQLite |
|---|---|---|
| instant | `timestamptz` | UTC as text of fixed width, `2026-07-23T02:15:00.041000Z` |
| day | `date` | text, `2026-07-23` |
| text | `text`, collation `C` | text |
| bigint, integer | `bigint`, `integer` | integer |
| boolean | `boolean` | 1 or 0 |
| double | `double precision` | real |
| bytes | `bytea` | blob |
"""
_DIAGRAM = """\
## How the tables are related

The diagram shows only the key columns.
"""
_TABLES = """\
## Tables

A `?` after the type marks a column that may be NULL. The primary key is **bold**.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Views\n"
    for name, (rows, columns) in comments.VIEWS.items():
        yield from _heading(name, rows)
        yield from _table(("column", ""), ((f"`{column}`", columns[column]) for column in columns))
    yield _DIAGRAM
    yield "```mermaid\nerDiagram"
    for name in comments.TABLES:
        yield from _entity(tables.metadata.tables[name])
    for name in comments.TABLES:
        yield from _relations(tables.metadata.tables[name])
    yield "```\n"
    yield _TABLES
    conditions = _conditions()
    for name, (rows, columns) in comments.TABLES.items():
        table = tables.metadata.tables[name]
        yield from _heading(name, rows)
        cells = ((*_name_and_type(column), columns[column.name]) for column in table.columns)
        yield from _table(("column", "type", ""), cells)
        indexes = list(_indexes(table, conditions))
        if indexes:
            yield f"Indexes: {'; '.join(indexes)}.\n"


def _heading(name: str, rows: str) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"One row is {rows}.\n"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    cells = list(header)
    yield f"| {' | '.join(cells)} |"
    yield f"|{'---|' * len(cells)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _name_and_type(column: sa.Column[object]) -> tuple[str, str]:
    name = f"**`{column.name}`**" if column.primary_key else f"`{column.name}`"
    return name, _type(column) + ("?" if column.nullable else "")


def _type(column: sa.Column[object]) -> str:
    return _TYPES[type(column.type)]


def _entity(table: sa.Table) -> Iterator[str]:
    yield f"    {table.name} {{"
    for column in table.columns:
        keys = ["PK"] * column.primary_key + ["FK"] * bool(column.foreign_keys)
        if keys:
            yield f"        {_type(column)} {column.name} {', '.join(keys)}"
    yield "    }"


def _relations(table: sa.Table) -> Iterator[str]:
    """Yield a line for each foreign key."""
    for key in sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys)):
        parent = "|o" if any(column.nullable for column in key.columns) else "||"
        whole = set(key.columns) == set(table.primary_key.columns)
        label = ", ".join(key.column_keys)
        child = "o|" if whole else "o{"
        yield f'    {key.referred_table.name} {parent}--{child} {table.name} : "{label}"'


def _indexes(table: sa.Table, conditions: Mapping[str, str]) -> Iterator[str]:
    unique = [key for key in table.constraints if isinstance(key, sa.UniqueConstraint)]
    for key in sorted(unique, key=lambda key: key.columns.keys()):
        yield f"{_names(key.columns)} (unique)"
    for index in sorted(table.indexes, key=lambda index: (index.columns.keys(), str(index.name))):
        condition = conditions.get(str(index.name))
        yield _names(index.columns) + (f" (where `{condition}`)" if condition else "")


def _conditions() -> dict[str, str]:
    """Return the condition of each partial index, which only a database has."""
    with migrate.new_in_memory() as connection:
        inspector = sa.inspect(connection)
        return {
            str(index["name"]): str(index["dialect_options"]["sqlite_where"])
            for table in comments.TABLES
            for index in inspector.get_indexes(table)
            if "sqlite_where" in index.get("dialect_options", {})
        }


def _names(columns: Iterable[sa.Column[object]]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
