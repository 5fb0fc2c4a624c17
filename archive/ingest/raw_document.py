"""One document as imported: its parsed JSON, its text, and a fingerprint of its bytes."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from archive import timestamps
from archive.document import schema
from archive.document.precedence import SeenInterval
from archive.ingest.json_stream import Unreadable, encode, is_utf8

KEY_LENGTH = 255
FINGERPRINT_LENGTH = 16
_UNTEXT = re.compile("[\0\ud800-\udfff]")


class RawDocument(NamedTuple):
    """One document as imported; `appliance` and `seen` are set only if the document has them.

    `problem` says why it is unreadable; then `info` is None.
    """

    key: str | None
    info: Any
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


def document(key: str, info: Any, text: str, position: str) -> RawDocument:
    """Return a job's details with its key, or with a `problem` if they cannot be used."""
    problem = None
    if isinstance(info, Unreadable):
        problem = info.reason
    elif not is_utf8(text):
        problem = "not valid UTF-8"
    elif not 0 < len(key) <= KEY_LENGTH:
        problem = f"the job key must have 1 to {KEY_LENGTH} characters"
    elif _UNTEXT.search(key):
        problem = "the job key has invalid characters"
    if problem:
        return RawDocument(None, None, text, position, problem=problem)
    return RawDocument(key, info, text, position)


def exported(value: dict[str, Any], text: str, position: str) -> RawDocument:
    """Return a job of an export: `{"appliance": ..., "job": ..., "info": ..., "seen": ...}`."""
    for part in value.values():
        if isinstance(part, Unreadable):
            return RawDocument(None, None, text, position, problem=part.reason)
    try:
        line = schema.parse_exported_job(value)
    except schema.ShapeError as error:
        return RawDocument(None, None, text, position, problem=f"not an exported job: {error}")
    seen = (
        None
        if line.seen is None
        else SeenInterval(
            timestamps.fixed_form(line.seen.first),
            timestamps.fixed_form(line.seen.last),
            {status: timestamps.fixed_form(at) for status, at in line.seen.status.items()},
        )
    )
    return document(line.job, line.info, text, position)._replace(
        appliance=line.appliance, seen=seen
    )
