"""What the roles of `archive db role` may do, table by table.

A new table or view of the schema can be read unless it is named here. A test plants passwords
everywhere, and finds columns that are missing in `HIDDEN`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from archive.db import comments, seals, tables
from archive.db.foreign_tables import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Relations of an archive.
RELATIONS = (VERSION_TABLE, *comments.VIEWS, *sorted(tables.metadata.tables))
# A reader that could lock its rows could stop all writing.
_NOT_READ = (tables.write_lock.name,)
# Values as they came, with passwords if there were any. What has a column of its own is masked.
_AS_RECEIVED = {
    (tables.irregular_document.name, "document"),
    (tables.latest_import.name, "documents"),
    (tables.location.name, "url"),
    (tables.quarantine.name, "document"),
    (tables.schedule.name, "other"),
    (tables.system_version.name, "other"),
}
# Columns that a reader cannot read: table and column. By a checksum one could guess a weak password in a
# text of which all the rest is known. The digests of jobs are shown nevertheless: by them the report
# `compliance` and the chain of evidence prove what they say.
HIDDEN = _AS_RECEIVED | {
    (table.name, column.name)
    for table in tables.metadata.tables.values()
    for column in table.columns
    if (column.name == "digest" and table not in (tables.job, tables.evidence_link))
    or (column.name == seals.COLUMN and table.name in dict(_AS_RECEIVED))
}
# Records that nobody changes, and the column that may be: seals are stored after new rows, and facts of a
# forgotten appliance go.
APPEND_ONLY = {
    tables.maintenance.name: seals.COLUMN,
    tables.evidence_link.name: tables.evidence_link.c.facts.name,
}
# Relations that a writer writes to: the schema's revision, and views, it only reads.
CHANGED = tuple(tables.metadata.tables)


class Rights(StrEnum):
    """The rights of a role."""

    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"


def readable() -> dict[str, tuple[str, ...] | None]:
    """Return the columns that a reader can read, by table or view; None: all of them."""
    found: dict[str, tuple[str, ...] | None] = {VERSION_TABLE: None}
    found |= dict.fromkeys(comments.VIEWS)
    for name, table in tables.metadata.tables.items():
        if name in _NOT_READ:
            continue
        shown = tuple(column.name for column in table.columns if (name, column.name) not in HIDDEN)
        found[name] = shown if len(shown) < len(table.columns) else None
    return found


def grants(rights: Rights) -> Iterator[str]:
    """Yield what a reader or writer is granted: `RIGHTS ON TABLES`, for GRANT and REVOKE."""
    if rights is Rights.READER:
        whole = [name for name, columns in readable().items() if columns is None]
        yield f"SELECT ON {', '.join(whole)}"
        for name, columns in readable().items():
            if columns is not None:
                yield f"SELECT ({', '.join(map(_quoted, columns))}) ON {name}"
        return
    changed = [name for name in CHANGED if name not in APPEND_ONLY]
    yield f"SELECT ON {', '.join(RELATIONS)}"
    yield f"INSERT, UPDATE, DELETE ON {', '.join(changed)}"
    for name, column in APPEND_ONLY.items():
        yield f"INSERT, UPDATE ({column}) ON {name}"


def _quoted(column: str) -> str:
    """Return a column's name in quotes: some are words of SQL."""
    return f'"{column}"'
