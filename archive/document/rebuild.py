"""Rebuild a document from its rows: the inverse of `flatten`.

Nothing is validated (`model_construct`): what the tables hold is shown as it is, and `archive db
verify` notices damage by the digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive import json_numbers, timestamps
from archive.document import flatten
from archive.document.schema import (
    Build,
    DynamicID,
    Failure,
    Info,
    Message,
    Nested,
    Param,
    Progress,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.document.flatten import Content, ErrorRow, Normalised
    from archive.document.params import ParamRow


def rebuild(rows: Normalised) -> Info:
    """Return the document of these rows.

    `rows.messages` must have the order in which `normalise` gave them. The JSON of the result is
    canonical, except for an irregular document, whose text is stored as a whole.
    """
    job = rows.job
    by_role: dict[str, list[Any]] = {}
    for message in rows.messages:
        by_role.setdefault(message.role, []).append(rebuild_message(message.content))
    progress = by_role.get("progress", [None])[0]
    description = by_role.get("description", [None])[0]
    return Info.model_construct(
        build=rows.build and Build.model_construct(**rows.build._asdict()),
        cancelable=job.cancelable,
        description=description,
        # A derived duration was not in the document.
        duration=None if job.duration_derived else job.duration_seconds,
        end_time=job.end_time and timestamps.document_form(job.end_time),
        error=rows.error and _error(rows.error, by_role.get("error", [])),
        fast_backup=job.fast_backup,
        location=rows.location and rows.location.url + (job.location_folder or ""),
        location_user=job.location_user,
        messages=by_role.get("message", []),
        operation=rows.operation and rows.operation.operation,
        parent=job.parent,
        progress=None
        if progress is None
        else Progress.model_construct(
            completed=job.progress_completed or 0, message=progress, total=job.progress_total or 0
        ),
        service=rows.operation and rows.operation.service,
        size=job.size_bytes,
        start_time=job.start_time and timestamps.document_form(job.start_time),
        status=job.status,
        target=None
        if job.target_id is None
        else DynamicID.model_construct(id=job.target_id, type=job.target_type or ""),
        type=job.type,
        user=job.user_name,
    )


def rebuild_message(content: Content) -> Message:
    """Return the message with this content."""
    return Message.model_construct(
        args=list(content.args),
        default_message=content.template.default_message,
        id=content.template.message_id,
        localized=content.localized,
        params=_params(content.params) if content.has_params else None,
    )


def content_digest(content: Content) -> bytes:
    """Return the digest that a content should have.

    A row of `message_content` whose digest differs is damaged.
    """
    return flatten.content_digest(rebuild_message(content).to_json().encode())


def _params(rows: Sequence[ParamRow]) -> dict[str, Param]:
    """Return the tree of params; rows come in the order of `seq`, parents before children."""
    roots: dict[str, Param] = {}
    children: dict[int | None, dict[str, Param]] = {None: roots}
    for row in rows:
        below: dict[str, Param] | None = {} if row.nested_has_params else None
        if below is not None:
            children[row.seq] = below
        # Children of a damaged parent are lost; the digest then shows the damage.
        children.setdefault(row.parent_seq, {})[row.name] = Param.model_construct(
            d=row.d,
            dt=row.dt and timestamps.document_form(row.dt),
            format=row.format,
            i=row.i,
            nested=None
            if row.nested_id is None
            else Nested.model_construct(id=row.nested_id, params=below),
            precision=row.precision,
            s=row.s,
        )
    return roots


def _error(row: ErrorRow, messages: list[Message]) -> Failure:
    """Return the error of a row, wrapped if the row has a class name or an inside."""
    failure = Failure.model_construct(
        challenge=row.challenge,
        data=None if row.data is None else _data(row.data),
        error_type=row.error_type,
        messages=messages if row.has_messages else None,
    )
    if row.class_name is None and not row.has_value:
        return failure
    return Failure.model_construct(type=row.class_name, value=failure if row.has_value else None)


def _data(text: str) -> Any:
    """Return the value of an error's data."""
    try:
        return json_numbers.loads(text)
    except ValueError:  # damaged: the digest then shows it
        return text
