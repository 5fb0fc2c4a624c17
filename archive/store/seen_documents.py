"""The documents of each appliance's latest import, by fingerprint.

A job of the latest import has no `last_seen` of its own: it was last seen with that import. So an
unchanged history is recognised by its bytes without parsing, and importing it again writes one row
for each appliance instead of one for each job.

`documents` are pairs of a document's fingerprint and the ID of the job into which it was merged.
Merging the same document into the same job again changes only when the job was last seen.
"""

from __future__ import annotations

import struct
from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import seals, tables
from archive.store.chunks import chunks
from archive.store.last_seen import LastSeen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

# A fingerprint of 16 bytes, and a job's ID as a signed 64-bit number.
_ENTRY = struct.Struct(">16sq")
# Documents of earlier imports that are remembered from one transaction to the next: some 30 MB.
_REMEMBERED = 200_000
# Making a statement takes longer than executing it for one appliance.
_TABLE, _JOB = tables.latest_import, tables.job.c
_OF_APPLIANCES = sa.select(_TABLE.c.appliance_id, _TABLE.c.seen_at, _TABLE.c.documents).where(
    _TABLE.c.appliance_id.in_(sa.bindparam("ids", expanding=True))
)
_OF_APPLIANCE = db.Prepared(
    sa.select(_TABLE.c.appliance_id, _TABLE.c.seen_at, _TABLE.c.documents).where(
        _TABLE.c.appliance_id == sa.bindparam("number")
    )
)
_SEEN_AGAIN = (
    sa.update(_TABLE)
    .where(_TABLE.c.appliance_id.in_(sa.bindparam("ids", expanding=True)))
    .values(seen_at=sa.bindparam("instant"))
)
_UNMARKED_OF = db.Prepared(
    sa.select(_JOB.appliance_id, _JOB.id).where(
        _JOB.appliance_id == sa.bindparam("number"), _JOB.last_seen.is_(None)
    )
)
_UNMARKED = sa.select(_JOB.appliance_id, _JOB.id).where(
    _JOB.appliance_id.in_(sa.bindparam("ids", expanding=True)), _JOB.last_seen.is_(None)
)


@dataclass
class _Latest:
    """One appliance's latest import as stored, and the changes of this transaction."""

    seen_at: str | None = None
    known: dict[bytes, int] = field(default_factory=dict)
    # Whether the stored row is not as here.
    stale: bool = False
    # Whether a wrong clock gave the stored time. Its jobs were seen first at another time.
    by_wrong_clock: bool = False
    # By job: the fingerprint of its document.
    seen: dict[int, bytes] = field(default_factory=dict)
    # Jobs whose rows have a `last_seen` of their own.
    apart: set[int] = field(default_factory=set)
    # When jobs that are no longer part of it were last seen.
    left: dict[int, str] = field(default_factory=dict)
    # Documents of the latest import before this one that this one has not had yet, as `known`.
    before: dict[bytes, int] = field(default_factory=dict)


class LatestImports:
    """The latest imports of the appliances that a transaction writes to.

    `seen_at` is when the import being loaded was seen. All appliances must be locked.
    """

    def __init__(self, seen_at: str) -> None:
        self._seen_at = seen_at
        self._latest: dict[int, _Latest] = {}
        # Appliances whose stored row is of this import; more of it follows in this transaction.
        self._begun: set[int] = set()
        # By appliance, from the transactions before: see `_Latest.before`.
        self._before: dict[int, dict[bytes, int]] = {}
        # Changes of the rows of `job` that `write` stores.
        self._last_seen = LastSeen()

    def open(self, connection: Connection, appliance_ids: Collection[int]) -> None:
        """Read the latest imports of appliances that have not been opened yet."""
        wanted = [number for number in appliance_ids if number not in self._latest]
        self._latest |= {
            number: _Latest(self._seen_at if number in self._begun else None) for number in wanted
        }
        # Those begun are not read again: what this import adds to them is appended at the end.
        for chunk in chunks(number for number in wanted if number not in self._begun):
            unmarked = _unmarked(connection, chunk)
            for appliance_id, seen_at, data in _stored(connection, chunk):
                documents = decode(data)
                # The row of a job may have been deleted: its document must be read again then.
                known = {
                    mark: job for mark, job in documents.items() if (appliance_id, job) in unmarked
                }
                stale = len(known) < len(documents)
                wrong = timestamps.is_future(seen_at)
                if wrong:
                    # That import must not stay the latest one until then.
                    seen_at, stale = timestamps.just_before(self._seen_at), True  # noqa: PLW2901 - as stored
                latest = self._latest[appliance_id] = _Latest(seen_at, known, stale, wrong)
                latest.before = self._before.pop(appliance_id, {})

    def takes(self, appliance_id: int) -> bool:
        """Return whether the import being loaded is at least as new as the latest one."""
        before = self._latest[appliance_id].seen_at
        return before is None or before <= self._seen_at

    def known(self, appliance_id: int) -> Mapping[bytes, int]:
        """Return job IDs by fingerprint, for documents that need not be parsed again."""
        latest = self._latest[appliance_id]
        if not self.takes(appliance_id) or latest.by_wrong_clock:
            return {}
        return ChainMap(latest.known, latest.before) if latest.before else latest.known

    def last_seen(self, appliance_id: int, job_id: int, own: str | None) -> str:
        """Return when a job was last seen; `own` is the `last_seen` of its row."""
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
        """Record that documents with `known` fingerprints are in this import."""
        latest = self._latest[appliance_id]
        for fingerprint in fingerprints:
            job_id = latest.known.get(fingerprint)
            if job_id is None:
                job_id = latest.before[fingerprint]
                latest.apart.add(job_id)
            if latest.left.get(job_id, "") <= self._seen_at:
                latest.seen[job_id] = fingerprint

    def leave(self, appliance_id: int, job_id: int, last_seen: str) -> None:
        """Record that a job's row now has a `last_seen` of its own."""
        latest = self._latest[appliance_id]
        latest.seen.pop(job_id, None)
        latest.apart.add(job_id)
        latest.left[job_id] = last_seen

    def write(self, connection: Connection, *, unfinished: bool = False) -> None:
        """Store this import as the latest one of its appliances, and clear the cache.

        `unfinished`: more of this import follows in the same transaction.
        """
        changed: list[tuple[int, str, bytes]] = []
        again: list[int] = []
        for appliance_id, latest in self._latest.items():
            if appliance_id in self._begun:
                if latest.seen or latest.left:
                    documents = self._with_more(connection, appliance_id, latest)
                    changed.append((appliance_id, self._seen_at, documents))
                continue
            stored, before = latest.known, latest.seen_at
            self._settle(appliance_id, latest)
            # The list of documents is long, and most imports leave it as it is.
            if latest.seen_at is not None and (latest.stale or latest.known != stored):
                changed.append((appliance_id, latest.seen_at, encode(latest.known)))
            elif latest.seen_at != before:
                again.append(appliance_id)
        self._last_seen.write(connection)
        db.upsert(connection, tables.latest_import, changed, ["seen_at", "documents"])
        for chunk in chunks(again):
            connection.execute(_SEEN_AGAIN, {"ids": chunk, "instant": self._seen_at})
        if unfinished:
            self._begun |= {number for number, seen_at, _ in changed if seen_at == self._seen_at}
        else:
            self._begun.clear()
        self._latest.clear()

    def _with_more(self, connection: Connection, appliance_id: int, latest: _Latest) -> bytes:
        """Return the documents of an appliance that was begun, and those seen since."""
        table = tables.latest_import
        query = sa.select(table.c.documents).where(table.c.appliance_id == appliance_id)
        stored: bytes = connection.execute(query).scalar_one()
        _, last = _ENTRY.unpack(stored[-_ENTRY.size :]) if stored else (b"", 0)
        if latest.left or last >= min(latest.seen):
            latest.known = decode(stored)
            self._settle(appliance_id, latest)
            return encode(latest.known)
        # Only new jobs, as in most first loads: decoding all again would take ever longer.
        self._last_seen.set(appliance_id, latest.apart & latest.seen.keys(), None)
        return stored + encode({mark: job for job, mark in latest.seen.items()})

    def _settle(self, appliance_id: int, latest: _Latest) -> None:
        """Determine the changes of rows of `job`, and the known documents, from what was seen."""
        seen = latest.seen
        known = {job: mark for mark, job in latest.known.items() if job not in latest.left}
        if seen and latest.seen_at == self._seen_at:
            self._last_seen.set(appliance_id, latest.apart & seen.keys(), None)
            known |= seen
        elif seen:
            # Of the two ways, the one that changes fewer rows of `job`. A time that a wrong clock gave
            # is never that of a latest import.
            gone = known.keys() - seen.keys()
            joined = latest.apart & seen.keys()
            if latest.by_wrong_clock or len(gone) + len(joined) <= len(seen):
                if gone:
                    self._last_seen.set(appliance_id, gone, latest.seen_at)
                    if not latest.by_wrong_clock:
                        # The rest of this import may have them, in a later transaction.
                        latest.before |= {known[job]: job for job in gone}
                self._last_seen.set(appliance_id, joined, None)
                latest.seen_at, known = self._seen_at, seen
            else:  # only a small part of the latest import: that stays the latest
                self._last_seen.set(appliance_id, seen, self._seen_at)
                known = {job: mark for job, mark in known.items() if job not in seen}
        elif latest.by_wrong_clock:
            # Its time is not stored: each of its jobs must have one that is not before its first.
            self._last_seen.set(appliance_id, known, latest.seen_at)
            known = {}
        latest.known = {mark: job for job, mark in known.items()}
        if latest.before and sum(map(len, self._before.values())) < _REMEMBERED:
            self._before[appliance_id] = {
                mark: job for mark, job in latest.before.items() if job not in seen
            }


def _stored(connection: Connection, appliance_ids: Collection[int]) -> Iterable[tuple[Any, ...]]:
    """Return the rows of appliances: their ID, when their latest import was seen, and its documents."""
    if len(appliance_ids) == 1:
        return _OF_APPLIANCE.rows(connection, {"number": next(iter(appliance_ids))})
    return map(tuple, connection.execute(_OF_APPLIANCES, {"ids": appliance_ids}))


def _unmarked(connection: Connection, appliance_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return the jobs (appliance ID, job ID) that have no `last_seen` of their own."""
    if len(appliance_ids) == 1:
        return set(_UNMARKED_OF.rows(connection, {"number": next(iter(appliance_ids))}))
    return set(map(tuple, connection.execute(_UNMARKED, {"ids": appliance_ids})))


def encode(documents: Mapping[bytes, int]) -> bytes:
    """Return fingerprints and job IDs as bytes, 24 for each document, by job ID."""
    # In one order, so that the same documents have the same bytes.
    ordered = sorted(documents.items(), key=lambda entry: entry[1])
    return b"".join(_ENTRY.pack(*entry) for entry in ordered)


def decode(data: bytes) -> dict[bytes, int]:
    """Return the job IDs by fingerprint from the bytes of `encode`."""
    return dict(_ENTRY.iter_unpack(data))


def remove(connection: Connection, appliance_id: int, jobs: Collection[int]) -> None:
    """Take deleted jobs out of the latest import of an appliance, which the caller has locked."""
    query = sa.select(_TABLE.c.documents).where(_TABLE.c.appliance_id == appliance_id)
    stored = connection.execute(query).scalar()
    known = decode(stored or b"")
    left = {mark: job for mark, job in known.items() if job not in jobs}
    if len(left) < len(known):
        update = sa.update(_TABLE).where(_TABLE.c.appliance_id == appliance_id)
        connection.execute(update.values(documents=encode(left)))


def job_columns() -> list[sa.ColumnElement[Any]]:
    """Return the columns of `job`, with `last_seen` filled in, for a SELECT from `joined`."""
    own = tables.job.c.last_seen
    filled = sa.func.coalesce(own, tables.latest_import.c.seen_at, type_=own.type)
    return [
        filled.label(own.name) if column is own else column for column in seals.facts(tables.job)
    ]


def joined() -> sa.FromClause:
    """Return `job` with its appliance's latest import."""
    job, table = tables.job, tables.latest_import
    return job.outerjoin(table, job.c.appliance_id == table.c.appliance_id)
