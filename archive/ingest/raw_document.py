"""One document as imported: its parsed JSON, its text, and a fingerprint of its bytes."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from msgspec import MsgspecError

from archive import json_numbers
from archive.document import schema, structures
from archive.document.precedence import SeenInterval
from archive.ingest.json_stream import Unreadable, encode, is_utf8

# Characters. Our limit, not vSphere's: the key is part of an index, which databases limit.
KEY_LENGTH = 255
# Bytes. Enough to tell the documents of one appliance apart, at half the size of a whole digest.
FINGERPRINT_LENGTH = 16
_UNTEXT = re.compile("[\0\ud800-\udfff]")


class RawDocument(NamedTuple):
    """One document as imported; `appliance` and `seen` are set only if the document has them.

    `text` is all of it, `details` the JSON of the job's details. `problem` says why it is unreadable;
    then `details` is empty.

    `position` says where it was, for people: `document 3`, `line 7, document 1`. `key` is None for
    an unreadable document only.
    """

    key: str | None
    details: str
    text: str
    position: str
    appliance: str | None = None
    seen: SeenInterval | None = None
    problem: str | None = None

    @property
    def raw(self) -> bytes:
        """The document's bytes as imported.

        It is what quarantine keeps: byte for byte, except that UTF-16 has become UTF-8.
        """
        return encode(self.text)


class KnownDocument(NamedTuple):
    """A document whose fingerprint is known, so that it was not parsed."""

    fingerprint: bytes


def fingerprint(document: bytes) -> bytes:
    """Return the first 16 bytes of the SHA-256 of a document, white space around it removed.

    It is of the bytes, not of the content: another order of members is another fingerprint.
    """
    return hashlib.sha256(document.strip()).digest()[:FINGERPRINT_LENGTH]


def unreadable(text: str, position: str, problem: str) -> RawDocument:
    """Return a document that cannot be read, and why."""
    return RawDocument(None, "", text, position, problem=problem)


def document(key: str, details: str, text: str, position: str) -> RawDocument:
    """Return a job's details with its key, or with a `problem` if they cannot be used.

    `text` is what quarantine would keep, with the key; `details` is a part of it.
    """
    problem = key_problem(key) if is_utf8(text) else "not valid UTF-8"
    if problem:
        return unreadable(text, position, problem)
    return RawDocument(key, details, text, position)


def key_problem(key: str) -> str | None:
    """Return why a text cannot be a job key; None if it can."""
    if not 0 < len(key) <= KEY_LENGTH:
        return f"the job key must have 1 to {KEY_LENGTH} characters"
    return "the job key has invalid characters" if _UNTEXT.search(key) else None


def entry(value: dict[str, Any], text: str, position: str) -> RawDocument:
    """Return an entry of a `/rest` answer: `{"key": ..., "value": ...}`."""
    if isinstance(value["value"], Unreadable):
        return unreadable(text, position, value["value"].reason)
    return document(value["key"], _part(value, "value", text), text, position)


def exported(value: dict[str, Any], text: str, position: str) -> RawDocument:
    """Return a job of an export: `{"appliance": ..., "job": ..., "info": ..., "seen": ...}`."""
    for part in value.values():
        if isinstance(part, Unreadable):
            return unreadable(text, position, part.reason)
    try:
        line = schema.parse_exported_job(value)
    except schema.ShapeError as error:
        return unreadable(text, position, f"not an exported job: {error}")
    seen = None if line.seen is None else SeenInterval(*line.seen.instants())
    return document(line.job, _part(value, "info", text), text, position)._replace(
        appliance=line.appliance, seen=seen
    )


def _part(value: dict[str, Any], name: str, text: str) -> str:
    """Return the text of a member; written anew if it cannot be cut from the text of the object.

    It cannot be cut where the text is not UTF-8, or nested too deeply for the splitter.
    """
    try:
        return bytes(getattr(structures.split_entry(text), name)).decode()
    except (MsgspecError, ValueError, RecursionError):
        return json_numbers.dumps(value[name])
