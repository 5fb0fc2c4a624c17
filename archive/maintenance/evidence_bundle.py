"""Write a bundle of evidence: files that an auditor can check without this program.

The same archive and the same options give the same bytes: nothing depends on the time of the export.
Everything is read in one transaction of the caller.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TextIO

import sqlalchemy as sa

from archive import json_numbers, timestamps
from archive.db import tables
from archive.maintenance import evidence_readme, evidence_tables
from archive.maintenance.explained_absence import Absences
from archive.masking import mask_json
from archive.private_files import create
from archive.render import delimited
from archive.reports import Scope, compliance
from archive.store import evidence_chain, job_reader, maintenance_log, received_documents, settings
from archive.store.evidence_chain import Head, Link, csv_line
from archive.store.maintenance_log import Maintenance
from archive.store.selection import Extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

SUMS = "SHA256SUMS"
CHAIN, RECEIVED, MAINTENANCE = "chain.csv", "received.csv", "maintenance.csv"
DOCUMENTS, INDEX = "documents.jsonl", "documents.csv"
FACTS = "facts.csv"
CHAIN_COLUMNS = (
    "previous", "number", "recorded_at", "what", "subject", "appliance", "seen_at", "documents", "digest",
    "key", "link", "mac",
)  # fmt: skip
FACTS_COLUMNS = ("number", "facts")
RECEIVED_COLUMNS = ("number", "appliance", "job", "digest")
INDEX_COLUMNS = ("line", "appliance", "job", "day", "status", "digest", "masked")
# A job is imported after it has begun, but clocks differ.
_MARGIN = timedelta(days=2)


class Selected(NamedTuple):
    """What a bundle is about: days (ISO dates, None for no limit), and appliances (globs, none for all)."""

    since: str | None = None
    until: str | None = None
    appliances: tuple[str, ...] = ()


class Written(NamedTuple):
    """The number of documents in a bundle, how many of them were masked, and the head of the chain."""

    documents: int
    masked: int
    first_link: int
    head: Head


def write(
    connection: Connection,
    folder: Path,
    selected: Selected,
    advance: Callable[[float], None] = lambda _: None,
) -> Written:
    """Write the files into an empty folder; only their owner can read them. Raises OSError.

    Passwords are masked; the digest of such a document cannot be computed from the bundle, so the index
    marks it. Raises UsageError for a glob that matches no appliance.
    """
    head = evidence_chain.head(connection)
    ids = Scope(appliances=selected.appliances).appliance_ids(connection)
    documents, masked, marks = _write_documents(connection, folder, selected, ids, advance)
    first = _first_link(connection, selected, ids, marks)
    _write_chain(connection, folder, first)
    with _file(folder, RECEIVED) as out:
        out.write(f"{csv_line(RECEIVED_COLUMNS)}\n")
        out.writelines(text for text, _ in _received(connection, first, ids))
    with _file(folder, MAINTENANCE) as out:
        out.write(f"{csv_line(Maintenance._fields)}\n")
        out.writelines(one.line() for one in reversed(maintenance_log.entries(connection)))
    with _file(folder, FACTS) as out:
        out.write(f"{csv_line(FACTS_COLUMNS)}\n")
        out.writelines(_facts(connection, first, ids))
    scope = Scope(
        since=selected.since,
        until=selected.until,
        appliances=selected.appliances,
        # As of the last change, so that the time of the export does not count.
        now=_recorded_at(connection, head) or timestamps.now(),
    )
    with _file(folder, "compliance.csv") as out:
        delimited.write(compliance.REPORT.columns, compliance.select(connection, scope), out)
    for name, columns, rows in evidence_tables.tables_of(
        connection, ids, _start(connection, selected)
    ):
        with _file(folder, name) as out:
            delimited.write(columns, rows, out)
    written = Written(documents, masked, first, head)
    with _file(folder, "README.txt") as out:
        calendar = settings.calendar(connection)
        out.write(evidence_readme.text(selected, written, calendar))
    _write_sums(folder)
    return written


def _write_documents(
    connection: Connection,
    folder: Path,
    selected: Selected,
    ids: list[int] | None,
    advance: Callable[[float], None],
) -> tuple[int, int, set[int]]:
    """Write the canonical form of each document as a line, and the index of these lines.

    Return their number, that of the masked ones, and the marks of those that a link must list.
    """
    marks: set[int] = set()
    documents = masked = 0
    with _file(folder, DOCUMENTS) as out, _file(folder, INDEX) as index:
        index.write(f"{csv_line(INDEX_COLUMNS)}\n")
        for job in job_reader.jobs(
            connection, Extent(selected.since), ids, lambda done, of: advance(done / of)
        ):
            if selected.until is not None and job.day > selected.until:
                continue
            document = json_numbers.loads(job.text)
            shown = mask_json(document)
            is_masked = shown != document
            out.write(f"{json_numbers.dumps(shown) if is_masked else job.text}\n")
            documents += 1
            masked += is_masked
            if selected.since is not None:  # otherwise all links are in the bundle
                marks.add(document_mark(job.key, job.digest.hex()))
            cells = (
                documents, job.appliance, job.key, job.day, job.rows.job.status, job.digest,
                "yes" if is_masked else "no",
            )  # fmt: skip
            index.write(f"{csv_line(cells)}\n")
    return documents, masked, marks


def _start(connection: Connection, selected: Selected) -> str | None:
    """Return the instant from which on logs and links belong to a bundle; None: from the first on."""
    if selected.since is None:
        return None
    start = timestamps.to_datetime(settings.calendar(connection).start(selected.since))
    return timestamps.from_datetime(start - _MARGIN)


def _first_link(
    connection: Connection, selected: Selected, ids: list[int] | None, marks: set[int]
) -> int:
    """Return the number of the first link that the bundle needs, so that each job is listed in one."""
    start = _start(connection, selected)
    if start is None:
        return 1
    table = tables.evidence_link
    query = sa.select(sa.func.min(table.c.id)).where(table.c.recorded_at >= start)
    first = connection.execute(query).scalar() or evidence_chain.head(connection).id
    for _, listed in _received(connection, first, ids):
        marks.difference_update(listed)
    # Some are left if an appliance's clock was ahead by days.
    return 1 if marks else max(first, 1)


def _recorded_at(connection: Connection, head: Head) -> str | None:
    table = tables.evidence_link
    query = sa.select(table.c.recorded_at).where(table.c.id == head.id)
    return connection.execute(query).scalar()


def _write_chain(connection: Connection, folder: Path, first: int) -> None:
    table = tables.evidence_link
    before = connection.execute(sa.select(table.c.link).where(table.c.id == first - 1)).scalar()
    previous = evidence_chain.START if before is None else before
    with _file(folder, CHAIN) as out:
        out.write(f"{csv_line(CHAIN_COLUMNS)}\n")
        for link in evidence_chain.links(connection, first):
            out.write(f"{chain_line(link, previous)}\n")
            previous = link.link


def chain_line(link: Link, previous: bytes) -> str:
    """Return the line of a link in a bundle: what its digest is computed from, the digest, and the HMAC."""
    return f"{link.line(previous)},{link.link.hex()},{'' if link.mac is None else link.mac.hex()}"


def _received(
    connection: Connection, first: int, ids: list[int] | None
) -> Iterator[tuple[str, Iterator[int]]]:
    """Yield the lines of documents, part by part, from a link on, and the marks of the documents."""
    wanted = None if ids is None else set(ids)
    for part, appliance_id, name in received_documents.parts_since(connection, first):
        if wanted is None or appliance_id in wanted:
            digests = (digest.hex() for digest in part.digests)
            listed = map(document_mark, part.keys, digests)
            yield received_documents.lines(part.link_id, name, part.keys, part.digests), listed


def _facts(connection: Connection, first: int, ids: list[int] | None) -> Iterator[str]:
    """Yield the lines of facts of appliances from a link on, by their present names."""
    absences, appliance = Absences(connection), tables.appliance
    found = connection.execute(sa.select(appliance.c.name, appliance.c.id))
    names = {name for name, number in found if ids is None or number in ids}
    for link in evidence_chain.links(connection, first, with_facts=True):
        if link.facts is not None and absences.name_now(link.id, link.appliance_name) in names:
            yield evidence_chain.facts_line(link.id, link.facts)


@contextmanager
def _file(folder: Path, name: str) -> Iterator[TextIO]:
    """Create a file that only its owner can read; line ends are those of the writer."""
    with os.fdopen(create(folder / name), "w", encoding="utf-8", newline="") as out:
        yield out


def _write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    with _file(folder, SUMS) as out:
        for name in names:
            out.write(f"{file_digest(folder / name)}  {name}\n")


def document_mark(key: str, digest: str) -> int:
    """Return a number for a document: a set of these takes a fraction of the memory of the texts.

    It is the same in one process only.
    """
    return hash((key, digest))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
