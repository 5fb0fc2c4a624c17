"""Hide passwords in the rows of a document, which everybody with access to the views can read.

A document in whose rows something is hidden is kept whole, as an irregular one, so that nothing is lost.
The location stays as it is: the database has it masked in a column of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archive import json_numbers, masking
from archive.document.flatten import Build, Normalised, Operation, template
from archive.document.params import with_paths
from archive.document.rebuild import content_digest
from archive.masking import HIDDEN, mask_json, mask_text, names_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.document.findings import Finding
    from archive.document.flatten import Content, ErrorRow, JobColumns
    from archive.document.params import ParamRow


def mask_rows(rows: Normalised) -> Normalised:
    """Return the rows of a document with passwords replaced; equal rows if there are none.

    Digests of changed contents are made anew, so masked and unmasked contents are different rows.
    """
    return rows._replace(
        job=_job(rows.job),
        build=rows.build and Build(*map(mask_text, rows.build)),
        operation=rows.operation and Operation(*map(_text, rows.operation)),
        messages=[message._replace(content=_content(message.content)) for message in rows.messages],
        error=rows.error and _error(rows.error),
    )


def may_hide(rows: Normalised) -> bool:
    """Whether masking may change anything but messages and error. Never wrongly False.

    The status itself stays, but findings quote it.

    It looks for the characters and words that any masking needs, so it is much cheaper.
    """
    job, build, operation = rows.job, rows.build, rows.operation
    return masking.may_hide(job.location_folder or "") or _any_may_hide(
        (
            job.status,
            job.type,
            job.location_user,
            job.user_name,
            job.parent,
            job.target_id,
            *(build or ()),
            *(operation or ()),
        )
    )


@lru_cache
def _any_may_hide(texts: tuple[str | None, ...]) -> bool:
    """Whether masking may change one of some texts; most jobs of an appliance share them."""
    return any(masking.may_hide(text) for text in texts if text)


def mask_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings, which may quote values of the document, with passwords replaced."""
    return [
        finding._replace(field=mask_text(finding.field), detail=mask_text(finding.detail))
        for finding in findings
    ]


def _text(text: str | None) -> str | None:
    """Return a text with passwords hidden; None for None."""
    return text and mask_text(text)


def _job(job: JobColumns) -> JobColumns:
    """Return the columns with the passwords in their texts hidden."""
    return job._replace(
        type=_text(job.type),
        location_folder=_text(job.location_folder),
        location_user=_text(job.location_user),
        user_name=_text(job.user_name),
        parent=_text(job.parent),
        target_id=_text(job.target_id),
    )


def _content(content: Content) -> Content:
    """Return a content with passwords hidden, and then with another digest; the same if it has none."""
    masked = content._replace(
        template=template(*map(mask_text, content.template[1:])),
        localized=_text(content.localized),
        args=[mask_text(arg) for arg in content.args],
        params=[_param(param) for param in content.params],
    )
    if masked == content:
        return content
    return masked._replace(
        digest=content_digest(masked),
        params=with_paths(masked.params),  # of masked names
    )


def _param(param: ParamRow) -> ParamRow:
    """Mask the texts of a param; a value whose name says that it is secret is hidden as a whole."""
    # An empty text hides nothing, and stays empty.
    secret = bool(param.s) and names_secret(param.name)
    return param._replace(
        name=mask_text(param.name),
        s=HIDDEN if secret else _text(param.s),
        nested_id=_text(param.nested_id),
    )


def _error(error: ErrorRow) -> ErrorRow:
    """Return an error with passwords hidden; its data are JSON, so members with such names are, too."""
    return error._replace(
        challenge=_text(error.challenge),
        data=error.data and json_numbers.dumps(mask_json(json_numbers.loads(error.data))),
    )
