"""Everything that differs between SQLite, PostgreSQL and PostgreSQL with Citus.

Other packages use these names and do not ask which database it is. `tables`, `comments`, `migrate`,
`roles`, `distributed`, `damaged_values` and `foreign_tables` are imported by those who need them.
"""

from __future__ import annotations

from archive.db.bulk_insert import insert, upsert
from archive.db.catalog import comment, complaints, require_utf8
from archive.db.citus import is_distributed
from archive.db.constraints import constraints_last
from archive.db.engine import create_engine, keeping, prepare_file
from archive.db.expressions import (
    AtMostADayLater,
    Hex,
    JoinedInstants,
    MonthOf,
    SecondsBetween,
    UnindexedDay,
    contains,
    halves,
)
from archive.db.locks import alone, lock, lock_schema
from archive.db.own_queries import own_query
from archive.db.pair_lookup import find_by_digest, find_pairs
from archive.db.prepared import Prepared
from archive.db.reader import Watch, create_reader
from archive.db.standby import standby_note
from archive.db.transactions import reading, writing
from archive.db.types import Day, Id, Instant, Text
from archive.db.urls import has_password, parse_url, shown, sqlite_file

__all__ = [
    "AtMostADayLater",
    "Day",
    "Hex",
    "Id",
    "Instant",
    "JoinedInstants",
    "MonthOf",
    "Prepared",
    "SecondsBetween",
    "Text",
    "UnindexedDay",
    "Watch",
    "alone",
    "comment",
    "complaints",
    "constraints_last",
    "contains",
    "create_engine",
    "create_reader",
    "find_by_digest",
    "find_pairs",
    "halves",
    "has_password",
    "insert",
    "is_distributed",
    "keeping",
    "lock",
    "lock_schema",
    "own_query",
    "parse_url",
    "prepare_file",
    "reading",
    "require_utf8",
    "shown",
    "sqlite_file",
    "standby_note",
    "upsert",
    "writing",
]
