"""The messages of a job in order, and their contents with arguments and the tree of params.

Fields are those of vSphere's LocalizableMessage and LocalizationParam. A content is stored once for
an appliance, however many jobs have it.
"""

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
    LargeBinary,
    SmallInteger,
    Table,
    UniqueConstraint,
)

from archive.db import Instant, Text
from archive.db.tables.base import key, metadata, of_content, of_job, required

# In the order of a document. `message.role` is the place here: a number takes 43 bytes a job less.
MESSAGE_ROLES = ("description", "progress", "message", "error")
# The roles of messages that say what happened.
OUTCOME_ROLES = (MESSAGE_ROLES.index("message"), MESSAGE_ROLES.index("error"))

# Messages repeat: an appliance's messages with equal template, text, args and params share one row.
message_content = Table(
    "message_content",
    metadata,
    key("appliance_id"),
    key("id"),
    required("digest", LargeBinary),
    required("template_id", BigInteger, ForeignKey("message_template.id")),
    Column("localized", Text),
    required("has_params", Boolean),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    # Imports find a content by it.
    UniqueConstraint("appliance_id", "digest"),
    Index(None, "template_id"),
    # A partial index; only the migration declares that.
    Index("ix_message_content_localized", "appliance_id", "id"),
    sqlite_with_rowid=False,
)

# Arguments of the message in order, already filled into its text.
message_arg = Table(
    "message_arg",
    metadata,
    key("appliance_id"),
    key("content_id"),
    key("seq", Integer),
    required("value", Text),
    of_content(),
    sqlite_with_rowid=False,
)

# A tree: `parent_seq` is the param whose nested message contains this one.
message_param = Table(
    "message_param",
    metadata,
    key("appliance_id"),
    key("content_id"),
    key("seq", Integer),
    Column("parent_seq", Integer),
    required("name", Text),
    required("path", Text),
    Column("s", Text),
    Column("dt", Instant),
    Column("i", BigInteger),
    Column("d", Double),
    Column("format", Text),
    Column("precision", BigInteger),
    Column("nested_id", Text),
    Column("nested_has_params", Boolean),
    of_content(),
    ForeignKeyConstraint(
        ["appliance_id", "content_id", "parent_seq"],
        ["message_param.appliance_id", "message_param.content_id", "message_param.seq"],
        ondelete="CASCADE",
    ),
    CheckConstraint("parent_seq < seq", name="parent_first"),
    sqlite_with_rowid=False,
)

message = Table(
    "message",
    metadata,
    key("appliance_id"),
    key("job_id"),
    key("seq", Integer),
    required("role", SmallInteger),
    required("content_id", BigInteger),
    of_job(),
    of_content(ondelete=None),
    CheckConstraint("role BETWEEN 0 AND 3", name="role"),
    Index(None, "appliance_id", "content_id"),
    sqlite_with_rowid=False,
)
