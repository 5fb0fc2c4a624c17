"""One document as it was imported: its parsed JSON, its own text, and what stands for its bytes."""

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
    """One document as it was imported; `appliance` and `sight` only where it says so itself.

    `problem` says why it cannot be read; then `info` is None.
    """

    key: str | None
    info: Any
    text: str
    position: str
    appliance: str | None = None
    sight: SeenInterval | None = None
    problem: str | None = None

    @property
    def raw(self) -> bytes:
        """The document's bytes as imported."""
        return encode(self.text)


class KnownDocument(NamedTuple):
    """A document that is known already, by its fingerprint: it has not been read."""

    fingerprint: bytes


def fingerprint(document: bytes) -> bytes:
    """Return 16 bytes that stand for the bytes of a document."""
    return hashlib.sha256(document.strip()).digest()[:FINGERPRINT_LENGTH]


def document(key: str, info: Any, text: str, position: str) -> RawDocument:
    """Return a job's details with their key."""
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
    sight = (
        None
        if line.seen is None
        else SeenInterval(
            timestamps.fixed_form(line.seen.first),
            timestamps.fixed_form(line.seen.last),
            {status: timestamps.fixed_form(at) for status, at in line.seen.status.items()},
        )
    )
    return document(line.job, line.info, text, position)._replace(
        appliance=line.appliance, sight=sight
    )
