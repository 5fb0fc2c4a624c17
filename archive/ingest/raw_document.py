"""One document as imported: its parsed JSON, its text, and a fingerprint of its bytes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from archive.ingest.json_stream import encode, is_utf8

if TYPE_CHECKING:
    from archive.document.precedence import SeenInterval

KEY_LENGTH = 255
FINGERPRINT_LENGTH = 16
_UNTEXT = re.compile("[\0\ud800-\udfff]")


class RawDocument(NamedTuple):
    """One document as imported; `appliance` and `seen` are set only if the document has them.

    `text` is all of it, `details` the JSON of the job's details. `problem` says why it is unreadable;
    then `details` is empty.
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
        """The document's bytes as imported."""
        return encode(self.text)


class KnownDocument(NamedTuple):
    """A document whose fingerprint is known, so that it was not parsed."""

    fingerprint: bytes


def fingerprint(document: bytes) -> bytes:
    """Return the first 16 bytes of the SHA-256 of a document, white space around it removed."""
    return hashlib.sha256(document.strip()).digest()[:FINGERPRINT_LENGTH]


def unreadable(text: str, position: str, problem: str) -> RawDocument:
    """Return a document that cannot be read, and why."""
    return RawDocument(None, "", text, position, problem=problem)


def document(key: str, details: str, text: str, position: str) -> RawDocument:
    """Return a job's details with its key, or with a `problem` if they cannot be used."""
    problem = key_problem(key) if is_utf8(text) else "not valid UTF-8"
    if problem:
        return unreadable(text, position, problem)
    return RawDocument(key, details, text, position)


def key_problem(key: str) -> str | None:
    """Return why a text cannot be a job key; None if it can."""
    if not 0 < len(key) <= KEY_LENGTH:
        return f"the job key must have 1 to {KEY_LENGTH} characters"
    return "the job key has invalid characters" if _UNTEXT.search(key) else None
