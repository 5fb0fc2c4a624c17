"""The one place where SQLite and PostgreSQL differ."""

from __future__ import annotations

from archive.dialects.bulk import insert, upsert
from archive.dialects.catalogue import comment, complaints, require_utf8
from archive.dialects.constraints import constraints_last
from archive.dialects.engines import create_engine, keeping, prepare_file
from archive.dialects.expressions import UnindexedDay, contains
from archive.dialects.locks import alone, lock
from archive.dialects.transactions import reading, writing
from archive.dialects.types import Day, Instant, Text
from archive.dialects.urls import has_password, parse_url, shown, sqlite_file

__all__ = [
    "Day",
    "Instant",
    "Text",
    "UnindexedDay",
    "alone",
    "comment",
    "complaints",
    "constraints_last",
    "contains",
    "create_engine",
    "has_password",
    "insert",
    "keeping",
    "lock",
    "parse_url",
    "prepare_file",
    "reading",
    "require_utf8",
    "shown",
    "sqlite_file",
    "upsert",
    "writing",
]
