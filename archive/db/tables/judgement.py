"""What the archive concludes from jobs: expected backups, the standing of appliances, anomalies."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
)

from archive.db import Day, Instant, Text
from archive.db.tables.base import key, metadata, of_job, required

# An expected backup; `number` counts those of a day. `outcome` is NULL until an import could show it:
# some are stored ahead. `job_id` is the job that met it, else the last attempt. Written in the
# transaction that changes what it follows from: see `archive.store.judged_backups`.
expected_backup = Table(
    "expected_backup",
    metadata,
    key("appliance_id"),
    key("day", Day),
    key("number", Integer),
    required("due_time", Instant),
    required("basis", Text),
    required("grace_seconds", Integer),
    Column("outcome", Text),
    Column("job_id", BigInteger),
    required("attempts", Integer),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    CheckConstraint(
        "outcome IN ('met', 'failed', 'running', 'did not run', 'habit changed')", name="outcome"
    ),
    Index(None, "day", "outcome"),
    sqlite_with_rowid=False,
)
# A partial index for v_missed, since few backups are not met. Only the migration declares that: the
# option would load PostgreSQL's dialect into every command.
Index(
    "ix_expected_backup_not_met",
    expected_backup.c.day,
    expected_backup.c.appliance_id,
    expected_backup.c.outcome,
)

# How an appliance stands as of its last import. Jobs are those of `job`. Consecutive failures count
# finished jobs up to `finished_id`. `import_due_time` is when another import is missing. What follows
# from jobs that start at `pending_from` or later is not written yet: their import is in progress.
appliance_standing = Table(
    "appliance_standing",
    metadata,
    key("appliance_id"),
    Column("pending_from", Instant),
    Column("success_id", BigInteger),
    Column("attempt_id", BigInteger),
    Column("finished_id", BigInteger),
    required("consecutive_failures", BigInteger),
    Column("failing_since_time", Instant),
    required("worst_consecutive_failures", BigInteger),
    Column("worst_since_time", Instant),
    required("recoveries", BigInteger),
    required("recovery_seconds", BigInteger),
    required("recovery_worst_seconds", BigInteger),
    Column("rpo_seconds", BigInteger),
    required("rpo_from", Text),
    Column("overdue_since_time", Instant),
    Column("next_due_time", Instant),
    Column("usual_import_seconds", BigInteger),
    Column("import_due_time", Instant),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    sqlite_with_rowid=False,
)

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
