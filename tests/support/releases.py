"""An archive of each released schema, kept as a file: `python -m tests.support.releases` writes that of today.

Run it when a version is released, and add the file. A line has a table and a row; bytes are in hex.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import migrate
from archive.db.foreign_tables import VERSION_TABLE
from tests.support import everything

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FOLDER = Path(__file__).parents[1] / "data" / "releases"
_BYTES = "hex"


def kept() -> dict[str, Path]:
    """Return the files by the revision of their schema."""
    return {path.name.partition(".")[0]: path for path in sorted(FOLDER.glob("*.jsonl.gz"))}


def write(source: Path, target: Path) -> None:
    """Write the rows of a SQLite archive into a file."""
    opened = closing(sqlite3.connect(source))
    with opened as archive, gzip.open(target, "wt", encoding="ascii") as out:
        archive.row_factory = sqlite3.Row
        names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> ? ORDER BY name"
        for (name,) in archive.execute(names, (VERSION_TABLE,)).fetchall():
            for row in archive.execute(f'SELECT * FROM "{name}"'):
                values = {column: _plain(row[column]) for column in row.keys()}  # noqa: SIM118
                out.write(f"{json.dumps([name, values])}\n")


def load(engine: Engine, revision: str, source: Path) -> None:
    """Create an archive with the schema of a revision, and the rows of a file."""
    migrate.upgrade(engine, revision)
    schema = sa.MetaData()
    rows: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(source, "rt", encoding="ascii") as lines:
        for name, values in map(json.loads, lines):
            rows.setdefault(name, []).append(values)
    with db.writing(engine) as connection:
        schema.reflect(connection)
        schema.remove(schema.tables[VERSION_TABLE])
        for table in reversed(schema.sorted_tables):
            connection.execute(sa.delete(table))
        for table in schema.sorted_tables:
            flags = {column.name for column in table.c if isinstance(column.type, sa.Boolean)}
            for values in rows.get(table.name, ()):
                _insert(connection, table, values, flags)


def _insert(
    connection: sa.Connection, table: sa.Table, values: dict[str, Any], flags: set[str]
) -> None:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    columns = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join([mark] * len(values))
    # Past the types of the code, which are those of today.
    connection.exec_driver_sql(
        f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})',
        tuple(_value(value, name in flags) for name, value in values.items()),
    )


def _plain(value: Any) -> Any:
    return {_BYTES: value.hex()} if isinstance(value, bytes) else value


def _value(value: Any, is_flag: bool) -> Any:  # noqa: FBT001 - of a column
    if isinstance(value, dict):
        return bytes.fromhex(value[_BYTES])
    return bool(value) if is_flag and value is not None else value


def main() -> None:
    """Write the archive of the newest schema."""
    with tempfile.TemporaryDirectory() as folder:
        engine = migrate.connect(f"{folder}/archive.db")
        migrate.upgrade(engine)
        everything.fill(engine)
        FOLDER.mkdir(exist_ok=True)
        write(Path(folder, "archive.db"), FOLDER / f"{migrate.HEAD}.jsonl.gz")


if __name__ == "__main__":
    main()
