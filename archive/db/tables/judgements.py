"""What the archive concludes from jobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table

from archive.db import Text
from archive.db.tables.base import key, metadata, of_job, required

# A job may be unlike others in several ways: a row each.
anomaly = Table(
    "anomaly",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("what", Text),
    required("severity", Integer),
    Column("figure", BigInteger),
    Column("expected", BigInteger),
    Column("lower", BigInteger),
    Column("upper", BigInteger),
    Column("previous", Text),
    Column("confirmed_by", BigInteger),
    of_job(),
    CheckConstraint("severity BETWEEN 1 AND 3", name="severity"),
    sqlite_with_rowid=False,
)
