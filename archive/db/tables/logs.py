"""Imports, collections and their attempts, maintenance, the quarantine, and what was notified.

An import is logged before it begins, in a transaction of its own, so a failed one is in the log, too.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
)

from archive.db import Instant, Text
from archive.db.seals import seal_column
from archive.db.tables.base import key, metadata, own_id, required, unsealed

ingest_run = Table(
    "ingest_run",
    metadata,
    own_id(),
    required("source", Text),
    Column("appliance_id", BigInteger, ForeignKey("appliance.id")),
    required("seen_at", Instant),
    required("started", Instant),
    Column("finished", Instant),
    required("outcome", Text),
    Column("error", Text),
    required("seen", BigInteger),
    required("new", BigInteger),
    required("changed", BigInteger),
    required("unchanged", BigInteger),
    required("findings", BigInteger),
    required("quarantined", BigInteger),
    required("pruned", BigInteger),
    seal_column(),
    Index(None, "appliance_id", "seen_at"),
    CheckConstraint("outcome IN ('running', 'complete', 'failed', 'undone')", name="outcome"),
    unsealed("ingest_run", "id"),
)

# One run of `archive collect`; `asked` is the number of selected appliances. `finished` is NULL while
# it runs, and stays NULL if its process died.
collection = Table(
    "collection",
    metadata,
    own_id(),
    required("started", Instant),
    Column("finished", Instant),
    required("outcome", Text),
    required("asked", BigInteger),
    required("complete", BigInteger),
    required("partial", BigInteger),
    required("failed", BigInteger),
    seal_column(),
    CheckConstraint(
        "outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')", name="outcome"
    ),
    CheckConstraint("outcome <> 'running' OR finished IS NULL", name="finished"),
    CheckConstraint("complete + partial + failed <= asked", name="counts"),
    unsealed("collection", "id"),
)

# One appliance in one collection. `run_id` is the import of its answer. The primary key finds an
# appliance's latest attempt.
attempt = Table(
    "attempt",
    metadata,
    key("appliance_name", Text),
    key("collection_id"),
    required("asked_at", Instant),
    Column("answered_at", Instant),
    required("outcome", Text),
    Column("reason", Text),
    Column("run_id", BigInteger, ForeignKey("ingest_run.id")),
    seal_column(),
    ForeignKeyConstraint(["collection_id"], ["collection.id"]),
    CheckConstraint("length(appliance_name) BETWEEN 1 AND 255", name="name_length"),
    CheckConstraint("asked_at <= answered_at", name="answer_order"),
    CheckConstraint("outcome IN ('complete', 'partial', 'failed', 'interrupted')", name="outcome"),
    CheckConstraint("(outcome = 'complete') = (reason IS NULL)", name="reason"),
    CheckConstraint("(outcome IN ('complete', 'partial')) = (run_id IS NOT NULL)", name="run"),
    CheckConstraint("run_id IS NULL OR answered_at IS NOT NULL", name="answered"),
    Index(None, "collection_id"),
    unsealed("attempt", "appliance_name"),
    sqlite_with_rowid=False,
)

# What changed the history other than imports, in order. `appliance_name` and `new_name` are texts: the
# record outlives the appliance. See `archive.store.maintenance_log`.
MAINTENANCE = (
    "rename",
    "merge",
    "retire",
    "forget",
    "undo",
    "calendar",
    "vacuum",
    "prune",
    "hold",
    "release",
)
maintenance = Table(
    "maintenance",
    metadata,
    own_id(),
    required("done_at", Instant),
    required("what", Text),
    Column("appliance_name", Text),
    Column("new_name", Text),
    Column("jobs", BigInteger),
    Column("detail", Text),
    seal_column(),
    CheckConstraint(f"what IN ({', '.join(map(repr, MAINTENANCE))})", name="what"),
    unsealed("maintenance", "id"),
)

# `digest` is that of appliance, job key and document, so that a document is held once.
quarantine = Table(
    "quarantine",
    metadata,
    own_id(),
    required("digest", LargeBinary, unique=True),
    Column("appliance_name", Text),
    Column("job_key", Text),
    required("position", Text),
    required("reason", Text),
    required("document", LargeBinary),
    required("first_seen", Instant),
    required("last_seen", Instant),
    required("run_id", BigInteger, ForeignKey("ingest_run.id")),
    seal_column(),
    unsealed("quarantine", "id"),
)

# The problems that a recipient of `archive notify` knows of. The appliance may have no row in `appliance`;
# an empty name is the archive itself.
notified_problem = Table(
    "notified_problem",
    metadata,
    key("recipient", Text),
    key("appliance_name", Text),
    required("problems", Text),
    required("notified_at", Instant),
    seal_column(),
    unsealed("notified_problem", "recipient"),
    sqlite_with_rowid=False,
)
