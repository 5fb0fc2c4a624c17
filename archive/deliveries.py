"""A delivery's text to its documents: every form in which job details come.

- the `/api` answer, a map from job key to details;
- the `/rest` answer, `{"value": [{"key": ..., "value": ...}, ...]}`, or the list alone;
- JSON Lines: an answer a line, or an exported job a line
  (`{"appliance": ..., "job": ..., "info": ..., "seen": ...}`).

What is JSON but no details answer is refused as a whole, with what it seems to be. In JSON Lines a
line that cannot be read is passed on as unreadable, and reading goes on.
"""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import instants, numbers, wire
from archive.errors import DeliveryError
from archive.jsontext import JsonText, Unreadable, encode, is_utf8, sniff_encoding
from archive.merge import Sight

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

KEY_LENGTH = 255
_UNTEXT = re.compile("[\0\ud800-\udfff]")
_JOB_KEY = re.compile(r"\d{8}-\d{6}-\w+", re.ASCII)
# Fields of other answers, and of a single job's details: without a status below it none is a key.
_FIELDS = frozenset(wire.Info.model_fields) | frozenset(wire.Failure.model_fields)
# An exported job names its appliance first; a name that JSON escapes is left to the reader of JSON.
_NAMED = re.compile(rb'\s*\{"appliance": ?"([ !#-\[\]-~]+)"')
_MEMBER = re.compile(r'("(?:[^"\\]|\\.)*")\s*:\s*')
# Documents start with a job key, which starts with a digit: as a map's key, or an entry's.
_START_LENGTH = 40
_START = re.compile(r"[^0-9]{1,30}[0-9]")
FINGERPRINT_LENGTH = 16
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_LINE_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class RawDocument(NamedTuple):
    """One document as it was delivered; `appliance` and `sight` only where it says so itself.

    `problem` says why it cannot be read; then `info` is None.
    """

    key: str | None
    info: Any
    text: str
    position: str
    appliance: str | None = None
    sight: Sight | None = None
    problem: str | None = None

    @property
    def raw(self) -> bytes:
        """The document's bytes as delivered."""
        return encode(self.text)


def is_lines(name: str, head: bytes) -> bool:
    """Say whether a delivery is JSON Lines, from its name and its first bytes."""
    if name.lower().endswith(_LINE_SUFFIXES):
        return True
    line, newline, rest = head.lstrip().partition(b"\n")
    if not newline or not rest.strip():
        return False
    try:
        return isinstance(numbers.loads(line.decode(sniff_encoding(head))), dict)
    except (ValueError, RecursionError):
        return False


class Again(NamedTuple):
    """A document that is known already, by its fingerprint: it has not been read."""

    fingerprint: bytes


class Line(NamedTuple):
    """A line of JSON Lines, as UTF-8."""

    number: int
    text: bytes

    @property
    def fingerprint(self) -> bytes:
        """What stands for the bytes of the document, if the line is one."""
        return fingerprint(self.text)

    def documents(self) -> Iterator[RawDocument]:
        """Yield the documents of the line."""
        text = self.text.decode("utf-8", "surrogateescape")
        if not text.isspace():
            yield from _line(text.strip().removeprefix(_BOM), f"line {self.number}")


def by_appliance(lines: Iterable[Line]) -> tuple[dict[str, list[Line]], list[Line]]:
    """Sort lines by the appliance that they name first of all, as exported jobs do; and the others."""
    named: dict[str, list[Line]] = {}
    others: list[Line] = []
    start, theirs = b"", others
    for line in lines:
        # Most lines name the same appliance as the one before.
        if not (start and line.text.startswith(start)):
            match = _NAMED.match(line.text)
            start = b"" if match is None else match[0]
            theirs = others if match is None else named.setdefault(match[1].decode(), [])
        theirs.append(line)
    return named, others


def fingerprint(document: bytes) -> bytes:
    """Return 16 bytes that stand for the bytes of a document."""
    return hashlib.sha256(document.strip()).digest()[:FINGERPRINT_LENGTH]


class Form(NamedTuple):
    """How a delivery is written."""

    in_lines: bool
    encoding: str


def form(stream: io.BufferedReader[Any], name: str) -> Form:
    """Return how a delivery is written, from its beginning. Raises DeliveryError if it is empty."""
    head = stream.peek()
    if not head.strip():
        raise DeliveryError("it is empty")
    return Form(is_lines(name, head), sniff_encoding(head))


def lines(stream: io.BufferedReader[Any], encoding: str) -> Iterator[Line]:
    """Yield the lines of JSON Lines. Raises DeliveryError where they are not text."""
    if encoding.startswith("utf-8"):
        yield from map(Line, count(1), stream)
        return
    text = io.TextIOWrapper(stream, encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(text, 1):
            yield Line(number, line.encode())
    except UnicodeDecodeError as error:
        raise DeliveryError(f"after line {number} it is not text in {error.encoding}") from error
    finally:
        text.detach()  # the stream is the caller's to close


def documents(
    stream: io.BufferedReader[Any], encoding: str, known: Collection[bytes] = ()
) -> Iterator[RawDocument | Again]:
    """Yield the documents of an answer, those whose fingerprint is `known` without reading them.

    Raises DeliveryError where the delivery as a whole is at fault.
    """
    return _values(JsonText(stream, encoding), known)


def read_again(raw: bytes) -> list[RawDocument]:
    """Return the documents in the bytes of one that could not be read before."""
    text = raw.decode("utf-8", "surrogateescape")
    # A document of a map was kept with its key, one of a list as its entry, others as they are.
    for form in [f"{{{text}}}"] if text.startswith('"') else [f"[{text}]", text]:
        documents = list(_line(form, "quarantine"))
        if documents and not any(document.problem for document in documents):
            break
    return documents


def _line(text: str, position: str) -> Iterator[RawDocument]:
    value: Any = None
    with suppress(ValueError, RecursionError):  # the cursor tells better what is wrong
        value = numbers.loads(text)
    if isinstance(value, dict) and "info" in value:
        yield _exported(value, text, position)
        return
    try:
        # Only the cursor knows the text of each document within an answer.
        documents = [
            document
            for document in _values(JsonText(io.BytesIO(encode(text)), "utf-8"), ())
            if isinstance(document, RawDocument)
        ]
    except DeliveryError as error:
        yield RawDocument(None, None, text, position, problem=str(error))
    else:
        for document in documents:
            yield document._replace(position=f"{position}, {document.position}")


def _exported(value: dict[str, Any], text: str, position: str) -> RawDocument:
    for part in value.values():
        if isinstance(part, Unreadable):
            return RawDocument(None, None, text, position, problem=part.reason)
    try:
        line = wire.parse_exported_job(value)
    except wire.ShapeError as error:
        return RawDocument(
            None, None, text, position, problem=f"it is not an exported job: {error}"
        )
    sight = (
        None
        if line.seen is None
        else Sight(
            instants.fixed_form(line.seen.first),
            instants.fixed_form(line.seen.last),
            {status: instants.fixed_form(at) for status, at in line.seen.status.items()},
        )
    )
    return _document(line.job, line.info, text, position)._replace(
        appliance=line.appliance, sight=sight
    )


def _document(key: str, info: Any, text: str, position: str) -> RawDocument:
    problem = None
    if isinstance(info, Unreadable):
        problem = info.reason
    elif not is_utf8(text):
        problem = "it is not UTF-8"
    elif not 0 < len(key) <= KEY_LENGTH:
        problem = f"its job key does not have 1 to {KEY_LENGTH} characters"
    elif _UNTEXT.search(key):
        problem = "its job key has characters that are not text"
    if problem:
        return RawDocument(None, None, text, position, problem=problem)
    return RawDocument(key, info, text, position)


def _values(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | Again]:
    """Yield the documents of one answer, or of several written one after the other."""
    while opening := text.peek():
        if opening == "{":
            yield from _object(text, known)
        elif opening == "[":
            yield from _list(text, known)
        elif not text.take(_BOM):  # each of several files may start with one
            value, _ = text.value()
            raise DeliveryError(_what_it_is(value))


def _object(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | Again]:
    text.expect("{")
    if text.take("}"):
        return
    number, boundary = 0, ""
    while True:
        number += 1
        again = _skip_member(text, boundary, known)
        if again is None:
            key, key_text = text.value()
            text.expect(":")
            if not isinstance(key, str):
                raise text.broken("a key is not a text")
            if number == 1 and key == "value" and text.peek() == "[":
                yield from _list(text, known)
                _finish_rest(text)
                return
            info, info_text = text.value()
            if number == 1 and not _may_be_details(key, info):
                yield from _other(text, key, info, f"{key_text}:{info_text}")
                return
            document = _document(key, info, f"{key_text}:{info_text}", f"document {number}")
        gap = text.gap()
        yield again or _unless_known(document, known)
        if not gap:
            text.expect("}")
            return
        boundary = _boundary(text, gap) if known else ""


def _skip_member(text: JsonText, boundary: str, known: Collection[bytes]) -> Again | None:
    """Step over a key and its details if they are known as they stand there."""
    piece = text.until(boundary)
    member = _MEMBER.match(piece)
    if member is None:
        return None
    mark = fingerprint(encode(f"{member[1]}:{piece[member.end() :]}"))
    if mark not in known:
        return None
    text.skip(len(piece))
    return Again(mark)


def _boundary(text: JsonText, gap: str) -> str:
    """Return what will stand between this document and the next, if they are written alike.

    Where it stands elsewhere, too, what is cut there has no fingerprint that is known.
    """
    start = _START.match(text.ahead(_START_LENGTH))
    return "" if start is None else f"}}{gap}{start[0]}"


def _unless_known(document: RawDocument, known: Collection[bytes]) -> RawDocument | Again:
    if not known or document.problem is not None:
        return document
    mark = fingerprint(document.raw)
    return Again(mark) if mark in known else document


def _finish_rest(text: JsonText) -> None:
    """Step over what a `/rest` answer has after its list."""
    while text.take(","):
        text.value()
        text.expect(":")
        text.value()
    text.expect("}")


def _may_be_details(key: str, value: Any) -> bool:
    if _JOB_KEY.fullmatch(key):
        return True
    if key == "info" or not isinstance(value, (dict, Unreadable)):
        return False
    return key not in _FIELDS or (isinstance(value, dict) and "status" in value)


def _other(text: JsonText, key: str, value: Any, piece: str) -> Iterator[RawDocument]:
    """Read the rest of an object that is no map of details; refuse it unless it is an export."""
    whole, pieces = {key: value}, [piece]
    while text.take(","):
        name, name_text = text.value()
        text.expect(":")
        value, value_text = text.value()
        whole[name] = value
        pieces.append(f"{name_text}:{value_text}")
    text.expect("}")
    if "info" not in whole:
        raise DeliveryError(_what_it_is(whole))
    yield _exported(whole, f"{{{','.join(pieces)}}}", "document 1")


def _list(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | Again]:
    text.expect("[")
    if text.take("]"):
        return
    number, boundary = 0, ""
    while True:
        number += 1
        piece = text.until(boundary)
        mark = fingerprint(encode(piece)) if piece else b""
        told: RawDocument | Again
        if mark in known:
            text.skip(len(piece))
            told = Again(mark)
        else:
            entry, entry_text = text.value()
            told = _unless_known(_entry(entry, entry_text, number), known)
        gap = text.gap()
        yield told
        if not gap:
            text.expect("]")
            return
        boundary = _boundary(text, gap) if known else ""


def _entry(entry: Any, text: str, number: int) -> RawDocument:
    position = f"document {number}"
    if isinstance(entry, dict) and isinstance(entry.get("key"), str) and "value" in entry:
        return _document(entry["key"], entry["value"], text, position)
    if isinstance(entry, dict) and "info" in entry:
        return _exported(entry, text, position)
    if isinstance(entry, Unreadable):
        return RawDocument(None, None, text, position, problem=entry.reason)
    if number == 1 and not (isinstance(entry, dict) and "key" in entry):
        raise DeliveryError(_what_it_is([entry]))
    problem = "it is not an entry with a job key and its details"
    return RawDocument(None, None, text, position, problem=problem)


def _what_it_is(value: Any) -> str:
    """Return a sentence about JSON that is no job details answer."""
    wanted = "what is archived is the answer of GET /api/appliance/recovery/backup/job/details"
    if isinstance(value, Unreadable):
        return f"it is not JSON: {value.reason}"
    if isinstance(value, dict) and value.keys() == {"value"}:
        return _what_it_is(value["value"])
    if isinstance(value, list) and value and isinstance(value[0], str):
        return f"it is a list of job ids, without their details; {wanted}"
    if isinstance(value, dict):
        failure = value.get("value") if "type" in value else value
        messages = failure.get("messages") if isinstance(failure, dict) else None
        kind = value.get("error_type") or value.get("type")
        if kind and isinstance(messages, list) and "status" not in value:
            texts = [m.get("default_message") for m in messages if isinstance(m, dict)]
            said = f": {texts[0]}" if texts else ""
            return f"it is an error answer of vCenter ({kind}{said}); {wanted}"
        if "state" in value:
            return f"it is an answer of the older .../job/{{id}} request; {wanted}"
        if "status" in value:
            return (
                "it is the details of one job without its job key;"
                ' write it as {"<job key>": <details>}'
            )
    return f"it is JSON, but no job details; {wanted}"
