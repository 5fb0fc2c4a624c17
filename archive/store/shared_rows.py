"""Rows that are stored once and referred to: those that nothing refers to any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db import tables
from archive.store.foreign_keys import delete_unused

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SHARED = (tables.build, tables.location, tables.operation, tables.message_template)


def remove_unused(connection: Connection) -> int:
    """Delete them, and return how many there were; the caller holds the calendar exclusively.

    Record it as maintenance: other writers may remember their numbers.
    """
    return sum(delete_unused(connection, table) for table in SHARED)
