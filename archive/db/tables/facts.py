"""What an appliance said of itself, from when to when."""

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
from archive.db.tables.base import key, metadata, required


# What an appliance said of itself, from when to when: each change is a row of its own. A row was told
# from `first_seen` to `last_seen`; at `ended_at` something else was, and NULL means that nothing else
# has been since. `other` is JSON of what has no column. See `archive.store.fact_history`.
def _period() -> tuple[Any, ...]:
    return (
        ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
        CheckConstraint("first_seen <= last_seen", name="seen_order"),
        CheckConstraint("last_seen < ended_at", name="end_order"),
    )


# `days` and `parts` are JSON lists; no days: daily. `hour` and `minute` are appliance time.
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
    Column("location_id", ForeignKey("location.id")),
    Column("location_user", Text),
    Column("other", Text),
    *_period(),
    sqlite_with_rowid=False,
)

# Texts as they were told; both dates, too.
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
    *_period(),
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
    *_period(),
    sqlite_with_rowid=False,
)
