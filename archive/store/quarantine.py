"""Quarantine: documents that could not be archived as jobs, stored byte for byte for a retry."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.masking import mask_text
from archive.store.dimension_keys import next_id
from archive.text import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

# What is held of one appliance, so that it cannot fill the disk.
MOST_HELD = 10_000
MOST_BYTES = 64 << 20


class QuarantinedDocument(NamedTuple):
    """One document in quarantine; `id` is 0 until it is stored.

    `position` says where in the import it was. `first_seen` and `last_seen` are fixed-width UTC
    instants at which it was refused; `run_id` is the first import that brought it.
    """

    appliance: str | None
    job_key: str | None
    position: str
    reason: str
    document: bytes
    first_seen: str
    last_seen: str
    run_id: int
    id: int = 0

    def digest(self) -> bytes:
        """Return the SHA-256 of appliance, job key and document, the same for each import of it."""
        # JSON, so that no two pairs of texts are joined to the same bytes.
        # As stored, so that a stored document can be compared with its digest.
        appliance = self.appliance and storable(self.appliance)
        origin = json.dumps([appliance, self.job_key]).encode()
        return hashlib.sha256(origin + b"\0" + self.document).digest()


def hold(connection: Connection, documents: Sequence[QuarantinedDocument]) -> None:
    """Store documents; for one already stored only the times are updated.

    Documents are the same if their digests are. Passwords are masked in position and reason, not in
    the document. Beyond MOST_HELD or MOST_BYTES, the documents of an appliance that were not seen for
    longest make room.
    """
    if not documents:
        return
    table = tables.quarantine
    # The lock of repeated texts: with a separate lock, two imports could deadlock.
    db.lock(connection, ["references"])
    following = next_id(connection, table)
    grown = set()
    for held in documents:
        digest = held.digest()
        known = connection.execute(
            sa.select(table.c.id, table.c.first_seen, table.c.last_seen).where(
                table.c.digest == digest
            )
        ).first()
        if known is None:
            row = (
                following,
                digest,
                held.appliance and storable(held.appliance),
                held.job_key,
                mask_text(held.position),
                mask_text(storable(held.reason)),
                held.document,
                held.first_seen,
                held.last_seen,
                held.run_id,
            )
            db.insert(connection, table, [row])
            following += 1
            grown.add(row[2])
        else:
            connection.execute(
                sa.update(table)
                .where(table.c.id == known.id)
                .values(
                    first_seen=min(known.first_seen, held.first_seen),
                    last_seen=max(known.last_seen, held.last_seen),
                )
            )

    for appliance in sorted(grown, key=str):
        _make_room(connection, appliance)


def _make_room(connection: Connection, appliance: str | None) -> None:
    """Delete the oldest documents of an appliance that are too many, or too large together."""
    table = tables.quarantine
    newest = (table.c.last_seen.desc(), table.c.id.desc())
    ranked = (
        sa.select(
            table.c.id,
            sa.func.row_number().over(order_by=newest).label("place"),
            sa.func.sum(sa.func.length(table.c.document)).over(order_by=newest).label("size_bytes"),
        )
        .where(table.c.appliance_name.is_not_distinct_from(appliance))
        .subquery()
    )
    surplus = sa.select(ranked.c.id).where(
        (ranked.c.place > MOST_HELD) | (ranked.c.size_bytes > MOST_BYTES) & (ranked.c.place > 1)
    )
    connection.execute(sa.delete(table).where(table.c.id.in_(surplus)))


def held(connection: Connection, ids: Sequence[int] = ()) -> list[QuarantinedDocument]:
    """Return the quarantined documents, oldest first: all, or those with these IDs.

    IDs that do not exist are left out.
    """
    table = tables.quarantine
    query = sa.select(
        table.c.appliance_name,
        table.c.job_key,
        table.c.position,
        table.c.reason,
        table.c.document,
        table.c.first_seen,
        table.c.last_seen,
        table.c.run_id,
        table.c.id,
    ).order_by(table.c.id)
    if ids:
        query = query.where(table.c.id.in_(ids))
    return [QuarantinedDocument(*row) for row in connection.execute(query)]


def numbers(connection: Connection, ids: Sequence[int] = ()) -> list[int]:
    """Return the numbers of the quarantined documents, ascending: all, or those of these that exist."""
    column = tables.quarantine.c.id
    found = connection.execute(sa.select(column).order_by(column)).scalars()
    wanted = set(ids)
    return [number for number in found if not wanted or number in wanted]


class Entry(NamedTuple):
    """A quarantined document without its bytes: their number instead."""

    id: int
    appliance: str | None
    job_key: str | None
    position: str
    reason: str
    document_bytes: int
    first_seen: str
    last_seen: str


def entries(connection: Connection) -> list[Entry]:
    """Return what is in quarantine, oldest first; together the documents may be large."""
    table = tables.quarantine.c
    query = sa.select(
        table.id,
        table.appliance_name,
        table.job_key,
        table.position,
        table.reason,
        sa.func.length(table.document),
        table.first_seen,
        table.last_seen,
    ).order_by(table.id)
    return [Entry._make(row) for row in connection.execute(query)]


def number(connection: Connection) -> int:
    """Return the number of quarantined documents."""
    query = sa.select(sa.func.count()).select_from(tables.quarantine)
    return connection.execute(query).scalar_one()


def release(connection: Connection, ids: Sequence[int]) -> None:
    """Delete documents that are now archived as jobs."""
    table = tables.quarantine
    connection.execute(sa.delete(table).where(table.c.id.in_(ids)))
