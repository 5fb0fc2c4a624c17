"""The chain of evidence: a link for what each import brought and each maintenance did.

`archive.store.evidence_chain` has what a link is computed from.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
)

from archive.db import Instant, Text
from archive.db.tables.base import key, metadata, own_id, required

# In the order of commits. `appliance_name` and `subject_id` outlive the appliance and the import, so
# there are no foreign keys. `facts` is JSON; passwords are hidden in it. It needs no seals: each link proves itself and the one before.
evidence_link = Table(
    "evidence_link",
    metadata,
    own_id(),
    required("recorded_at", Instant),
    required("what", Text),
    required("subject_id", BigInteger),
    Column("appliance_name", Text),
    Column("seen_at", Instant),
    Column("documents", BigInteger),
    required("digest", LargeBinary),
    Column("key_id", Text),
    required("link", LargeBinary),
    Column("mac", LargeBinary),
    Column("facts", Text),
)

# The documents of a link: keys of jobs, each ended by a zero byte, and as many SHA-256 digests. Few
# large rows, since a row for each document would take twice the room. Written before the link itself,
# so there is no foreign key to it.
evidence_list = Table(
    "evidence_list",
    metadata,
    key("appliance_id"),
    key("link_id"),
    key("seq", Integer),
    required("job_keys", LargeBinary),
    required("digests", LargeBinary),
    ForeignKeyConstraint(["appliance_id"], ["appliance.id"]),
    sqlite_with_rowid=False,
)
