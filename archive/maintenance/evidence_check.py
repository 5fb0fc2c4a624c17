"""Check a bundle of evidence, as its page of instructions describes it, and compare it with an archive."""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from archive.db import tables
from archive.errors import UsageError
from archive.maintenance.evidence_bundle import (
    CHAIN,
    CHAIN_COLUMNS,
    DOCUMENTS,
    FACTS,
    FACTS_COLUMNS,
    INDEX,
    INDEX_COLUMNS,
    MAINTENANCE,
    RECEIVED,
    RECEIVED_COLUMNS,
    SUMS,
    chain_line,
    document_mark,
    file_digest,
)
from archive.store import evidence_chain
from archive.store.evidence_chain import START, Key, csv_line
from archive.store.maintenance_log import Maintenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection

# Columns of a line of the chain after the text that its digest is computed from.
_AFTER_TEXT = 2


class _Link(NamedTuple):
    """What a line of the chain says: cells as texts."""

    number: int
    what: str
    subject: str
    digest: str


class Head(NamedTuple):
    """A link that was noted elsewhere: its number and the hexadecimal digits of its digest."""

    number: int
    link: str


def check(folder: Path, key: Key | None = None, heads: Sequence[Head] = ()) -> Iterator[str]:
    """Yield a line for each problem, beginning with the file and the number of the line, from 1.

    `heads` must be in the chain. Raises UsageError if the folder is not a bundle, OSError.
    """
    if not (folder / SUMS).is_file() or not (folder / CHAIN).is_file():
        raise UsageError(f"{folder}: not a bundle of evidence: it has no {SUMS} or no {CHAIN}")
    yield from _sums(folder)
    links: dict[int, _Link] = {}
    marks: dict[int, str] = {}
    yield from _chain(folder, key, links, marks)
    for head in heads:
        if marks.get(head.number) != head.link:
            yield f"{CHAIN}: link {head.number} is not {head.link}"
    yield from _maintenance(folder, links)
    yield from _facts(folder, links)
    listed: set[int] = set()
    yield from _received(folder, links, listed)
    yield from _documents(folder, listed)


def _sums(folder: Path) -> Iterator[str]:
    named = set()
    for number, line in enumerate(_lines(folder, SUMS), 1):
        digest, _, name = line.partition("  ")
        path = folder / name
        if "/" in name or name in ("", SUMS) or not path.is_file():
            yield f"{SUMS}:{number}: there is no file {name}"
            continue
        named.add(name)
        if file_digest(path) != digest:
            yield f"{name}: not the file that {SUMS} lists in line {number}"
    for path in sorted(folder.iterdir()):
        if path.name not in named and path.name != SUMS:
            yield f"{path.name}: not in {SUMS}"


def _chain(
    folder: Path, key: Key | None, links: dict[int, _Link], marks: dict[int, str]
) -> Iterator[str]:
    """Check each link of the chain; collect what links say, and their digests, by number."""
    before: str | None = None
    last = 0
    for number, line in _rows(folder, CHAIN, CHAIN_COLUMNS):
        cells = _cells(line)
        if len(cells) != len(CHAIN_COLUMNS) or not cells[1].isdecimal():
            yield f"{CHAIN}:{number}: not a line of a chain"
            continue
        found = dict(zip(CHAIN_COLUMNS, cells, strict=True))
        text = _bytes(line.rsplit(",", _AFTER_TEXT)[0])
        place = int(found["number"])
        if hashlib.sha256(text).hexdigest() != found["link"]:
            yield f"{CHAIN}:{number}: the link is not the SHA-256 of the line before it"
        if before is None:
            before = START.hex() if place == 1 else found["previous"]
            last = place - 1
        if (place, found["previous"]) != (last + 1, before):
            yield f"{CHAIN}:{number}: link {place} does not follow the link of the line before"
        if key is not None and found["key"] == key.id and found["mac"] != key.mac(text).hex():
            yield f"{CHAIN}:{number}: the HMAC was not made with the key"
        if bool(found["key"]) != bool(found["mac"]):
            yield f"{CHAIN}:{number}: key without HMAC, or HMAC without key"
        before, last = found["link"], place
        links[place] = _Link(place, found["what"], found["subject"], found["digest"])
        marks[place] = found["link"]


def _maintenance(folder: Path, links: dict[int, _Link]) -> Iterator[str]:
    found = {}
    for number, line in _rows(folder, MAINTENANCE, Maintenance._fields):
        found[line.partition(",")[0]] = number, hashlib.sha256(_bytes(f"{line}\n")).hexdigest()
    for link in links.values():
        if link.what not in tables.MAINTENANCE:
            continue
        if link.subject not in found:
            yield f"{MAINTENANCE}: no line {link.subject}, which link {link.number} has"
        elif (one := found[link.subject])[1] != link.digest:
            yield f"{MAINTENANCE}:{one[0]}: not the line of link {link.number}"


def _facts(folder: Path, links: dict[int, _Link]) -> Iterator[str]:
    for number, line in _rows(folder, FACTS, FACTS_COLUMNS):
        first = line.partition(",")[0]
        link = links.get(int(first)) if first.isdecimal() else None
        if link is None or hashlib.sha256(_bytes(f"{line}\n")).hexdigest() != link.digest:
            yield f"{FACTS}:{number}: not the line of link {first}"


def _received(folder: Path, links: dict[int, _Link], listed: set[int]) -> Iterator[str]:
    """Check the documents of each link; collect them."""
    link: _Link | None = None
    mark, last = hashlib.sha256(), 0
    for number, line in _rows(folder, RECEIVED, RECEIVED_COLUMNS):
        cells = _cells(line)
        if len(cells) != len(RECEIVED_COLUMNS) or not cells[0].isdecimal():
            yield f"{RECEIVED}:{number}: not a line of a document"
            continue
        if link is None or link.number != int(cells[0]):
            yield from _differing(link, mark.hexdigest(), last)
            link, mark = links.get(int(cells[0])), hashlib.sha256()
            if link is None:
                yield f"{RECEIVED}:{number}: {CHAIN} has no link {cells[0]}"
        mark.update(_bytes(f"{line}\n"))
        last = number
        listed.add(document_mark(cells[2], cells[3]))
    yield from _differing(link, mark.hexdigest(), last)


def _differing(link: _Link | None, digest: str, line: int) -> Iterator[str]:
    if link is not None and link.digest != digest:
        yield f"{RECEIVED}:{line}: the lines of link {link.number} up to here do not have its digest"


def _documents(folder: Path, listed: set[int]) -> Iterator[str]:
    """Check each document against the index, and the index against the received documents."""
    documents = enumerate(_lines(folder, DOCUMENTS), 1)
    for number, line in _rows(folder, INDEX, INDEX_COLUMNS):
        cells = _cells(line)
        place, document = next(documents, (0, ""))
        if len(cells) != len(INDEX_COLUMNS) or cells[0] != str(place):
            yield f"{INDEX}:{number}: not the line of a document"
            continue
        found = dict(zip(INDEX_COLUMNS, cells, strict=True))
        if found["masked"] == "no" and _digest(document) != found["digest"]:
            yield f"{DOCUMENTS}:{place}: not the document of {found['job']} of {found['appliance']}"
        if document_mark(found["job"], found["digest"]) not in listed:
            yield f"{INDEX}:{number}: no line of {RECEIVED} has this job with this digest"
    for place, _ in documents:
        yield f"{DOCUMENTS}:{place}: not in {INDEX}"


def _digest(line: str) -> str:
    return hashlib.sha256(_bytes(line)).hexdigest()


def compare(connection: Connection, folder: Path) -> Iterator[str]:
    """Yield a line for the first link of a bundle that the archive has not, or not so."""
    rows = _rows(folder, CHAIN, CHAIN_COLUMNS)
    first = next(rows, None)
    if first is None:
        return
    cells = _cells(first[1])
    if len(cells) != len(CHAIN_COLUMNS) or not cells[1].isdecimal():  # which `check` says
        return
    previous = bytes.fromhex(cells[0])
    stored = evidence_chain.links(connection, int(cells[1]))
    for number, line in (first, *rows):
        link = next(stored, None)
        if link is None or chain_line(link, previous) != line:
            yield f"{CHAIN}:{number}: the archive does not have this link"
            return
        previous = link.link


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _cells(line: str) -> list[str]:
    """Return the cells of a line of CSV, none if it is malformed."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _rows(folder: Path, name: str, columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file of CSV after its header, with their numbers.

    A quoted cell may have line ends: then the lines belong together.
    """
    lines = enumerate(_lines(folder, name), 1)
    if next(lines, (0, ""))[1] != csv_line(columns):
        raise UsageError(f"{folder / name}: not a file of a bundle of evidence: unknown header")
    for number, line in lines:
        whole = line
        while whole.count('"') % 2 and (more := next(lines, None)) is not None:
            whole = f"{whole}\n{more[1]}"
        yield number, whole


def _lines(folder: Path, name: str) -> Iterator[str]:
    """Yield the lines of a file without their ends. Bytes that are no UTF-8 stay distinct."""
    try:
        with (folder / name).open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            for line in file:
                yield line.removesuffix("\n")
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: not a bundle of evidence: it has no {name}") from error
