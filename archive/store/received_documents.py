"""What an import brings: the keys and digests of its new and changed documents, as evidence.

The lists are kept whatever becomes of the jobs, so that a link of the chain can be computed again
after a job has been replaced, merged, undone or pruned.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store import evidence_chain
from archive.store.evidence_chain import (
    FACTS,
    IMPORT,
    Entry,
    csv_line,
    facts_entry,
    is_special,
)
from archive.store.moved_rows import move

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

DIGEST_BYTES = 32
# Lists read together; each may have many documents.
_AT_A_TIME = 100


class _List:
    """The documents of one appliance, in the order in which they were written.

    `number` is that of the link, from the first time that a part of the list is stored.
    """

    def __init__(self) -> None:
        self.number = 0
        self.documents = 0
        self.digest = hashlib.sha256()
        self.keys: list[str] = []
        self.digests: list[bytes] = []
        self._parts = 0

    def take(self, appliance_id: int, name: str) -> list[tuple[Any, ...]]:
        """Return the row, if any, that stores what has been added since the last time."""
        if not self.keys:
            return []
        self.digest.update(lines(self.number, name, self.keys, self.digests).encode())
        keys = "\0".join([*self.keys, ""]).encode()
        row = (appliance_id, self.number, self._parts, keys, b"".join(self.digests))
        self.documents += len(self.keys)
        self._parts += 1
        self.keys.clear()
        self.digests.clear()
        return [row]


class ReceivedDocuments:
    """The documents of one transaction of an import; each appliance with documents has a link."""

    def __init__(self, run_id: int, seen_at: str) -> None:
        self._run_id = run_id
        self._seen_at = seen_at
        self._names: dict[int, str] = {}
        self._lists: dict[int, _List] = {}
        self._facts: dict[int, str] = {}

    def name(self, ids: Mapping[str, int]) -> None:
        """Learn the names of appliances that the import has documents of, new ones or not."""
        self._names |= {number: name for name, number in ids.items()}

    def add(self, appliance_id: int, key: str, digest: bytes) -> None:
        """Add a document that is written in this transaction."""
        found = self._lists.get(appliance_id)
        if found is None:
            found = self._lists[appliance_id] = _List()
        found.keys.append(key)
        found.digests.append(digest)

    def add_facts(self, appliance_id: int, facts: str) -> None:
        """Add the facts (JSON) of an appliance, which have changed; it must have been named."""
        self._facts[appliance_id] = facts

    def store(self, connection: Connection) -> None:
        """Store the lists so far, which bounds their memory; more of the transaction follows.

        The caller must have excluded all other writers: the numbers of the links are given now.
        """
        self._store(connection, evidence_chain.head(connection).id + 1)

    def record(self, connection: Connection) -> None:
        """Add the links, as the last step of the transaction; without documents one that says so."""
        evidence_chain.append(connection, lambda first: self._entries(connection, first))
        self._lists.clear()
        self._facts.clear()
        self._names.clear()

    def _entries(self, connection: Connection, first: int) -> list[Entry]:
        entries = self._of_documents(connection, first)
        return entries + [
            facts_entry(
                number, FACTS, self._run_id, self._names[appliance_id], self._seen_at, facts
            )
            for number, (appliance_id, facts) in enumerate(
                self._facts.items(), first + len(entries)
            )
        ]

    def _of_documents(self, connection: Connection, first: int) -> list[Entry]:
        if not self._lists:
            name = next(iter(self._names.values())) if len(self._names) == 1 else None
            return [self._entry(name, 0, hashlib.sha256())]
        self._store(connection, first)
        return [
            self._entry(self._names[appliance_id], one.documents, one.digest)
            for appliance_id, one in sorted(self._lists.items(), key=lambda item: item[1].number)
        ]

    def _store(self, connection: Connection, first: int) -> None:
        rows: list[tuple[Any, ...]] = []
        following = first + sum(one.number > 0 for one in self._lists.values())
        for appliance_id, one in sorted(self._lists.items(), key=lambda item: self._names[item[0]]):
            if not one.number:
                one.number = following
                following += 1
            rows += one.take(appliance_id, self._names[appliance_id])
        db.insert(connection, tables.evidence_list, rows)

    def _entry(self, name: str | None, documents: int, digest: hashlib._Hash) -> Entry:
        values = (name, self._seen_at, documents, digest.digest())
        return Entry(IMPORT, self._run_id, *values)


def lines(number: int, name: str, keys: Sequence[str], digests: Sequence[bytes]) -> str:
    """Return the lines of a link's documents: its digest is that of all of them."""
    start = csv_line((number, name))
    if not is_special("".join(keys)):  # faster than to look at each
        return "".join(
            [f"{start},{key},{digest.hex()}\n" for key, digest in zip(keys, digests, strict=True)]
        )
    return "".join(f"{start},{csv_line(pair)}\n" for pair in zip(keys, digests, strict=True))


class StoredPart(NamedTuple):
    """A part of a list as stored: the number of its link, its place, keys of jobs and digests."""

    link_id: int
    seq: int
    keys: list[str]
    digests: list[bytes]


def parts(connection: Connection, appliance_id: int) -> Iterator[StoredPart]:
    """Yield the stored lists of an appliance, in order. Raises ValueError for damaged bytes."""
    table = tables.evidence_list
    query = (
        sa.select(table.c.link_id, table.c.seq, table.c.job_keys, table.c.digests)
        .where(table.c.appliance_id == appliance_id)
        .order_by(table.c.link_id, table.c.seq)
    )
    for row in connection.execute(query):
        yield StoredPart(row.link_id, row.seq, *_decoded(row.job_keys, row.digests))


def parts_since(connection: Connection, link_id: int) -> Iterator[tuple[StoredPart, int, str]]:
    """Yield the stored lists from a link on, in its order, each with its appliance.

    The number of the appliance is the present one, the name that of its link.
    """
    table, link = tables.evidence_list, tables.evidence_link
    query = (
        sa.select(table, link.c.appliance_name)
        .join(link, table.c.link_id == link.c.id)
        .where(table.c.link_id >= link_id)
        .order_by(table.c.link_id, table.c.seq)
    )
    with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
        for row in rows:
            part = StoredPart(row.link_id, row.seq, *_decoded(row.job_keys, row.digests))
            yield part, row.appliance_id, str(row.appliance_name)


def _decoded(keys: bytes, digests: bytes) -> tuple[list[str], list[bytes]]:
    *names, rest = keys.decode().split("\0")
    marks = [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]
    if rest or len(names) != len(marks) or len(digests) % DIGEST_BYTES:
        raise ValueError("not as many digests as keys")
    return names, marks


def hand_over(connection: Connection, source: int, target: int) -> None:
    """Give the lists of one appliance to another one; their links keep the old name."""
    move(connection, tables.evidence_list, source, target)
