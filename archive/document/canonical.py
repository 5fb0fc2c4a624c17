"""Turn parsed JSON into a document: typed content, canonical JSON, digest, findings.

Canonical JSON has sorted keys, no nulls, no white space, maps instead of the entry lists of
`/rest`, and instants in UTC, so the two wire shapes of a job have the same digest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import PydanticSerializationError

from archive import json_numbers
from archive.document import findings, schema
from archive.document.repair import mend
from archive.errors import NotAJobError

if TYPE_CHECKING:
    from archive.document.findings import Finding


class Document(NamedTuple):
    """One job's document.

    `text` is the canonical JSON, `digest` its SHA-256. If `irregular`, the tables cannot represent
    all of it, so the text is stored as well.

    The digest is 32 bytes. An irregular text is ASCII-escaped, so it may contain any character.
    """

    info: schema.Info
    text: str
    digest: bytes
    irregular: bool
    findings: list[Finding]


def read(raw: Any) -> Document:
    """Read one job's details from parsed JSON (either wire shape).

    Raises NotAJobError if it cannot be a job at all.

    `raw` is as `json_numbers.loads` gives it, and is not changed.
    """
    if json_numbers.has_repeated(raw):
        return _lenient(raw)
    try:
        info = schema.parse_info(raw)
        text = info.to_json()
    except (ValueError, RecursionError):
        return _lenient(raw)
    # An escaped NUL, or a backslash before "u0000": both are rare, so read both leniently.
    if "\\u0000" in text:
        return _lenient(raw)
    return Document(
        info, text, digest(text.encode()), irregular=False, findings=findings.examine(info)
    )


def _lenient(raw: Any) -> Document:
    """Read a document that the strict schema refuses, or that has texts no database stores.

    Raises NotAJobError as `mend` does.
    """
    try:
        mended = mend(raw)
        text = mended.info.to_json() if mended.regular else json_numbers.dumps(mended.whole)
    except (RecursionError, PydanticSerializationError) as error:
        raise NotAJobError("nested too deeply") from error
    found = mended.findings + findings.examine(mended.info)
    return Document(mended.info, text, digest(text.encode()), not mended.regular, found)


def digest(text: bytes) -> bytes:
    """Return the SHA-256 of a canonical JSON text."""
    return hashlib.sha256(text).digest()
