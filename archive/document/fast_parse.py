"""Read the common form of documents in one pass of compiled code.

The common form is a finished job in the shape of `/api`, with instants as vCenter writes them and
without findings or anything that may be a password. For any other document the functions return None, and
`canonical` and `flatten` read it. For the common form those give the same result, only slower.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import to_json
from typing_extensions import TypedDict

from archive.document.findings import DURATION_TOLERANCE_SECONDS
from archive.document.flatten import content_digest, split_location
from archive.document.precedence import Rank, rank
from archive.document.schema import INT64_MAX, INT64_MIN, STATUS_LENGTH
from archive.masking import suspect
from archive.statuses import FINISHED

_STRICT = ConfigDict(strict=True, extra="forbid")
_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"

_Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
_Natural = Annotated[int, Field(ge=0, le=INT64_MAX)]
_Instant = Annotated[str, Field(pattern=_INSTANT)]
_Key = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
_Status = Annotated[str, Field(max_length=STATUS_LENGTH, pattern=r"^[^\x00]*$")]


# Fields stand in alphabetical order, in which they are then written: see `archive.document.schema`.
@with_config(_STRICT)
class _Param(TypedDict, total=False):
    dt: _Instant
    format: str
    i: _Int64
    l: _Nested  # noqa: E741 - its name in the API
    precision: _Int64
    s: str


@with_config(_STRICT)
class _Nested(TypedDict):
    id: str
    params: NotRequired[dict[str, _Param]]


@with_config(_STRICT)
class _Message(TypedDict):
    args: list[str]
    default_message: str
    id: str
    localized: NotRequired[str]
    params: NotRequired[dict[str, _Param]]


@with_config(_STRICT)
class _Build(TypedDict):
    build_number: str
    version: str
    version_name: str


@with_config(_STRICT)
class _Failure(TypedDict, total=False):
    error_type: str
    messages: list[_Message]


@with_config(_STRICT)
class _Progress(TypedDict):
    completed: _Int64
    message: _Message
    total: _Int64


@with_config(_STRICT)
class _Target(TypedDict):
    id: str
    type: str


@with_config(_STRICT)
class _Info(TypedDict):
    build: NotRequired[_Build]
    cancelable: bool
    description: _Message
    duration: _Natural
    end_time: _Instant
    error: NotRequired[_Failure]
    fast_backup: NotRequired[bool]
    location: str
    location_user: str
    messages: list[_Message]
    operation: str
    parent: NotRequired[str]
    progress: _Progress
    service: str
    size: _Natural
    start_time: _Instant
    status: str
    target: NotRequired[_Target]
    type: str
    user: NotRequired[str]


@with_config(_STRICT)
class _Seen(TypedDict):
    first: _Instant
    last: _Instant
    status: dict[_Status, _Instant]


@with_config(_STRICT)
class _Line(TypedDict):
    appliance: str
    info: _Info
    job: _Key
    seen: NotRequired[_Seen]


_INFO = TypeAdapter(_Info)
_LINE = TypeAdapter(_Line)

# One object for each repeated text: less to store, and to pass between processes.
_templates: dict[tuple[str, str], tuple[str, str]] = {}
_REMEMBERED = 10_000

# Plain tuples with the fields of `flatten.Normalised` and its parts, in order: they are cheap to
# create, and to pass between processes.
Rows = tuple[Any, ...]


# A document's status, rank, digest and rows.
Read = tuple[str, Rank, bytes, Rows]
# When a job was seen: the fields of `precedence.SeenInterval`.
Seen = tuple[str, str, dict[str, str]]
# An exported job: appliance, key, when it was seen if the line has that, document.
ReadLine = tuple[str, str, Seen | None, Read]


def read_info(raw: Any) -> Read | None:
    """Read a job's details from parsed JSON; None if they are not in the common form."""
    try:
        return _read(_INFO.validate_python(raw))
    except ValidationError:
        return None


def read_line(line: bytes) -> ReadLine | None:
    """Read a line of an export; None if it is not in the common form."""
    try:
        value = _LINE.validate_json(line)
    except ValidationError:
        return None
    document = _read(value["info"])
    if document is None:
        return None
    seen = None
    if "seen" in value:
        given = value["seen"]
        first, last, statuses = given["first"], given["last"], given["status"]
        if not all(first <= instant <= last for instant in (last, *statuses.values())):
            return None
        if not all(map(_exists, (first, last, *statuses.values()))):
            return None
        fixed = {status: _fixed(instant) for status, instant in statuses.items()}
        seen = (_fixed(first), _fixed(last), fixed)
    return value["appliance"], value["job"], seen, document


def _read(info: _Info) -> Read | None:
    status, start, end = info["status"], info["start_time"], info["end_time"]
    error = info.get("error")
    if status not in FINISHED or (error is not None and status == "SUCCEEDED") or end < start:
        return None
    try:
        took = datetime.fromisoformat(end) - datetime.fromisoformat(start)
        rows = _rows(info)
    except (ValueError, RecursionError):  # no such day
        return None
    duration, progress = info["duration"], info["progress"]
    if abs(duration - int(took.total_seconds())) > DURATION_TOLERANCE_SECONDS:
        return None
    text = to_json(info)
    if b"\\u0000" in text or suspect(text.decode()):
        return None
    digest = hashlib.sha256(text).digest()
    place = rank(status, progress["completed"], duration, _fixed(end), digest)
    return status, place, digest, rows


def _rows(info: _Info) -> Rows:
    if len(_templates) > _REMEMBERED:
        _templates.clear()
    url, folder = split_location(info["location"])
    progress, build, target = info["progress"], info.get("build"), info.get("target")
    job = (
        info["status"],
        info["type"],
        _fixed(info["start_time"]),
        _fixed(info["end_time"]),
        info["duration"],
        info["size"],
        folder,
        info["location_user"],
        info.get("fast_backup"),
        info["cancelable"],
        info.get("user"),
        info.get("parent"),
        None if target is None else target["type"],
        None if target is None else target["id"],
        progress["total"],
        progress["completed"],
    )
    messages = [
        _message("description", info["description"]),
        _message("progress", progress["message"]),
        *[_message("message", message) for message in info["messages"]],
    ]
    failure = info.get("error")
    error = None
    if failure is not None:
        failed = failure.get("messages")
        messages += [_message("error", message) for message in failed or ()]
        error = (None, failure.get("error_type"), None, None, False, failed is not None)
    return (
        job,
        None if build is None else (build["version_name"], build["version"], build["build_number"]),
        (url,),
        (info["service"], info["operation"]),
        messages,
        error,
    )


def _message(role: str, message: _Message) -> Rows:
    params = message.get("params")
    rows: list[Rows] = []
    if params:
        message["params"] = _sorted(params)
        _add_params(message["params"], None, rows)
    template = (message["id"], message["default_message"])
    content = (
        content_digest(to_json(message)),
        _templates.setdefault(template, template),
        message.get("localized"),
        params is not None,
        message["args"],
        rows,
    )
    return role, content


def _add_params(params: dict[str, _Param], parent_seq: int | None, rows: list[Rows]) -> None:
    for name, param in params.items():
        dt, nested = param.get("dt"), param.get("l")
        if dt is not None and not _exists(dt):
            raise ValueError(dt)
        inner = None if nested is None else nested.get("params")
        seq = len(rows)
        rows.append(
            (
                seq,
                parent_seq,
                name,
                param.get("s"),
                None if dt is None else _fixed(dt),
                param.get("i"),
                None,
                param.get("format"),
                param.get("precision"),
                None if nested is None else nested["id"],
                None if nested is None else inner is not None,
            )
        )
        if nested is not None and inner:
            nested["params"] = _sorted(inner)
            _add_params(nested["params"], seq, rows)


def _sorted(params: dict[str, _Param]) -> dict[str, _Param]:
    return dict(sorted(params.items())) if len(params) > 1 else params


def _exists(instant: str) -> bool:
    try:
        datetime.fromisoformat(instant)
    except ValueError:
        return False
    return True


def _fixed(instant: str) -> str:
    return instant[:23] + "000Z"
