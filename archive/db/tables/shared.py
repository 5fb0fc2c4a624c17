"""Settings, the calendar, appliances, and values that are stored once and referred to."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
)

from archive.db import Day, Instant, Text
from archive.db.seals import seal_column
from archive.db.tables.base import metadata, own_id, required, unsealed

# The archive's calendar, by name: see `archive.store.settings`.
setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    required("value", Text),
    seal_column(),
    unsealed("setting", "name"),
)

# Rows that writers lock on PostgreSQL, by name; see `archive.db.locks`. Nobody reads them.
write_lock = Table("write_lock", metadata, Column("name", Text, primary_key=True))

# A row for each day from 2016 to 2045, and for every other day that a job has, so that a SELECT can
# have rows for days without jobs.
calendar = Table(
    "calendar",
    metadata,
    Column("day", Day, primary_key=True),
    required("ordinal", Integer, unique=True),
    required("week", Text),
    required("month", Text),
    required("quarter", Text),
    required("year", Text),
    # Start of the day: SQL finds the day of an instant without date or time zone functions.
    required("start_time", Instant),
    Index(None, "start_time"),
    sqlite_with_rowid=False,
)

appliance = Table(
    "appliance",
    metadata,
    own_id(),
    required("name", Text, unique=True),
    required("first_seen", Instant),
    required("last_seen", Instant),
    # As configured; NULL: not. Nothing is expected from `retired_at` on. Nothing of an appliance with
    # `held_at` is pruned.
    Column("cadence_seconds", BigInteger),
    Column("rpo_seconds", BigInteger),
    Column("retired_at", Instant),
    Column("held_at", Instant),
    seal_column(),
    CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
    unsealed("appliance", "id"),
)

# The unique index is on a digest of the natural key, since texts may be of any length.
build = Table(
    "build",
    metadata,
    own_id(),
    required("digest", LargeBinary, unique=True),
    required("version_name", Text),
    required("version", Text),
    required("build_number", Text),
)

location = Table(
    "location",
    metadata,
    own_id(),
    required("digest", LargeBinary, unique=True),
    required("url", Text),
    required("masked_url", Text),
)

operation = Table(
    "operation",
    metadata,
    own_id(),
    required("digest", LargeBinary, unique=True),
    Column("service", Text),
    Column("operation", Text),
)

message_template = Table(
    "message_template",
    metadata,
    own_id(),
    required("digest", LargeBinary, unique=True),
    required("message_id", Text),
    required("default_message", Text),
)
