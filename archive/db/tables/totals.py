"""Totals and percentile sketches of a day's jobs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    Table,
)

from archive.db import Day, Text
from archive.db.tables.base import metadata, required

# Sums are kept in two halves, since a sum of 64-bit numbers can exceed 64 bits:
# size_high * 2**32 + size_low. `sized` and `timed` are the jobs that have a size, and a duration.
day_total = Table(
    "day_total",
    metadata,
    Column("day", Day, ForeignKey("calendar.day"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    required("jobs", BigInteger),
    required("sized", BigInteger),
    required("size_high", BigInteger),
    required("size_low", BigInteger),
    required("timed", BigInteger),
    required("duration_high", BigInteger),
    required("duration_low", BigInteger),
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
    ForeignKeyConstraint(
        ["day", "type", "status"], ["day_total.day", "day_total.type", "day_total.status"]
    ),
    sqlite_with_rowid=False,
)
