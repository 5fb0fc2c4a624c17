"""Facts about an appliance over time: its schedules, version and time zone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Table,
)

from archive.db import Instant, Text
from archive.db.seals import seal_column
from archive.db.tables.base import key, metadata, required, unsealed


# Each change of a fact is a new row. The appliance reported it from `first_seen` to `last_seen`, and
# something else at `ended_at`; NULL: the fact is current. `other` is JSON with fields that have no
# column. See `archive.store.fact_history`.
def _period() -> tuple[Any, ...]:
    """Return the constraints of a history; its columns stand in each table, since their order matters."""
    return (
        ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
        CheckConstraint("first_seen <= last_seen", name="seen_order"),
        CheckConstraint("last_seen < ended_at", name="end_order"),
    )


# `days` and `parts` are JSON lists; no days: daily. `hour` and `minute` are in the appliance's time zone.
schedule = Table(
    "schedule",
    metadata,
    key("appliance_id"),
    key("key", Text),
    key("first_seen", Instant),
    required("last_seen", Instant),
    Column("ended_at", Instant),
    required("enabled", Boolean),
    Column("hour", Integer),
    Column("minute", Integer),
    Column("days", Text),
    Column("max_count", BigInteger),
    Column("parts", Text),
    Column("fast_backup", Boolean),
    Column("location_id", BigInteger, ForeignKey("location.id")),
    Column("location_user", Text),
    Column("other", Text),
    seal_column(),
    *_period(),
    unsealed("schedule", "appliance_id"),
    sqlite_with_rowid=False,
)

# Texts as the appliance reported them, both dates included.
system_version = Table(
    "system_version",
    metadata,
    key("appliance_id"),
    key("first_seen", Instant),
    required("last_seen", Instant),
    Column("ended_at", Instant),
    required("version", Text),
    Column("product", Text),
    Column("build_number", Text),
    Column("type", Text),
    Column("summary", Text),
    Column("release_date", Text),
    Column("install_time", Text),
    Column("name", Text),
    Column("other", Text),
    seal_column(),
    *_period(),
    unsealed("system_version", "appliance_id"),
    sqlite_with_rowid=False,
)

system_time_zone = Table(
    "system_time_zone",
    metadata,
    key("appliance_id"),
    key("first_seen", Instant),
    required("last_seen", Instant),
    Column("ended_at", Instant),
    required("time_zone", Text),
    seal_column(),
    *_period(),
    unsealed("system_time_zone", "appliance_id"),
    sqlite_with_rowid=False,
)
