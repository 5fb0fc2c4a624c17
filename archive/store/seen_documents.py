"""What each appliance's latest import held: which documents, byte for byte, and when.

A job that was in it has no `last_seen` of its own: it was last seen with that import. So a history
that comes again unchanged is recognised by its bytes, without being read, and costs a row for each
appliance rather than one for each job.

`documents` are pairs of a document's fingerprint and the number of the job into which it was merged.
To merge the same document into the same job again changes nothing but when the job was last seen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store.chunks import chunks
from archive.store.known_jobs import set_last_seen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

_ENTRY = struct.Struct(">16sq")


@dataclass
class _Latest:
    """One appliance's latest import, as stored, and what this transaction has seen of it."""

    seen_at: str | None = None
    known: dict[bytes, int] = field(default_factory=dict)
    # By job: the fingerprint of its document.
    seen: dict[int, bytes] = field(default_factory=dict)
    # Jobs seen by this transaction, or otherwise since, whose rows have a `last_seen` of their own.
    apart: set[int] = field(default_factory=set)
    # When jobs that have left since were last seen.
    left: dict[int, str] = field(default_factory=dict)


class LatestImports:
    """The latest imports of the appliances that a transaction writes to.

    `seen_at` is when the import that is being loaded was seen. All appliances must be locked.
    """

    def __init__(self, seen_at: str) -> None:
        self._seen_at = seen_at
        self._latest: dict[int, _Latest] = {}

    def open(self, connection: Connection, appliance_ids: Collection[int]) -> None:
        """Read the latest imports of appliances that have not been opened yet."""
        table = tables.latest_import
        wanted = [number for number in appliance_ids if number not in self._latest]
        self._latest |= {number: _Latest() for number in wanted}
        for chunk in chunks(wanted):
            query = sa.select(table).where(table.c.appliance_id.in_(chunk))
            for row in connection.execute(query):
                self._latest[row.appliance_id] = _Latest(row.seen_at, decode(row.documents))

    def takes(self, appliance_id: int) -> bool:
        """Say whether the import that is being loaded is no older than the latest one."""
        before = self._latest[appliance_id].seen_at
        return before is None or before <= self._seen_at

    def known(self, appliance_id: int) -> Mapping[bytes, int]:
        """Return the documents that need not be read again, by fingerprint."""
        return self._latest[appliance_id].known if self.takes(appliance_id) else {}

    def last_seen(self, appliance_id: int, job_id: int, own: str | None) -> str:
        """Return when a job was last seen; `own` is what its row says."""
        latest = self._latest[appliance_id]
        if job_id in latest.seen or (own is None and latest.seen_at is None):
            return self._seen_at
        return own or latest.seen_at or self._seen_at

    def see(self, appliance_id: int, job_id: int, fingerprint: bytes, *, apart: bool) -> None:
        """Record that a job is in this import; `apart` if its row has a `last_seen` of its own."""
        latest = self._latest[appliance_id]
        latest.seen[job_id] = fingerprint
        if apart:
            latest.apart.add(job_id)

    def see_again(self, appliance_id: int, fingerprints: Iterable[bytes]) -> None:
        """Record that documents that are `known` are in this import."""
        latest = self._latest[appliance_id]
        for fingerprint in fingerprints:
            job_id = latest.known[fingerprint]
            if latest.left.get(job_id, "") <= self._seen_at:
                latest.seen[job_id] = fingerprint

    def leave(self, appliance_id: int, job_id: int, last_seen: str) -> None:
        """Record that a job's row has been given a `last_seen` of its own."""
        latest = self._latest[appliance_id]
        latest.seen.pop(job_id, None)
        latest.apart.add(job_id)
        latest.left[job_id] = last_seen

    def write(self, connection: Connection) -> None:
        """Make this import the latest one where it was seen, and forget all."""
        changed: list[tuple[int, str, bytes]] = []
        again: list[int] = []
        for appliance_id, latest in self._latest.items():
            stored, before = latest.known, latest.seen_at
            self._settle(connection, appliance_id, latest)
            if latest.seen_at is not None and latest.known != stored:
                changed.append((appliance_id, latest.seen_at, encode(latest.known)))
            elif latest.seen_at != before:
                again.append(appliance_id)
        table = tables.latest_import
        db.upsert(connection, table, changed, ["seen_at", "documents"])
        for chunk in chunks(again):
            connection.execute(
                sa.update(table)
                .where(table.c.appliance_id.in_(chunk))
                .values(seen_at=self._seen_at)
            )
        self._latest.clear()

    def _settle(self, connection: Connection, appliance_id: int, latest: _Latest) -> None:
        """Bring the rows of `job` and what is known in line with what was seen."""
        seen = latest.seen
        known = {job: mark for mark, job in latest.known.items() if job not in latest.left}
        if seen and latest.seen_at == self._seen_at:
            set_last_seen(connection, appliance_id, latest.apart & seen.keys(), None)
            known |= seen
        elif seen:
            gone = known.keys() - seen.keys()
            joined = latest.apart & seen.keys()
            if len(gone) + len(joined) <= len(seen):
                if gone:
                    set_last_seen(connection, appliance_id, gone, latest.seen_at)
                set_last_seen(connection, appliance_id, joined, None)
                latest.seen_at, known = self._seen_at, seen
            else:  # a small part of what the latest one held: it stays the latest
                set_last_seen(connection, appliance_id, seen, self._seen_at)
                known = {job: mark for job, mark in known.items() if job not in seen}
        latest.known = {mark: job for job, mark in known.items()}


def encode(documents: Mapping[bytes, int]) -> bytes:
    """Return fingerprints and numbers of jobs as bytes, in the order of the jobs."""
    ordered = sorted(documents.items(), key=lambda entry: entry[1])
    return b"".join(_ENTRY.pack(*entry) for entry in ordered)


def decode(data: bytes) -> dict[bytes, int]:
    """Return the fingerprints and numbers of `encode`."""
    return dict(_ENTRY.iter_unpack(data))


def job_columns() -> list[sa.ColumnElement[Any]]:
    """Return the columns of `job`, each job's `last_seen` told, for a SELECT from `joined`."""
    own = tables.job.c.last_seen
    told = sa.func.coalesce(own, tables.latest_import.c.seen_at, type_=own.type)
    return [told.label(own.name) if column is own else column for column in tables.job.c]


def joined() -> sa.FromClause:
    """Return `job` with its appliance's latest import."""
    job, table = tables.job, tables.latest_import
    return job.outerjoin(table, job.c.appliance_id == table.c.appliance_id)
