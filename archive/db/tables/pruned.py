"""What is left of jobs whose details were pruned: their totals, and from when on an appliance has jobs.

Nothing else in an archive could prove these rows, so they have seals. See `archive.maintenance.prune`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
)

from archive.db import Day, Instant, Text
from archive.db.seals import seal_column
from archive.db.tables.base import key, metadata, required, unsealed
from archive.db.tables.totals import day_values, month_values

# An appliance that has pruned jobs. Those from before `until_time` are gone, but for failures and others
# that were kept; none of these counts for the judgement any more. What was expected before
# `judged_from_time` stays as it was judged. Consecutive failures are those until `until_time`.
pruned_appliance = Table(
    "pruned_appliance",
    metadata,
    key("appliance_id"),
    required("until_time", Instant),
    required("judged_from_time", Instant),
    required("jobs", BigInteger),
    required("pruned_at", Instant),
    required("consecutive_failures", BigInteger),
    Column("failing_since_time", Instant),
    required("worst_consecutive_failures", BigInteger),
    Column("worst_since_time", Instant),
    required("recoveries", BigInteger),
    required("recovery_seconds", BigInteger),
    required("recovery_worst_seconds", BigInteger),
    seal_column(),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    unsealed("pruned_appliance", "appliance_id"),
    sqlite_with_rowid=False,
)

# The share of pruned jobs in `day_total` and `day_sketch`.
pruned_day = Table(
    "pruned_day",
    metadata,
    Column("day", Day, ForeignKey("calendar.day"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    *day_values(),
    required("sizes", LargeBinary),
    required("durations", LargeBinary),
    required("rates", LargeBinary),
    seal_column(),
    unsealed("pruned_day", "day"),
    sqlite_with_rowid=False,
)

# The share of pruned jobs in `appliance_month`, in the same form.
pruned_month = Table(
    "pruned_month",
    metadata,
    key("appliance_id"),
    key("month", Text),
    key("seq", Integer),
    *month_values(),
    seal_column(),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    unsealed("pruned_month", "appliance_id"),
    sqlite_with_rowid=False,
)

# The share of pruned jobs in `build_sketch`.
pruned_build = Table(
    "pruned_build",
    metadata,
    key("appliance_id"),
    key("build_id"),
    required("sizes", LargeBinary),
    required("durations", LargeBinary),
    seal_column(),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    unsealed("pruned_build", "appliance_id"),
    sqlite_with_rowid=False,
)
