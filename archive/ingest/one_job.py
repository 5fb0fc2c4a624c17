"""Recognise a single job with its key: an entry, an exported job, or details with their key inside."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import MsgspecError

from archive.document import schema, structures
from archive.document.precedence import SeenInterval
from archive.ingest.json_stream import JsonText, Unreadable, encode
from archive.ingest.other_json import JOB_KEY, looks_like_details
from archive.ingest.raw_document import document, unreadable

if TYPE_CHECKING:
    from archive.ingest.raw_document import RawDocument

# Names in any case: PowerShell writes `Key` and `Value`, Ansible's modules `id` and `value`.
_KEY_OF_ENTRY = ("key", "id")
_VALUE_OF_ENTRY = "value"
# Names of the job key among the details, in any case, as scripts add it.
_KEY_INSIDE = frozenset({"id", "key", "job", "job_id", "jobid", "job_key", "jobkey"})
# The usual form of an entry: the text of its value starts where this ends.
_START_OF_ENTRY = re.compile(r'\{\s*"key"\s*:\s*"[^"\\]*"\s*,\s*"value"\s*:\s*')


def one_job(value: Any, text: str, position: str) -> RawDocument | None:
    """Return the document of one job; None if the JSON value is nothing of the kind.

    `text` is the JSON text of the value. The document of a job that cannot be used has a `problem`.
    """
    if not isinstance(value, dict):
        return None
    if (names := _names_of_entry(value)) is not None:
        return _entry(value, names, text, position)
    if "info" in value:
        return exported(value, text, position)
    return _with_key_inside(value, text, position) if looks_like_details(value) else None


def exported(value: dict[str, Any], text: str, position: str) -> RawDocument:
    """Return a job of an export: `{"appliance": ..., "job": ..., "info": ..., "seen": ...}`."""
    for part in value.values():
        if isinstance(part, Unreadable):
            return unreadable(text, position, part.reason)
    try:
        line = schema.parse_exported_job(value)
    except schema.ShapeError as error:
        return unreadable(text, position, f"not an exported job: {error}")
    seen = None if line.seen is None else SeenInterval(*line.seen.instants())
    return _cut(line.job, "info", text, position)._replace(appliance=line.appliance, seen=seen)


def _names_of_entry(value: dict[str, Any]) -> tuple[str, str] | None:
    """Return the names of an entry's key and value as they are written; None if it is no entry."""
    if "key" in value and "value" in value:
        key, details = "key", "value"
    else:
        written = {name.lower(): name for name in reversed(value)}
        if _VALUE_OF_ENTRY not in written:
            return None
        key = next((written[name] for name in _KEY_OF_ENTRY if name in written), "")
        details = written[_VALUE_OF_ENTRY]
    return (key, details) if isinstance(value.get(key), str) else None


def _entry(value: dict[str, Any], names: tuple[str, str], text: str, position: str) -> RawDocument:
    """Return the document of an entry, whose key and value have the given names."""
    key, details = value[names[0]], value[names[1]]
    if isinstance(details, Unreadable):
        return unreadable(text, position, details.reason)
    # Nearly all entries are as vCenter writes them; their details are cut out by compiled code.
    start = _START_OF_ENTRY.match(text)
    if start is not None:
        with suppress(MsgspecError, ValueError, RecursionError):
            part = bytes(structures.split_entry(text).value).decode()
            if (
                text.startswith(part, start.end())
                and text[start.end() + len(part) :].strip() == "}"
            ):
                return document(key, part, text, position)
    return _cut(key, names[1], text, position)


def _with_key_inside(value: dict[str, Any], text: str, position: str) -> RawDocument | None:
    """Return the document of details with their job key inside; None without exactly one key.

    The key is taken out again, since the details have no such field.
    """
    # A job key has a form that no other field has, so nothing else can be meant.
    keys = [
        name
        for name, member in value.items()
        if name.lower() in _KEY_INSIDE and isinstance(member, str) and JOB_KEY.fullmatch(member)
    ]
    if len(keys) != 1:
        return None
    rest = [f"{written}:{part}" for name, written, part in members(text) if name != keys[0]]
    return document(value[keys[0]], f"{{{','.join(rest)}}}", text, position)


def _cut(key: str, name: str, text: str, position: str) -> RawDocument:
    """Return a document whose details are the member `name` of an object."""
    parts = [part for found, _, part in members(text) if found == name]
    if len(parts) != 1:
        return unreadable(text, position, f'"{name}" occurs more than once')
    return document(key, parts[0], text, position)


def members(text: str) -> list[tuple[str, str, str]]:
    """Return the members of an object: name, text of the name, text of the value."""
    cursor = JsonText(io.BytesIO(encode(text)), "utf-8")
    found = []
    cursor.expect("{")
    while cursor.peek() != "}":
        name, written = cursor.value()
        cursor.expect(":")
        found.append((name, written, cursor.value()[1]))
        cursor.take(",")
    return found
