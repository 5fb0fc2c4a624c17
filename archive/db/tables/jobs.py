"""Jobs and the tables with their parts.

`job` has the columns of a job that has at most one of each; what a job may have none or many of is
in tables of its own. Durations are in seconds, sizes in bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from archive.db import Day, Instant, Text
from archive.db.seals import seal_column
from archive.db.tables.base import key, metadata, of_job, required, unsealed

job = Table(
    "job",
    metadata,
    key("appliance_id"),
    key("id"),
    required("key", Text),
    required("day", Day, ForeignKey("calendar.day")),
    required("status", Text),
    Column("type", Text),
    Column("start_time", Instant),
    Column("end_time", Instant),
    Column("duration_seconds", BigInteger),
    Column("duration_derived", Boolean),
    Column("size_bytes", BigInteger),
    Column("location_folder", Text),
    Column("location_user", Text),
    Column("fast_backup", Boolean),
    Column("cancelable", Boolean),
    Column("user_name", Text),
    Column("parent", Text),
    Column("target_type", Text),
    Column("target_id", Text),
    Column("progress_total", BigInteger),
    Column("progress_completed", BigInteger),
    Column("location_id", BigInteger, ForeignKey("location.id")),
    Column("build_id", BigInteger, ForeignKey("build.id")),
    Column("operation_id", BigInteger, ForeignKey("operation.id")),
    required("digest", LargeBinary),
    required("first_seen", Instant),
    # NULL: last seen in the appliance's latest import, at its `seen_at`.
    Column("last_seen", Instant),
    required("run_id", BigInteger, ForeignKey("ingest_run.id")),
    seal_column("key", "first_seen", "last_seen", "run_id"),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    UniqueConstraint("appliance_id", "key"),
    CheckConstraint("length(key) BETWEEN 1 AND 255", name="key_length"),
    CheckConstraint("first_seen <= last_seen", name="seen_order"),
    # For questions about all appliances, and for those about one.
    Index(None, "day"),
    Index(None, "appliance_id", "day"),
    unsealed("job", "appliance_id"),
    sqlite_with_rowid=False,
)

# A partial index, since nearly all jobs are finished; only the migration declares that.
Index("ix_job_not_finished", job.c.day, job.c.appliance_id)
# Another one, since few jobs failed, and reports of failures read nothing else.
Index("ix_job_failed", job.c.day, job.c.appliance_id)

# When a job was first seen in each status, and by which import.
job_status = Table(
    "job_status",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("status", Text),
    required("observed_at", Instant),
    required("run_id", BigInteger, ForeignKey("ingest_run.id")),
    seal_column(),
    of_job(),
    unsealed("job_status", "appliance_id"),
    sqlite_with_rowid=False,
)

job_finding = Table(
    "job_finding",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("seq", Integer),
    required("code", Text),
    required("field", Text),
    required("detail", Text),
    of_job(),
    sqlite_with_rowid=False,
)

job_error = Table(
    "job_error",
    metadata,
    key("appliance_id"),
    key("job_id"),
    Column("class_name", Text),
    Column("error_type", Text),
    Column("challenge", Text),
    Column("data", Text),
    required("has_value", Boolean),
    required("has_messages", Boolean),
    of_job(),
    sqlite_with_rowid=False,
)

# The canonical JSON of documents that the tables do not have all of.
irregular_document = Table(
    "irregular_document",
    metadata,
    key("appliance_id"),
    key("job_id"),
    required("document", Text),
    of_job(),
    sqlite_with_rowid=False,
)

# The documents of an appliance's latest import: see `archive.store.seen_documents`.
latest_import = Table(
    "latest_import",
    metadata,
    key("appliance_id"),
    required("seen_at", Instant),
    required("documents", LargeBinary),
    seal_column(),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    unsealed("latest_import", "appliance_id"),
    sqlite_with_rowid=False,
)
