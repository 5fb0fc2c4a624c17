"""Read a document for the tables: in the fast way if it has the common form, else leniently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from archive.document import canonical, fast_parse, precedence
from archive.document.flatten import normalise
from archive.document.masked import mask_findings, mask_rows
from archive.masking import suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.document.fast_parse import Read, Rows
    from archive.document.findings import Finding


class ParsedJob(NamedTuple):
    """What the archive stores of one document.

    `rows` are the fields of `flatten.Normalised`, in order. `irregular` is the canonical JSON if the
    tables cannot represent all of it, or hide a password in it, otherwise None.
    """

    status: str
    rank: precedence.Rank
    digest: bytes
    rows: Rows
    irregular: str | None
    findings: Sequence[Finding]


def prepare(raw: Any) -> ParsedJob:
    """Read one job's details from parsed JSON. Raises NotAJobError if they are not a job."""
    read = fast_parse.read_info(raw)
    if read is not None:
        return common(read)
    document = canonical.read(raw)
    info = document.info
    rank = precedence.rank(
        info.status,
        None if info.progress is None else info.progress.completed,
        info.duration,
        info.end_time and timestamps.fixed_form(info.end_time),
        document.digest,
    )
    rows = normalise(info)
    found: Sequence[Finding] = document.findings
    irregular = document.irregular
    if suspect(document.text):
        masked = mask_rows(rows)
        irregular |= masked != rows
        rows, found = masked, mask_findings(found)
    text = document.text if irregular else None
    return ParsedJob(info.status, rank, document.digest, rows, text, found)


def common(read: Read) -> ParsedJob:
    """Return the parsed job for a result of `fast_parse`."""
    return ParsedJob(*read, None, ())
