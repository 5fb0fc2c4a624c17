"""Turn a document into rows, without database IDs. `rebuild` is the inverse.

Texts that many jobs share (build, location, operation, message template) are natural keys here; the
store gives them IDs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import json_numbers, timestamps
from archive.document.params import param_rows
from archive.statuses import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archive.document.params import ParamRow
    from archive.document.schema import Failure, Info, Message

# vCenter puts each backup into <location>/vCenter/sn_<system name>/<M|S>_<version>_<stamp>_<comment>.
_FOLDER = "/vCenter/sn_"
# Bytes. Enough to tell the contents of one appliance apart, at half the size of a whole digest.
CONTENT_DIGEST_LENGTH = 16


class Build(NamedTuple):
    """Version name, version and build number of an appliance."""

    version_name: str
    version: str
    build_number: str


class Location(NamedTuple):
    """A backup target: its configured URL, perhaps with a password, without the folder of a backup."""

    url: str


class Operation(NamedTuple):
    """The API service and operation that started a job."""

    service: str | None
    operation: str | None


class Template(NamedTuple):
    """A message id and its English text; `digest` is the `key_digest` of both."""

    digest: bytes
    message_id: str
    default_message: str


class Content(NamedTuple):
    """The content of a message, which an appliance's messages share.

    `digest` is the start of the SHA-256 of its canonical JSON: equal contents have equal digests.
    `has_params` distinguishes an empty map of params from an absent one.
    """

    digest: bytes
    template: Template
    localized: str | None
    has_params: bool
    args: Sequence[str]
    params: Sequence[ParamRow]


class MessageRow(NamedTuple):
    """One message of a job, in the role `description`, `progress`, `message` or `error`."""

    role: str
    content: Content


class ErrorRow(NamedTuple):
    """A job's `error` without its messages, which are among the job's other messages.

    `class_name` is set for the wrapped form `{type, value}`; `data` is JSON text. `has_value` and
    `has_messages` distinguish empty parts from absent ones.
    """

    class_name: str | None
    error_type: str | None
    challenge: str | None
    data: str | None
    has_value: bool
    has_messages: bool


class JobColumns(NamedTuple):
    """The columns of `job` that come from the document; instants are fixed-width UTC texts.

    `duration_derived` is True if the document has no duration, and None otherwise.
    """

    status: str
    type: str | None
    start_time: str | None
    end_time: str | None
    duration_seconds: int | None
    duration_derived: bool | None
    size_bytes: int | None
    location_folder: str | None
    location_user: str | None
    fast_backup: bool | None
    cancelable: bool | None
    user_name: str | None
    parent: str | None
    target_type: str | None
    target_id: str | None
    progress_total: int | None
    progress_completed: int | None


class Normalised(NamedTuple):
    """All rows of one document; the place of a message in `messages` is its `seq`."""

    job: JobColumns
    build: Build | None
    location: Location | None
    operation: Operation | None
    messages: Sequence[MessageRow]
    error: ErrorRow | None


def normalise(info: Info, content: Callable[[Any], Content] | None = None) -> Normalised:
    """Return the rows of one job.

    `content` returns the content of a message, if `info` has others than those of the schema: one
    from `archive.document.parse` has contents, made when its parts were validated.
    """
    url, folder = split_location(info.location)
    progress, target, build = info.progress, info.target, info.build
    derived = _elapsed(info) if info.duration is None else None
    # By position, in the order of the columns: this runs once for every job.
    job = JobColumns(
        info.status,
        info.type,
        info.start_time and timestamps.fixed_form(info.start_time),
        info.end_time and timestamps.fixed_form(info.end_time),
        info.duration if derived is None else derived,
        None if derived is None else True,
        info.size,
        folder,
        info.location_user,
        info.fast_backup,
        info.cancelable,
        info.user,
        info.parent,
        None if target is None else target.type,
        None if target is None else target.id,
        None if progress is None else progress.total,
        None if progress is None else progress.completed,
    )
    return Normalised(
        job,
        None if build is None else Build(build.version_name, build.version, build.build_number),
        None if url is None else Location(url),
        None
        if info.service is None and info.operation is None
        else Operation(info.service, info.operation),
        _messages(info, content or content_of),
        None if info.error is None else _error(info.error),
    )


def _elapsed(info: Info) -> int | None:
    """Return the duration in seconds that a finished job without one must have had.

    It is end minus start, truncated as vCenter does; None if one is missing, or the end comes first.
    """
    if info.status not in FINISHED or info.start_time is None or info.end_time is None:
        return None
    start, end = timestamps.to_datetime(info.start_time), timestamps.to_datetime(info.end_time)
    return int((end - start).total_seconds()) if end >= start else None


def split_location(location: str | None) -> tuple[str | None, str | None]:
    """Return a location's configured URL, and the folder of the single backup if it has one.

    Without the split, every backup would have a location of its own.
    """
    if location is None:
        return None, None
    cut = location.rfind(_FOLDER)
    # An @ after it: the supposed folder may be a part of a password.
    if cut < 0 or "@" in location[cut:]:
        return location, None
    return location[:cut], location[cut:]


def _messages(info: Info, content: Callable[[Any], Content]) -> list[MessageRow]:
    """Return the messages of a job in the order of their roles; within a role as in the document."""
    rows: list[MessageRow] = []
    if info.description is not None:
        rows.append(MessageRow("description", content(info.description)))
    if info.progress is not None:
        rows.append(MessageRow("progress", content(info.progress.message)))
    rows += [MessageRow("message", content(message)) for message in info.messages]
    if info.error is not None:
        failure = info.error.value or info.error
        rows += [MessageRow("error", content_of(message)) for message in failure.messages or ()]
    return rows


def content_of(message: Message) -> Content:
    """Return the content of a message, whose digest does not depend on the order of its members."""
    return Content(
        content_digest(message.to_json().encode()),
        template(message.id, message.default_message),
        message.localized,
        message.params is not None,
        message.args,
        param_rows(message.params or {}),
    )


def template(message_id: str, default_message: str) -> Template:
    """Return the template of a message."""
    key = message_id.encode() + b"\xff" + default_message.encode()  # as in `key_digest`
    return Template(hashlib.sha256(key).digest()[:16], message_id, default_message)


def key_digest(key: Iterable[str | None]) -> bytes:
    """Return the first 16 bytes of the SHA-256 of a natural key, for its table's unique index."""
    # Bytes that UTF-8 never has: keys that differ in any part have different digests.
    parts = (b"\xfe" if part is None else part.encode() for part in key)
    return hashlib.sha256(b"\xff".join(parts)).digest()[:16]


def content_digest(canonical: bytes) -> bytes:
    """Return the digest of a message's canonical JSON, CONTENT_DIGEST_LENGTH bytes."""
    return hashlib.sha256(canonical).digest()[:CONTENT_DIGEST_LENGTH]


def _error(error: Failure) -> ErrorRow:
    """Return the row of an error; of a wrapped one the class name and the inside."""
    failure = error.value or error
    return ErrorRow(
        error.type,
        failure.error_type,
        failure.challenge,
        None if failure.data is None else json_numbers.dumps(failure.data),
        error.value is not None,
        failure.messages is not None,
    )
