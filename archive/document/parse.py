"""Read a document for the tables: split by compiled code, or value by value if it is uncommon.

The first way (msgspec) is the faster one and must give the same result as the second (pydantic,
`repair`): what it does not fully understand it leaves to the second by raising ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import MsgspecError

from archive import json_numbers, timestamps
from archive.document import canonical, findings, parts, precedence, schema, structures
from archive.document.flatten import normalise
from archive.document.masked import mask_findings, mask_rows, may_hide
from archive.errors import NotAJobError
from archive.masking import suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.document.findings import Finding
    from archive.document.flatten import Normalised
    from archive.document.parts import Part

# What a reader raises for text that it cannot read, or should not.
_UNCOMMON = (ValueError, RecursionError, MsgspecError)
# The quotes around `appliance`, `job` and `info` in an exported job, and around two of their values.
_LINE_QUOTES = 10
_SEEN_QUOTES = 2


class ParsedJob(NamedTuple):
    """What the archive stores of one document.

    `irregular` is the canonical JSON if the tables cannot represent all of it, or hide a password
    in it, otherwise None. `digest` is the SHA-256 of the canonical JSON before a password was
    hidden.
    """

    status: str
    rank: precedence.Rank
    digest: bytes
    rows: Normalised
    irregular: str | None
    findings: Sequence[Finding]


class Observation(NamedTuple):
    """One document of one job, and when it was seen.

    `fingerprint` is that of its bytes if it was seen with the import being loaded; None if the
    document itself says when it was seen.
    """

    appliance: str
    key: str
    document: ParsedJob
    seen: precedence.SeenInterval
    fingerprint: bytes | None


class ParsedLine(NamedTuple):
    """An exported job: appliance, key, when it was seen if the line says so, document.

    `key` and `appliance` are as written, unchecked.
    """

    appliance: str
    key: str
    seen: precedence.SeenInterval | None
    document: ParsedJob


def parse(text: bytes) -> ParsedJob:
    """Read one job's details from JSON. Raises NotAJobError if they are not a job.

    `text` is UTF-8, in either wire shape.
    """
    try:
        return _split(structures.split_info(text), text, 0)
    except _UNCOMMON:
        return by_value(text)


def parse_line(line: bytes) -> ParsedLine | None:
    """Read a line of an export; None if it is uncommon, or not the line of an export.

    It never raises: a line that returns None is read again as any input, and its error recorded.
    """
    try:
        job = structures.split_exported(line)
        seen, quotes = None, _LINE_QUOTES
        if job.seen is not None:
            text = bytes(job.seen)
            seen = _seen(text)
            quotes += _SEEN_QUOTES + text.count(b'"')
        return ParsedLine(job.appliance, job.job, seen, _split(job.info, line, quotes))
    except Exception:  # noqa: BLE001 - read again, each document by itself, it is reported
        return None


def _seen(text: bytes) -> precedence.SeenInterval | None:
    seen = None if text == b"null" else schema.Seen.model_validate_json(text)
    return None if seen is None else precedence.SeenInterval(*seen.instants())


def _split(info: Any, text: bytes, other_quotes: int) -> ParsedJob:
    """Read a document from its structure, whose fields are replaced.

    `other_quotes` are those of the text around the document. Raises ValueError if it is uncommon.

    Repeated members are found by counting quotes: msgspec silently keeps the last one, so the text
    then has more quotes than the canonical JSON made from it. Only if the counts differ, or a quote
    is written as an escape that hides it, is the text read a second time to be sure.
    """
    # The schema limits both; a structure of msgspec checks types only.
    if max(len(info.status), len(info.type or "")) > schema.LABEL_LENGTH:
        raise parts.UncommonError
    if info.start_time is not None:
        info.start_time = timestamps.canonical(info.start_time)
    if info.end_time is not None:
        info.end_time = timestamps.canonical(info.end_time)
    description, build = parts.description(info.description), parts.build(info.build)
    target, error, progress = parts.target(info.target), parts.error(info.error), info.progress
    messages = [parts.message(message) for message in info.messages]
    said = None if progress is None else parts.message(progress.message)
    # First the values, for rows and findings, then the canonical JSON.
    info.description, info.build = _value(description), _value(build)
    info.target, info.error = _value(target), _value(error)
    info.messages = [_value(message) for message in messages]
    if progress is not None:
        progress.message = _value(said)
    found = findings.examine(info)
    rows = normalise(info, _itself)
    # Messages and error have been looked at already, each distinct message once.
    if may_hide(rows):
        raise parts.UncommonError
    info.description, info.build = _json(description), _json(build)
    info.target, info.error = _json(target), _json(error)
    info.messages = [_json(message) for message in messages]
    if progress is not None:
        progress.message = _json(said)
    whole = structures.to_json(info)
    # No database stores NUL in a text; msgspec writes it as this escape.
    if b"\\u0000" in whole:
        raise parts.UncommonError
    read = (description, build, target, error, said, *messages)
    quotes = sum(part.quotes for part in read if part is not None)
    expected = whole.count(b'"') + quotes + other_quotes
    if parts.HIDDEN_QUOTE in text or text.count(b'"') != expected:
        parts.require_single_members(text)
    digest = canonical.digest(whole)
    return ParsedJob(info.status, _rank(rows, digest), digest, rows, None, found)


def _value(part: Part | None) -> Any:
    return None if part is None else part.value


def _json(part: Part | None) -> Any:
    return None if part is None else part.canonical


def _itself(content: Any) -> Any:
    """Return a content that has been made already, where `normalise` expects a message."""
    return content


def by_value(text: bytes) -> ParsedJob:
    """Read one job's details value by value, as `parse` does if they are uncommon; slower, never different.

    Raises NotAJobError.
    """
    try:
        raw = json_numbers.loads(text.decode())
    except RecursionError as error:
        raise NotAJobError("nested too deeply") from error
    except ValueError as error:
        raise NotAJobError(f"not JSON: {error}") from error
    document = canonical.read(raw)
    rows = normalise(document.info)
    found: Sequence[Finding] = document.findings
    irregular = document.irregular
    # A repaired document may have texts that its JSON does not have: an object in the place of a text.
    if irregular or suspect(document.text):
        masked = mask_rows(rows)
        irregular |= masked != rows
        rows, found = masked, mask_findings(found)
    kept = document.text if irregular else None
    rank = _rank(rows, document.digest)
    return ParsedJob(document.info.status, rank, document.digest, rows, kept, found)


def _rank(rows: Normalised, digest: bytes) -> precedence.Rank:
    job = rows.job
    return precedence.rank(
        job.status, job.progress_completed, job.duration_seconds, job.end_time, digest
    )
