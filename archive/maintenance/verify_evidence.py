"""Check the chain of evidence: its links, the lists of documents, and the jobs against these lists."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.errors import DatabaseError
from archive.maintenance import verify_facts
from archive.maintenance.explained_absence import Absences
from archive.store import evidence_chain, maintenance_log, received_documents
from archive.store.evidence_chain import IMPORT, START, Key, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

_RESTORE = "restore it from a backup, or compare it with a bundle made before"
_LINK = tables.evidence_link
_LIST = tables.evidence_list


class _Listed(NamedTuple):
    """The digests that the links list for a job, in order, and whether one of the imports still counts."""

    digests: tuple[bytes, ...]
    names: frozenset[str]
    expected: bool


def problems(
    connection: Connection, key: Key | None = None, *, with_lists: bool = True
) -> Iterator[str]:
    """Yield a line for each problem. Without a key, that of the engine is used, if there is one.

    A link that is changed, missing or in another place is named. Without `with_lists` only the links
    and the log of maintenance are read.
    """
    key = evidence_chain.key_of(connection) if key is None else key
    yield from _links(connection, key)
    if not with_lists:
        return
    absences = Absences(connection)
    yield from _lost_lists(connection, absences)
    yield from verify_facts.problems(connection, absences)
    appliance = tables.appliance
    query = sa.select(appliance.c.id, appliance.c.name).order_by(appliance.c.name)
    for number, name in connection.execute(query).all():
        try:
            yield from _appliance(connection, number, name, absences)
        except ValueError:
            yield f"evidence_list (appliance_id {number}): malformed job_keys or digests: {_RESTORE}"


def wrong(link: Link, previous: bytes, key: Key | None) -> str | None:
    """Return the columns of a link that do not fit the link before or the key; None if all do."""
    text = link.line(previous).encode()
    if hashlib.sha256(text).digest() != link.link:
        columns = Link._fields[1:-2]
        return f"wrong {' or '.join(columns)}, or not the link that was made after the one before"
    if (link.mac is None) != (link.key_id is None):
        return "wrong key_id or mac"
    if key is not None and link.key_id == key.id and link.mac != key.mac(text):
        return "wrong mac: made without the key"
    return None


def _links(connection: Connection, key: Key | None) -> Iterator[str]:
    """Check each link against the one before, and those of maintenance against its log."""
    done = {one.id: one for one in maintenance_log.entries(connection)}
    number, previous = 0, START
    key_id = None
    for link in evidence_chain.links(connection):
        place = f"evidence_link (id {link.id})"
        if link.id != number + 1:
            yield f"evidence_link (id {number + 1}): missing, with all before id {link.id}: {_RESTORE}"
        elif problem := wrong(link, previous, key):
            yield f"{place}: {problem}: {_RESTORE}"
        number, previous, key_id = link.id, link.link, link.key_id
        if link.what not in tables.MAINTENANCE:
            continue
        one = done.pop(link.subject_id, None)
        if one is None or (one.what, one.digest()) != (link.what, link.digest):
            yield f"maintenance (id {link.subject_id}): not as link {link.id} has it: {_RESTORE}"
    for one in done.values():
        yield f"maintenance (id {one.id}): no link of the chain has it: {_RESTORE}"
    if key is not None and number and key_id != key.id:
        yield (
            f"evidence_link (id {number}): the newest link is not made with the configured key; the"
            " next import is"
        )
    yield from _unlinked(connection)


def _unlinked(connection: Connection) -> Iterator[str]:
    """Find complete imports without a link."""
    run = tables.ingest_run
    # A join: for NOT IN, PostgreSQL would search a long list again and again.
    query = (
        sa.select(run.c.id)
        .outerjoin(_LINK, (_LINK.c.subject_id == run.c.id) & (_LINK.c.what == IMPORT))
        .where(run.c.outcome == "complete", _LINK.c.id.is_(None))
    )
    for number in connection.execute(query.order_by(run.c.id)).scalars():
        yield f"ingest_run (id {number}): complete, but no link of the chain has it: {_RESTORE}"


def _lost_lists(connection: Connection, absences: Absences) -> Iterator[str]:
    """Find links whose lists are gone, without maintenance that tells why."""
    # Distinct ones, for which SQLite makes an index: of a table without row ids it makes none.
    listed = sa.select(_LIST.c.link_id).distinct().subquery()
    query = (
        sa.select(_LINK.c.id, _LINK.c.subject_id, _LINK.c.appliance_name)
        .outerjoin(listed, listed.c.link_id == _LINK.c.id)
        .where(_LINK.c.what == IMPORT, _LINK.c.documents > 0, listed.c.link_id.is_(None))
        .order_by(_LINK.c.id)
    )
    for link, run, name in connection.execute(query).all():
        if not absences.of_list(link, run, name):
            yield f"evidence_list (link_id {link}): missing: {_RESTORE}"


def _appliance(connection: Connection, number: int, name: str, absences: Absences) -> Iterator[str]:
    """Check the lists of an appliance against their links, then its jobs against the lists."""
    listed: dict[str, _Listed] = {}
    for link, keys, digests in _lists(connection, number):
        if isinstance(link, str):
            yield link
            continue
        expected = link.subject_id not in absences.undone
        for key, digest in zip(keys, digests, strict=True):
            known = listed.get(key)
            names = {str(link.appliance_name)}
            listed[key] = (
                _Listed((digest,), frozenset(names), expected)
                if known is None
                else _Listed(
                    (*known.digests, digest), known.names | names, known.expected or expected
                )
            )
    job = tables.job
    query = sa.select(job.c.key, job.c.digest).where(job.c.appliance_id == number)
    for key, digest in connection.execute(query.order_by(job.c.key)).all():
        known = listed.pop(key, None)
        if known is None:
            yield f"job {key} of {name}: no link of the chain lists it: {_RESTORE}"
        # Of two appliances that were merged, the document that was listed first may be the newer one.
        elif digest != known.digests[-1] and (len(known.names) == 1 or digest not in known.digests):
            yield f"job {key} of {name}: wrong digest, by the list of the chain: {_RESTORE}"
    missing = sorted(key for key, one in listed.items() if one.expected)
    for key in absences.of_jobs(number, missing):
        yield f"evidence_list (appliance_id {number}): job {key} of {name} is missing: {_RESTORE}"


def _lists(
    connection: Connection, appliance_id: int
) -> Iterator[tuple[Link | str, list[str], list[bytes]]]:
    """Yield the documents of each list of an appliance with its link, or a problem instead of the link."""
    links = _links_of(connection, appliance_id)
    link: Link | None = None
    mark, documents = hashlib.sha256(), 0

    def ended() -> Iterator[tuple[str, list[str], list[bytes]]]:
        if link is not None and (mark.digest(), documents) != (link.digest, link.documents):
            place = f"evidence_list (appliance_id {appliance_id}, link_id {link.id})"
            yield f"{place}: wrong job_keys or digests, by the link: {_RESTORE}", [], []

    for part in received_documents.parts(connection, appliance_id):
        if link is None or part.link_id != link.id:
            yield from ended()
            link = links.get(part.link_id)
            mark, documents = hashlib.sha256(), 0
        if link is None:
            place = f"evidence_list (appliance_id {appliance_id}, link_id {part.link_id})"
            yield f"{place}: there is no such link: {_RESTORE}", [], []
            continue
        text = received_documents.lines(link.id, str(link.appliance_name), part.keys, part.digests)
        mark.update(text.encode())
        documents += len(part.keys)
        yield link, part.keys, part.digests
    yield from ended()


def _links_of(connection: Connection, appliance_id: int) -> dict[int, Link]:
    """Return the links of an appliance's lists by number."""
    own = sa.select(_LIST.c.link_id).where(_LIST.c.appliance_id == appliance_id)
    columns = (_LINK.c[name] for name in Link._fields)
    query = sa.select(*columns).where(_LINK.c.id.in_(own), _LINK.c.what == IMPORT)
    return {row.id: Link._make(row) for row in connection.execute(query)}


def require_head(connection: Connection, number: int, link: bytes) -> None:
    """Raise DatabaseError unless the chain has a link of this number and digest."""
    query = sa.select(_LINK.c.link).where(_LINK.c.id == number)
    if connection.execute(query).scalar() != link:
        raise DatabaseError(f"the chain has no link {number} with the digest {link.hex()}")
