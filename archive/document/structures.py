"""Split the JSON of a document into its fields by compiled code; nested parts stay text.

The structures are made from the published schema, so a field is stated only there. Simple fields get
their values; a nested part is `Raw`, its text, which `archive.document.parts` validates by the schema.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Raw

from archive.document import schema

_INT64 = Annotated[int, Meta(ge=schema.INT64_MIN, le=schema.INT64_MAX)]
# msgspec would read a greater integer than 64 bits; here it is refused, and repaired elsewhere.
_SIMPLE: dict[Any, Any] = {int: _INT64, str: str, bool: bool}


def _type(annotation: Any) -> Any:
    """Return the type of a field: that of its simple value, a list or map of texts, or a text."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        (present,) = (each for each in arguments if each is not type(None))
        kind = _type(present)
        return kind if kind is Raw else kind | None
    if origin is Annotated:
        return _type(arguments[0])
    if origin is list:
        return list[_type(arguments[0])]  # type: ignore[misc]  # known only when it runs
    if origin is dict:
        return dict[str, _structure(arguments[1])]  # type: ignore[misc]  # as above
    if annotation is schema.Progress:  # it has simple fields beside its message
        return _structure(schema.Progress)
    return _SIMPLE.get(annotation, Raw)


def _structure(model: Any, **replaced: Any) -> Any:
    """Return the structure of a model, with fields in the same order; `replaced` are other types.

    A field of the schema that is not required is None here; None is left out when it is written.
    Unknown fields are refused: they need the repair, which keeps them.
    """
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        kind = replaced.get(name) or _type(field.annotation)
        fields.append((name, kind) if field.is_required() else (name, kind, None))
    return msgspec.defstruct(
        model.__name__,
        fields,
        rename={name: field.alias or name for name, field in model.model_fields.items()},
        forbid_unknown_fields=True,
        # Nulls are left out, as in canonical JSON.
        omit_defaults=True,
        kw_only=True,
    )


_INFO = _structure(schema.Info)
_EXPORTED = _structure(schema.ExportedJob, info=_INFO)


class _Entry(msgspec.Struct):
    """An entry of a `/rest` answer; its key is read elsewhere."""

    value: Raw = Raw()


# Their methods raise msgspec.MsgspecError for JSON of another structure, and RecursionError.
split_info = msgspec.json.Decoder(_INFO).decode
split_exported = msgspec.json.Decoder(_EXPORTED).decode
split_message = msgspec.json.Decoder(_structure(schema.Message)).decode
split_nested = msgspec.json.Decoder(_structure(schema.Nested)).decode
split_entry = msgspec.json.Decoder(_Entry).decode
# Writes a structure as JSON, without fields that are None.
to_json = msgspec.json.Encoder().encode
