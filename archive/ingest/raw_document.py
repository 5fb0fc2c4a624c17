"""One document as imported: its parsed JSON, its text, and a fingerprint of its bytes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from archive.ingest.json_stream import encode, is_utf8

if TYPE_CHECKING:
    from archive.document.precedence import SeenInterval

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

    `text` is what quarantine keeps, with the key.
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
