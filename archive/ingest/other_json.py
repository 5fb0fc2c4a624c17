"""Say of JSON that is no answer with job details how it differs from one."""

from __future__ import annotations

import re
from typing import Any

from archive import json_numbers
from archive.ingest.json_stream import Unreadable
from archive.text import printable, quoted

# Day, time and build or another word, such as 20260723-021500-25148086.
JOB_KEY = re.compile(r"\d{8}-\d{6}-\w+", re.ASCII)
# Fields that only a job has. Other answers have a status, a type, messages or a description, too.
_OF_A_JOB = frozenset(
    {
        "build",
        "cancelable",
        "duration",
        "end_time",
        "fast_backup",
        "location",
        "location_user",
        "operation",
        "progress",
        "size",
        "start_time",
    }
)
# The end of an error about a file that has something else.
_WANTED = "expected the answer of GET /api/appliance/recovery/backup/job/details"
# How far below an answer is looked for, how many values of each level, and how many names are shown.
_DEPTH, _WIDTH, _NAMES = 4, 20, 4
_OF_A_STATUS = ("status", "code", "title", "reason", "message", "detail")


def looks_like_details(value: object) -> bool:
    """Return whether a JSON value has a status and at least one field that only jobs have."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("status"), str)
        and not _OF_A_JOB.isdisjoint(value)
    )


def holds_answer(value: Any) -> bool:
    """Return whether an answer with job details is somewhere below a JSON value."""
    return _path_to_answer(value) is not None


def what_it_is(value: Any) -> str:
    """Return an error for JSON that is not an answer with job details: what it seems to be."""
    if isinstance(value, Unreadable):
        return f"invalid JSON: {value.reason}"
    if (path := _path_to_answer(value)) is not None:
        return (
            f"the job details are below {path}: import only that part, for example with"
            f" `jq {path} FILE | archive ingest -`"
        )
    return _described(value)


def _described(value: Any) -> str:
    """Return what a JSON value is that contains no answer, as an error."""
    if isinstance(value, dict) and value.keys() == {"value"} and value["value"] is not None:
        return _described(value["value"])
    if isinstance(value, list) and value and isinstance(value[0], str):
        return f"a list of job IDs without details; {_WANTED}"
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return f"a text that contains JSON; import the text itself, as `jq -r` writes it; {_WANTED}"
    if isinstance(value, dict):
        return _object(value)
    return f"JSON without job details ({_kind(value)}); {_WANTED}"


def _object(value: dict[str, Any]) -> str:
    """Return what an object is: an error answer, an answer of another request, a status."""
    failure = value.get("value") if "type" in value else value
    messages = failure.get("messages") if isinstance(failure, dict) else None
    kind = value.get("error_type") or value.get("type")
    if kind and isinstance(messages, list) and "status" not in value:
        texts = [m.get("default_message") for m in messages if isinstance(m, dict)]
        said = printable(": ".join(map(str, [kind, *texts[:1]])))
        return f"an error answer from vCenter ({said}); {_WANTED}"
    if "state" in value:
        return f"an answer of the older .../job/{{id}} request; {_WANTED}"
    if looks_like_details(value):
        return 'job details without a job key; write them as {"<job key>": <details>}'
    if "status" in value:
        said = printable(" ".join(str(value[name]) for name in _OF_A_STATUS if name in value))
        return f"a status, but no backup job ({said}); {_WANTED}"
    return f"JSON without job details ({_kind(value)}); {_WANTED}"


def _kind(value: Any) -> str:
    """Return what a JSON value is, in words for an error."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        names = [quoted(name) for name in value]
        more = ["..."] if len(names) > _NAMES else []
        return f"an object with {', '.join(names[:_NAMES] + more)}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list whose first value is {_kind(value[0])}" if value else "an empty list"
    if isinstance(value, Unreadable):
        return "an invalid value"
    return {str: "a text", bool: "true or false"}.get(type(value), "a number")


def _path_to_answer(value: Any) -> str | None:
    """Return where in a JSON value an answer is, as jq writes it; None if it is not below."""
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(_DEPTH):
        below: list[tuple[str, Any]] = []
        for path, holder in level:
            if isinstance(holder, dict):
                named = ((_step(path, name), holder[name]) for name in [*holder][:_WIDTH])
            elif isinstance(holder, list):
                named = (
                    (f"{path or '.'}[{number}]", each)
                    for number, each in enumerate(holder[:_WIDTH])
                )
            else:
                continue
            below += named
        for path, found in below:
            if _is_answer(found):
                return path
        level = below
    return None


def _step(path: str, name: str) -> str:
    """Return the path of a member as jq writes it, with brackets if its name needs them."""
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return f"{path}.{name}"
    return f"{path or '.'}[{json_numbers.dumps(name)}]"


def _is_answer(value: Any) -> bool:
    """Whether a value is a map from job keys to details, or a list of entries with job keys."""
    if isinstance(value, dict) and value:
        return JOB_KEY.fullmatch(next(iter(value))) is not None
    if isinstance(value, list) and value and isinstance(value[0], dict):
        key = value[0].get("key")
        return isinstance(key, str) and "value" in value[0] and JOB_KEY.fullmatch(key) is not None
    return False
