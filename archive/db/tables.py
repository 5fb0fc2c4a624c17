"""The archive's tables, as SQLAlchemy Core sees them; the migrations make them.

Every table that grows with the jobs has `appliance_id` first in its primary key, so that a job's
rows lie together and the table can be distributed by appliance. On SQLite such tables are clustered
on that key (WITHOUT ROWID). `attempt`, which has appliances that never answered, too, has the
appliance's name there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from archive.db import Day, Instant, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _required(name: str, type_: Any, *arguments: Any, **options: Any) -> Column[Any]:
    return Column(name, type_, *arguments, nullable=False, **options)


def _id() -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def _key(name: str, type_: Any = BigInteger) -> Column[Any]:
    return Column(name, type_, primary_key=True, autoincrement=False)


def _of_job() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["appliance_id", "job_id"], ["job.appliance_id", "job.id"], ondelete="CASCADE"
    )


def _of_message() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["appliance_id", "job_id", "message_seq"],
        ["message.appliance_id", "message.job_id", "message.seq"],
        ondelete="CASCADE",
    )


setting = Table(
    "setting", metadata, Column("name", Text, primary_key=True), _required("value", Text)
)

calendar = Table(
    "calendar",
    metadata,
    Column("day", Day, primary_key=True),
    _required("ordinal", Integer, unique=True),
    _required("week", Text),
    _required("month", Text),
    _required("quarter", Text),
    _required("year", Text),
    # When it starts: SQL finds the day of any instant without functions of dates and zones.
    _required("start_time", Instant),
    Index(None, "start_time"),
)

appliance = Table(
    "appliance",
    metadata,
    _id(),
    _required("name", Text, unique=True),
    _required("first_seen", Instant),
    _required("last_seen", Instant),
    CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
)

# The digest of the natural key stands for it in the unique index: texts may be of any length.
build = Table(
    "build",
    metadata,
    _id(),
    _required("digest", LargeBinary, unique=True),
    _required("version_name", Text),
    _required("version", Text),
    _required("build_number", Text),
)

location = Table(
    "location",
    metadata,
    _id(),
    _required("digest", LargeBinary, unique=True),
    _required("url", Text),
    _required("masked_url", Text),
)

operation = Table(
    "operation",
    metadata,
    _id(),
    _required("digest", LargeBinary, unique=True),
    Column("service", Text),
    Column("operation", Text),
)

message_template = Table(
    "message_template",
    metadata,
    _id(),
    _required("digest", LargeBinary, unique=True),
    _required("message_id", Text),
    _required("default_message", Text),
    # On PostgreSQL a hash, as ids may be of any length. The migration alone says so: an option of
    # PostgreSQL's would bring its dialect into every command.
    Index(None, "message_id"),
)

ingest_run = Table(
    "ingest_run",
    metadata,
    _id(),
    _required("source", Text),
    Column("appliance_id", ForeignKey("appliance.id")),
    _required("seen_at", Instant),
    _required("started", Instant),
    Column("finished", Instant),
    _required("outcome", Text),
    Column("error", Text),
    _required("seen", BigInteger),
    _required("new", BigInteger),
    _required("changed", BigInteger),
    _required("unchanged", BigInteger),
    _required("findings", BigInteger),
    _required("quarantined", BigInteger),
    CheckConstraint("outcome IN ('running', 'complete', 'failed')", name="outcome"),
)

job = Table(
    "job",
    metadata,
    _key("appliance_id"),
    _key("id"),
    _required("key", Text),
    _required("day", Day, ForeignKey("calendar.day")),
    _required("status", Text),
    Column("type", Text),
    Column("start_time", Instant),
    Column("end_time", Instant),
    Column("duration_seconds", BigInteger),
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
    Column("location_id", ForeignKey("location.id")),
    Column("build_id", ForeignKey("build.id")),
    Column("operation_id", ForeignKey("operation.id")),
    _required("digest", LargeBinary),
    _required("first_seen", Instant),
    # NULL: it was in its appliance's latest delivery, whose `seen_at` is when it was last seen.
    Column("last_seen", Instant),
    _required("run_id", BigInteger, ForeignKey("ingest_run.id")),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    UniqueConstraint("appliance_id", "key"),
    CheckConstraint("length(key) BETWEEN 1 AND 255", name="key_length"),
    CheckConstraint("first_seen <= last_seen", name="seen_order"),
    Index(None, "day"),
    Index(None, "appliance_id", "day"),
    sqlite_with_rowid=False,
)

# What an appliance's latest delivery held: see `archive.store.seen_documents`.
latest_delivery = Table(
    "latest_delivery",
    metadata,
    _key("appliance_id"),
    _required("seen_at", Instant),
    _required("documents", LargeBinary),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    sqlite_with_rowid=False,
)

MESSAGE_ROLES = ("description", "progress", "message", "error")

message = Table(
    "message",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _key("seq", Integer),
    _required("role", Text),
    _required("template_id", BigInteger, ForeignKey("message_template.id")),
    Column("localized", Text),
    _required("has_params", Boolean),
    _of_job(),
    CheckConstraint("role IN ('description', 'progress', 'message', 'error')", name="role"),
    Index(None, "template_id"),
    # Only of the messages that have one: the migration alone says so, as it does of the hash above.
    Index("ix_message_localized", "appliance_id", "job_id"),
    sqlite_with_rowid=False,
)

message_arg = Table(
    "message_arg",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _key("message_seq", Integer),
    _key("seq", Integer),
    _required("value", Text),
    _of_message(),
    sqlite_with_rowid=False,
)

message_param = Table(
    "message_param",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _key("message_seq", Integer),
    _key("seq", Integer),
    Column("parent_seq", Integer),
    _required("name", Text),
    Column("s", Text),
    Column("dt", Instant),
    Column("i", BigInteger),
    Column("d", Double),
    Column("format", Text),
    Column("precision", BigInteger),
    Column("nested_id", Text),
    Column("nested_has_params", Boolean),
    _of_message(),
    ForeignKeyConstraint(
        ["appliance_id", "job_id", "message_seq", "parent_seq"],
        [
            "message_param.appliance_id",
            "message_param.job_id",
            "message_param.message_seq",
            "message_param.seq",
        ],
        ondelete="CASCADE",
    ),
    CheckConstraint("parent_seq < seq", name="parent_first"),
    sqlite_with_rowid=False,
)

job_error = Table(
    "job_error",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    Column("class_name", Text),
    Column("error_type", Text),
    Column("challenge", Text),
    Column("data", Text),
    _required("has_value", Boolean),
    _required("has_messages", Boolean),
    _of_job(),
    sqlite_with_rowid=False,
)

job_status = Table(
    "job_status",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _key("status", Text),
    _required("observed_at", Instant),
    _required("run_id", BigInteger, ForeignKey("ingest_run.id")),
    _of_job(),
    sqlite_with_rowid=False,
)

job_finding = Table(
    "job_finding",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _key("seq", Integer),
    _required("code", Text),
    _required("field", Text),
    _required("detail", Text),
    _of_job(),
    sqlite_with_rowid=False,
)

irregular_document = Table(
    "irregular_document",
    metadata,
    _key("appliance_id"),
    _key("job_id"),
    _required("document", Text),
    _of_job(),
    sqlite_with_rowid=False,
)

# Sums are kept in two halves, since a sum of 64-bit numbers can exceed 64 bits:
# size_high * 2**32 + size_low. `sized` and `timed` are the jobs that have a size, and a duration.
day_total = Table(
    "day_total",
    metadata,
    Column("day", Day, ForeignKey("calendar.day"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    _required("jobs", BigInteger),
    _required("sized", BigInteger),
    _required("size_high", BigInteger),
    _required("size_low", BigInteger),
    _required("timed", BigInteger),
    _required("duration_high", BigInteger),
    _required("duration_low", BigInteger),
    CheckConstraint("jobs > 0", name="jobs"),
    sqlite_with_rowid=False,
)

# Apart from the totals, which are read far more often and are much smaller.
day_sketch = Table(
    "day_sketch",
    metadata,
    Column("day", Day, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    _required("sizes", LargeBinary),
    _required("durations", LargeBinary),
    ForeignKeyConstraint(
        ["day", "type", "status"], ["day_total.day", "day_total.type", "day_total.status"]
    ),
    sqlite_with_rowid=False,
)


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
    _key("appliance_id"),
    _key("key", Text),
    _key("first_seen", Instant),
    _required("last_seen", Instant),
    Column("ended_at", Instant),
    _required("enabled", Boolean),
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
    _key("appliance_id"),
    _key("first_seen", Instant),
    _required("last_seen", Instant),
    Column("ended_at", Instant),
    _required("version", Text),
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
    _key("appliance_id"),
    _key("first_seen", Instant),
    _required("last_seen", Instant),
    Column("ended_at", Instant),
    _required("time_zone", Text),
    *_period(),
    sqlite_with_rowid=False,
)

# One run of `archive collect`, and how many appliances it was to ask. `finished` is NULL while it
# runs, and for good where its process died.
collection = Table(
    "collection",
    metadata,
    _id(),
    _required("started", Instant),
    Column("finished", Instant),
    _required("outcome", Text),
    _required("asked", BigInteger),
    _required("complete", BigInteger),
    _required("partial", BigInteger),
    _required("failed", BigInteger),
    CheckConstraint(
        "outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')", name="outcome"
    ),
    CheckConstraint("outcome <> 'running' OR finished IS NULL", name="finished"),
    CheckConstraint("complete + partial + failed <= asked", name="counts"),
)

# One appliance asked in one collection. `run_id` is the delivery that its answer became; the primary
# key finds an appliance's latest attempt.
attempt = Table(
    "attempt",
    metadata,
    _key("appliance_name", Text),
    _key("collection_id"),
    _required("asked_at", Instant),
    Column("answered_at", Instant),
    _required("outcome", Text),
    Column("reason", Text),
    Column("run_id", ForeignKey("ingest_run.id")),
    ForeignKeyConstraint(["collection_id"], ["collection.id"]),
    CheckConstraint("length(appliance_name) BETWEEN 1 AND 255", name="name_length"),
    CheckConstraint("asked_at <= answered_at", name="answer_order"),
    CheckConstraint("outcome IN ('complete', 'partial', 'failed', 'interrupted')", name="outcome"),
    CheckConstraint("(outcome = 'complete') = (reason IS NULL)", name="reason"),
    CheckConstraint("(outcome IN ('complete', 'partial')) = (run_id IS NOT NULL)", name="run"),
    CheckConstraint("run_id IS NULL OR answered_at IS NOT NULL", name="answered"),
    Index(None, "collection_id"),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    _required("digest", LargeBinary, unique=True),
    Column("appliance_name", Text),
    Column("job_key", Text),
    _required("position", Text),
    _required("reason", Text),
    _required("document", LargeBinary),
    _required("first_seen", Instant),
    _required("last_seen", Instant),
    _required("run_id", BigInteger, ForeignKey("ingest_run.id")),
)
