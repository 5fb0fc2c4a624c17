"""Totals of a day's jobs with their percentile sketches, and of an appliance's jobs by month.

All follow from `job` and from the totals of pruned jobs (see `pruned`), and are written in the same
transaction; `archive db verify` compares them, and `archive db rebuild` makes them anew. Sketches are
the bytes of `archive.quantile_sketch`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
)

from archive.db import Day, Text
from archive.db.tables.base import key, metadata, required


# Sums are kept in two halves, since a sum of 64-bit numbers can exceed 64 bits:
# size_high * 2**32 + size_low. `sized` and `timed` are the jobs that have a size, and a duration;
# `rated` those with a size and a duration above 0, which have a rate.
def day_values() -> tuple[Column[Any], ...]:
    """Return the columns of the totals of a day, without those of the key."""
    return (
        required("jobs", BigInteger),
        required("sized", BigInteger),
        required("size_high", BigInteger),
        required("size_low", BigInteger),
        required("timed", BigInteger),
        required("duration_high", BigInteger),
        required("duration_low", BigInteger),
        required("rated", BigInteger),
        required("rated_size_high", BigInteger),
        required("rated_size_low", BigInteger),
        required("rated_duration_high", BigInteger),
        required("rated_duration_low", BigInteger),
    )


def month_values() -> tuple[Column[Any], ...]:
    """Return the columns of the totals of an appliance and month, without those of the key."""
    return (
        Column("type", Text),
        required("status", Text),
        Column("location_id", BigInteger, ForeignKey("location.id")),
        Column("build_id", BigInteger, ForeignKey("build.id")),
        required("jobs", BigInteger),
        required("sized", BigInteger),
        required("size_high", BigInteger),
        required("size_low", BigInteger),
        required("timed", BigInteger),
        required("duration_high", BigInteger),
        required("duration_low", BigInteger),
        required("first_day", Day),
        required("last_day", Day),
        required("days", Integer),
    )


day_total = Table(
    "day_total",
    metadata,
    Column("day", Day, ForeignKey("calendar.day"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    *day_values(),
    CheckConstraint("jobs > 0", name="jobs"),
    sqlite_with_rowid=False,
)

# A separate table: totals are smaller and read far more often.
day_sketch = Table(
    "day_sketch",
    metadata,
    Column("day", Day, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    required("sizes", LargeBinary),
    required("durations", LargeBinary),
    required("rates", LargeBinary),
    ForeignKeyConstraint(
        ["day", "type", "status"], ["day_total.day", "day_total.type", "day_total.status"]
    ),
    sqlite_with_rowid=False,
)

# Always written as a whole for an appliance and a month; `seq` numbers the rows. NULL: the jobs have
# no type, target or build. The halves of a sum are those of `day_total`, but the lower ones are added
# as they are. Bit 0 of `days` is the first day of the month.
appliance_month = Table(
    "appliance_month",
    metadata,
    key("appliance_id"),
    key("month", Text),
    key("seq", Integer),
    *month_values(),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    sqlite_with_rowid=False,
)

# The forecast of an appliance's sizes, from the whole weeks before `until_day`, the Monday of the week
# of its last success; or the reason why there is none. Days of lines are counted from 0001-01-01 on,
# slopes are by day. See `archive.judgement.forecast`.
size_forecast = Table(
    "size_forecast",
    metadata,
    key("appliance_id"),
    required("until_day", Day),
    required("successes", BigInteger),
    Column("reason", Text),
    Column("last_day", Day),
    Column("size_bytes", BigInteger),
    Column("weeks", Integer),
    Column("freedom", Integer),
    Column("line_weight", Double),
    *(
        Column(f"{line}_{name}", Double)
        for line in ("line", "curve")
        for name in ("day", "value", "slope", "slope_error", "deviation")
    ),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    CheckConstraint("(reason IS NULL) = (last_day IS NOT NULL)", name="reason"),
    sqlite_with_rowid=False,
)

# Of the succeeded jobs. `build_id` is 0 for jobs without a build.
build_sketch = Table(
    "build_sketch",
    metadata,
    key("appliance_id"),
    key("build_id"),
    required("sizes", LargeBinary),
    required("durations", LargeBinary),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    sqlite_with_rowid=False,
)
