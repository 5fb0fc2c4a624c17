"""The messages of a job in order, with arguments and the tree of params."""

from __future__ import annotations

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
    Table,
)

from archive.db import Instant, Text
from archive.db.tables.base import key, metadata, of_job, of_message, required

MESSAGE_ROLES = ("description", "progress", "message", "error")

message = Table(
    "message",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("seq", Integer),
    required("role", Text),
    required("template_id", BigInteger, ForeignKey("message_template.id")),
    Column("localized", Text),
    required("has_params", Boolean),
    of_job(),
    CheckConstraint("role IN ('description', 'progress', 'message', 'error')", name="role"),
    Index(None, "template_id"),
    # A partial index; only the migration declares that.
    Index("ix_message_localized", "appliance_id", "job_id"),
    sqlite_with_rowid=False,
)

message_arg = Table(
    "message_arg",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("message_seq", Integer),
    key("seq", Integer),
    required("value", Text),
    of_message(),
    sqlite_with_rowid=False,
)

message_param = Table(
    "message_param",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("message_seq", Integer),
    key("seq", Integer),
    Column("parent_seq", Integer),
    required("name", Text),
    Column("s", Text),
    Column("dt", Instant),
    Column("i", BigInteger),
    Column("d", Double),
    Column("format", Text),
    Column("precision", BigInteger),
    Column("nested_id", Text),
    Column("nested_has_params", Boolean),
    of_message(),
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
