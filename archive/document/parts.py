"""Validate the nested parts of a document, each distinct text of a message or build only once.

Most messages repeat, so their texts are looked up more often than they are validated.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import MsgspecError, Raw

from archive import json_numbers, timestamps
from archive.document import flatten, schema, structures
from archive.document.params import param_rows
from archive.masking import suspect

# Distinct texts of messages in the cache; the least recently used one goes first.
_REMEMBERED = 5000
# Longer texts are validated each time, which bounds the memory.
_LONGEST = 10_000
# Brackets. More may be deeper than the schema can write, which by_value finds out of the whole document.
_MOST_BRACKETS = 200
# A quote within a string, written without one; canonical JSON has `\"` instead.
HIDDEN_QUOTE = b"\\u0022"


class UncommonError(ValueError):
    """The text is not JSON of the schema, or needs closer attention."""


class _OtherFormError(ValueError):
    """A value is not in the form that most documents have; the schema has to look at it."""


class Part(NamedTuple):
    """A validated part: its value, its canonical JSON, and how many more quotes its text has.

    `canonical` stands in the canonical JSON of the whole document as it is. `quotes` are those of
    nulls and entry lists, which the canonical JSON does not have.
    """

    value: Any
    canonical: Raw
    quotes: int


def message(text: Raw) -> Part:
    """Return a message, the value being the fields of its `flatten.Content`.

    Raises ValueError if it is uncommon.
    """
    raw = bytes(text)
    # `__wrapped__` is the function without its cache.
    return _message(raw) if len(raw) <= _LONGEST else _message.__wrapped__(raw)


def description(text: Raw | None) -> Part | None:
    """Return a message, or None if there is none. Raises ValueError if it is uncommon.

    JSON's null counts as absent, as in all functions here.
    """
    return None if text is None or _present(text) is None else message(text)


def build(text: Raw | None) -> Part | None:
    """Return a build, or None if there is none. Raises ValueError if it is uncommon."""
    raw = _present(text)
    return None if raw is None else _build(raw)


def target(text: Raw | None) -> Part | None:
    """Return the type and id of a target, or None. Raises ValueError if it is uncommon."""
    raw = _present(text)
    return None if raw is None else _part(schema.DynamicID, raw)


def error(text: Raw | None) -> Part | None:
    """Return an error, or None. Raises ValueError if it is uncommon."""
    raw = _present(text)
    return None if raw is None else _part(schema.Failure, raw)


def _present(text: Raw | None) -> bytes | None:
    """Return the text of an optional part; None if it is absent or null."""
    if text is None:
        return None
    raw = bytes(text)
    return None if raw == b"null" else raw


@lru_cache(_REMEMBERED)
def _message(raw: bytes) -> Part:
    """Return a message of JSON text: split if it is of the common form, otherwise by the schema."""
    try:
        # An escape may hide the name of a field.
        value = None if b"\\u" in raw else structures.split_message(raw)
        if value is not None and value.params is not None:
            value.params = _canonical_params(value.params)
    except (MsgspecError, _OtherFormError):
        value = None
    if value is None:
        part = _part(schema.Message, raw)
        return part._replace(value=_content(part.value, bytes(part.canonical)))
    canonical = structures.to_json(value)
    content = _content(value, canonical)
    return _checked(raw, canonical, content)


def _canonical_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return params sorted by name with their values in canonical form, changed in place.

    Raises MsgspecError and _OtherFormError for what the schema has to look at.
    """
    for param in params.values():
        double = _present(param.d)
        param.d = None if double is None else _double(double)
        if param.dt is not None:
            param.dt = timestamps.canonical(param.dt)
        nested = _present(param.nested)
        param.nested = None if nested is None else structures.split_nested(nested)
        if nested is not None and param.nested.params is not None:
            param.nested.params = _canonical_params(param.nested.params)
    return dict(sorted(params.items()))


def _double(raw: bytes) -> float:
    """Return the double of a number's text. Raises _OtherFormError if Python writes it otherwise.

    JSON's writers agree on that form: digits and a point, as few as the double needs.
    """
    text = raw.decode()
    value = float(text)
    if repr(value) != text or "e" in text or not value:
        raise _OtherFormError
    return value


def _content(message: Any, canonical: bytes) -> tuple[Any, ...]:
    """Return the fields of a content as plain tuples, which are cheap to pass between processes."""
    params = message.params
    return (
        flatten.content_digest(canonical),
        tuple(flatten.template(message.id, message.default_message)),
        message.localized,
        params is not None,
        tuple(message.args),
        tuple(map(tuple, param_rows(params))) if params else (),
    )


@lru_cache
def _build(raw: bytes) -> Part:
    return _part(schema.Build, raw)


def _part(model: type[schema.Structure], raw: bytes) -> Part:
    """Return a part that the schema's `model` validates. Raises ValueError."""
    # Doubles must keep all digits. An escape may hide the name of a field.
    if b'"d"' in raw or b'"data"' in raw or b"\\u" in raw:
        value = model.model_validate(json_numbers.loads(raw.decode()))
    else:
        value = model.model_validate_json(raw)
    return _checked(raw, value.to_json().encode(), value)


def _checked(raw: bytes, canonical: bytes, value: Any) -> Part:
    """Return a part. Raises UncommonError for a possible password, repeated members, deep nesting."""
    if raw.count(b"{") + raw.count(b"[") > _MOST_BRACKETS or suspect(canonical.decode()):
        raise UncommonError
    quotes = raw.count(b'"') - canonical.count(b'"')
    if quotes or HIDDEN_QUOTE in raw:
        require_single_members(raw)
    return Part(value, Raw(canonical), quotes)


def require_single_members(text: bytes) -> None:
    """Raise UncommonError if a member is repeated in any object: only the last one was read.

    Nulls and lists of entries have more quotes in the text than in its canonical form, too.
    """
    if json_numbers.has_repeated(json_numbers.loads(text.decode())):
        raise UncommonError
