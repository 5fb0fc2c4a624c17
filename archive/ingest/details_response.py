"""Split the JSON text of an answer into its documents.

- the answer of `/api`, a map from job key to details;
- the answer of `/rest`, `{"value": [{"key": ..., "value": ...}, ...]}`, or the list alone;
- exported jobs, alone or in a list.

Other JSON is refused as a whole, with an error that says what it seems to be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from archive.document import schema
from archive.errors import InputError
from archive.ingest import raw_document
from archive.ingest.json_stream import BOM, JsonText, Unreadable, encode
from archive.ingest.raw_document import (
    KnownDocument,
    RawDocument,
    document,
    exported,
    fingerprint,
    unreadable,
)
from archive.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_JOB_KEY = re.compile(r"\d{8}-\d{6}-\w+", re.ASCII)
# Field names, of other answers or of one job's details: not job keys, unless a status is below.
_FIELDS = frozenset(schema.Info.model_fields) | frozenset(schema.Failure.model_fields)
_MEMBER = re.compile(r'("(?:[^"\\]|\\.)*")\s*:\s*')
# A document starts with a job key, which starts with a digit: in a map or in an entry.
_START_LENGTH = 40
_START = re.compile(r"[^0-9]{1,30}[0-9]")


def read(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of one answer, or of several concatenated answers.

    Documents whose fingerprint is `known` are not parsed. Raises InputError if the text as a whole
    is not an answer.

    `known` has fingerprints of 16 bytes. Documents come in the order of the text, one at a time, so
    memory does not grow with the answer. A value in it that cannot be decoded becomes a document
    with a `problem`.
    """
    while opening := text.peek():
        if opening == "{":
            yield from _object(text, known)
        elif opening == "[":
            yield from _list(text, known)
        elif not text.take(BOM):  # each of several files may start with one
            value, _ = text.value()
            raise InputError(_what_it_is(value))


def _object(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of an object: a map of details, a `/rest` answer, or an exported job.

    Which one it is shows in its first member.
    """
    text.expect("{")
    if text.take("}"):
        return
    number, boundary = 0, ""
    while True:
        number += 1
        # What is skipped by its bytes costs a search and a hash instead of a decoding.
        again = _skip_member(text, boundary, known)
        if again is None:
            key, key_text = text.value()
            text.expect(":")
            if not isinstance(key, str):
                raise text.broken("a key is not a string")
            if number == 1 and key == "value" and text.peek() == "[":
                yield from _list(text, known)
                _finish_rest(text)
                return
            info, info_text = text.value()
            if number == 1 and not _may_be_details(key, info):
                yield from _other(text, key, info, f"{key_text}:{info_text}")
                return
            member, position = f"{key_text}:{info_text}", f"document {number}"
            new = (
                unreadable(member, position, info.reason)
                if isinstance(info, Unreadable)
                else document(key, info_text, member, position)
            )
        gap = text.gap()
        yield again or _unless_known(new, known)
        if not gap:
            text.expect("}")
            return
        boundary = _boundary(text, gap) if known else ""


def _skip_member(text: JsonText, boundary: str, known: Collection[bytes]) -> KnownDocument | None:
    """Skip a key and its details if their bytes are known.

    Nothing is skipped if it returns None, so that the member is read in the ordinary way. White
    space around the colon does not count for the fingerprint.
    """
    piece = text.until(boundary)
    member = _MEMBER.match(piece)
    if member is None:
        return None
    mark = fingerprint(encode(f"{member[1]}:{piece[member.end() :]}"))
    if mark not in known:
        return None
    text.skip(len(piece))
    return KnownDocument(mark)


def _boundary(text: JsonText, gap: str) -> str:
    """Return the text expected between this document and the next.

    If it also occurs inside a document, the piece cut there has no known fingerprint, so the
    document is parsed instead.
    """
    start = _START.match(text.ahead(_START_LENGTH))
    return "" if start is None else f"}}{gap}{start[0]}"


def _unless_known(read: RawDocument, known: Collection[bytes]) -> RawDocument | KnownDocument:
    """Return a document, or only its fingerprint if that is known after all: it was parsed in vain."""
    if not known or read.problem is not None:
        return read
    mark = fingerprint(read.raw)
    return KnownDocument(mark) if mark in known else read


def _finish_rest(text: JsonText) -> None:
    """Skip the rest of a `/rest` answer after its list."""
    while text.take(","):
        text.value()
        text.expect(":")
        text.value()
    text.expect("}")


def _may_be_details(key: str, value: Any) -> bool:
    """Whether the first member of an object may be a job, so that the object is a map of details.

    A job key of vCenter's form settles it. Any other key is accepted, too, unless it is a field's
    name.
    """
    if _JOB_KEY.fullmatch(key):
        return True
    if key == "info" or not isinstance(value, (dict, Unreadable)):
        return False
    return key not in _FIELDS or (isinstance(value, dict) and "status" in value)


def _other(text: JsonText, key: str, value: Any, piece: str) -> Iterator[RawDocument]:
    """Read the rest of an object that is not a map of details; refuse it unless it is an export."""
    whole, pieces = {key: value}, [piece]
    while text.take(","):
        name, name_text = text.value()
        text.expect(":")
        value, value_text = text.value()
        whole[name] = value
        pieces.append(f"{name_text}:{value_text}")
    text.expect("}")
    if "info" not in whole:
        raise InputError(_what_it_is(whole))
    yield exported(whole, f"{{{','.join(pieces)}}}", "document 1")


def _list(text: JsonText, known: Collection[bytes]) -> Iterator[RawDocument | KnownDocument]:
    """Yield the documents of a list of entries or exported jobs."""
    text.expect("[")
    if text.take("]"):
        return
    number, boundary = 0, ""
    while True:
        number += 1
        piece = text.until(boundary)
        mark = fingerprint(encode(piece)) if piece else b""
        found: RawDocument | KnownDocument
        if mark in known:
            text.skip(len(piece))
            found = KnownDocument(mark)
        else:
            entry, entry_text = text.value()
            found = _unless_known(_entry(entry, entry_text, number), known)
        gap = text.gap()
        yield found
        if not gap:
            text.expect("]")
            return
        boundary = _boundary(text, gap) if known else ""


def _entry(entry: Any, text: str, number: int) -> RawDocument:
    """Return the document of one member of a list. Raises InputError if the first is neither form.

    A later member of another form is one unreadable document; the rest of the list may be good.
    """
    position = f"document {number}"
    if isinstance(entry, dict) and isinstance(entry.get("key"), str) and "value" in entry:
        return raw_document.entry(entry, text, position)
    if isinstance(entry, dict) and "info" in entry:
        return exported(entry, text, position)
    if isinstance(entry, Unreadable):
        return unreadable(text, position, entry.reason)
    if number == 1 and not (isinstance(entry, dict) and "key" in entry):
        raise InputError(_what_it_is([entry]))
    return unreadable(text, position, "not an entry with a job key and job details")


def _what_it_is(value: Any) -> str:
    """Return an error for JSON that is not an answer with job details."""
    wanted = "expected the answer of GET /api/appliance/recovery/backup/job/details"
    if isinstance(value, Unreadable):
        return f"invalid JSON: {value.reason}"
    if isinstance(value, dict) and value.keys() == {"value"}:
        return _what_it_is(value["value"])
    if isinstance(value, list) and value and isinstance(value[0], str):
        return f"a list of job IDs without details; {wanted}"
    if isinstance(value, dict):
        failure = value.get("value") if "type" in value else value
        messages = failure.get("messages") if isinstance(failure, dict) else None
        kind = value.get("error_type") or value.get("type")
        if kind and isinstance(messages, list) and "status" not in value:
            texts = [m.get("default_message") for m in messages if isinstance(m, dict)]
            said = printable(": ".join(map(str, [kind, *texts[:1]])))
            return f"an error answer from vCenter ({said}); {wanted}"
        if "state" in value:
            return f"an answer of the older .../job/{{id}} request; {wanted}"
        if "status" in value:
            return 'job details without a job key; write them as {"<job key>": <details>}'
    return f"JSON without job details; {wanted}"
