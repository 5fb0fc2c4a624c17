"""Read documents that the strict schema refuses: convert values or set them aside.

The strict schema names each place that it refuses. A value with only one possible meaning (an integer
written as a string) is converted. Any other value is *set aside*: the tables get the nearest value
that they can store, a finding describes the original, and the whole document is stored as well.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any, NamedTuple

from archive import json_numbers, timestamps
from archive.document import schema
from archive.document.findings import Finding
from archive.errors import NotAJobError
from archive.masking import HIDDEN, mask_json, names_secret
from archive.text import UNSTORABLE, storable

# Keys and list indexes from the document down to a value, as pydantic's `loc`.
Path = tuple[str | int, ...]

# A whole number written as a text; no number of 64 bits has more digits.
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
# What takes the place of a required field that is missing, null or unusable.
_NEUTRAL: dict[str, Any] = {"id": "", "default_message": "", "args": [], "messages": []}
# Each round repairs every place that the schema names; a removal can reveal errors one level up.
_ROUNDS = 50


class Mended(NamedTuple):
    """A repaired document.

    `whole` is its canonical form; if `regular`, the tables alone can represent it.

    `info` is what the tables get, `whole` has the originals of what was set aside. Findings are
    those of the repair only.
    """

    info: schema.Info
    whole: Any
    regular: bool
    findings: list[Finding]


def mend(raw: Any) -> Mended:
    """Read a document that the strict schema refuses. Raises NotAJobError if it is not a job.

    `raw` is not changed. Each repair concerns one place, so a bad field costs itself, or the object
    that cannot be without it.
    """
    if not isinstance(raw, dict):
        raise NotAJobError(f"{_kind(raw)} instead of job details")
    if not isinstance(raw.get("status"), str):
        hint = " (probably an answer of the older .../job/{id} request)" if "state" in raw else ""
        raise NotAJobError(f"no status{hint}")
    if len(raw["status"]) > schema.LABEL_LENGTH:
        raise NotAJobError(f"the status is longer than {schema.LABEL_LENGTH} characters")
    # What follows changes it in place.
    whole = copy.deepcopy(raw)
    aside: dict[Path, Finding | None] = {}
    _params_to_maps(whole)
    clean = _scrub(whole, (), aside)
    for _ in range(_ROUNDS):
        try:
            info = schema.parse_info(clean)
        except schema.ShapeError as error:
            if not error.refusals:
                raise NotAJobError(str(error)) from error
            for path, kind, _ in error.refusals:
                _mend_place(clean, path, kind, aside)
        else:
            kept = json.loads(info.to_json())
            return Mended(
                info,
                _overlay(whole, kept, (), aside),
                not aside,
                # In an order of their own: equal canonical forms must have equal findings.
                sorted(filter(None, aside.values()), key=lambda found: found[::-1]),
            )
    raise NotAJobError("the structure differs too much from job details")


def _kind(value: object) -> str:
    """Return the JSON type of a value, for an error."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _params_to_maps(info: dict[str, Any]) -> None:
    """Turn the `/rest` entry lists of all messages into maps, in place; unknown fields stay."""
    error = info.get("error")
    places: list[Any] = [info.get("description"), _get(info.get("progress"), "message")]
    for messages in (
        info.get("messages"),
        _get(error, "messages"),
        _get(_get(error, "value"), "messages"),
    ):
        places += messages if isinstance(messages, list) else []
    while places:
        holder = places.pop()
        params = schema.entries_to_map(_get(holder, "params"))
        if isinstance(params, dict):
            holder["params"] = params
            places += [_get(param, "l") for param in params.values()]


def _get(value: Any, name: str) -> Any:
    """Return a member of an object; None for a value of another type."""
    return value.get(name) if isinstance(value, dict) else None


def _scrub(value: Any, path: Path, aside: dict[Path, Finding | None]) -> Any:
    """Return a copy with only storable texts; set aside the changed places.

    `aside` has no finding for a changed text: U+FFFD shows that something was replaced, and the
    original is kept.
    """
    if isinstance(value, str):
        scrubbed = storable(value)
        if scrubbed != value:
            aside[path] = None
        return scrubbed
    if isinstance(value, list):
        return [_scrub(item, (*path, index), aside) for index, item in enumerate(value)]
    if isinstance(value, dict):
        if isinstance(value, json_numbers.RepeatedMembers):
            named = _dotted((*path, value.repeated))
            aside[path] = Finding(
                "repeated_member", named, "occurs more than once; the last counts"
            )
        elif any(UNSTORABLE.search(key) for key in value):
            aside[path] = None
        return {storable(key): _scrub(item, (*path, key), aside) for key, item in value.items()}
    return value


def _mend_place(clean: Any, path: Path, kind: str, aside: dict[Path, Finding | None]) -> None:
    """Repair the one place that pydantic refused with an error of type `kind`, in place.

    A missing field gets a neutral value, or its object goes; an unknown field goes; a value is
    converted, cut to microseconds, or replaced.
    """
    parent, name = _parent(clean, path)
    # An earlier repair of this round has removed its object.
    if parent is None:
        return
    if kind == "missing":
        aside[path] = Finding(
            "missing_field", _dotted(path), f"the schema requires {_dotted(path)}"
        )
        if name in _NEUTRAL:
            parent[name] = copy.deepcopy(_NEUTRAL[name])
        else:
            _remove(clean, path[:-1], aside)
        return
    value = parent[name]
    if kind == "extra_forbidden":
        aside[path] = Finding("unknown_field", _dotted(path), "not in the published schema")
        del parent[name]
    elif (understood := _understand(value, kind)) is not None:
        parent[name] = understood
    elif (truncated := _truncate(value)) is not None:
        aside[path] = None
        parent[name] = truncated
    elif value is None and name in _NEUTRAL:
        aside[path] = Finding("missing_field", _dotted(path), f"{_dotted(path)} is null")
        parent[name] = copy.deepcopy(_NEUTRAL[name])
    else:
        aside[path] = Finding("bad_value", _dotted(path), f"invalid value {_shown(path, value)}")
        _replace(parent, name, kind, value)


def _understand(value: Any, kind: str) -> int | float | None:
    """Return the number that a value of another JSON type clearly means, or None."""
    # A boolean is an int in Python, and no number in JSON.
    if isinstance(value, bool) or value is None:
        return None
    if kind.startswith("int_") and isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if kind.startswith("int_") and not isinstance(value, (dict, list)):
        # A comparison is exact for any exponent, while `abs` overflows.
        in_range = schema.INT64_MIN <= value <= schema.INT64_MAX
        return int(value) if in_range and value == int(value) else None
    if kind == "float_type" and isinstance(value, str):
        try:
            double = json_numbers.parse_float(value)
        except ValueError:
            return None
        return double if isinstance(double, float) and double - double == 0 else None
    return None


def _truncate(value: Any) -> str | None:
    """Return a timestamp cut to microseconds, if that is what the schema refused; else None."""
    if not isinstance(value, str):
        return None
    try:
        timestamps.parse(value)
    except timestamps.TooFineError as fine:
        return timestamps.document_form(fine.truncated)
    except ValueError:
        return None
    return None


def _replace(parent: Any, name: str | int, kind: str, value: Any) -> None:
    """Put the nearest storable value in the place of one that has no meaning here.

    A field that must be a text gets the JSON of its value; an entry of a list becomes a message
    with that text; a required field gets its neutral value; any other field goes.
    """
    # Masked here: of a text, nothing tells the name of a secret that an entry list has apart from its value.
    text = value if isinstance(value, str) else json_numbers.dumps(mask_json(value))
    if kind == "string_type":
        parent[name] = text
    elif isinstance(parent, list) and isinstance(name, int):
        parent[name] = {"id": "", "default_message": text, "args": []}
    elif name in _NEUTRAL:
        parent[name] = copy.deepcopy(_NEUTRAL[name])
    else:
        del parent[name]


def _remove(clean: Any, path: Path, aside: dict[Path, Finding | None]) -> None:
    """Remove the object that lacks a required field, and set it aside as a whole."""
    parent, name = _parent(clean, path)
    if isinstance(parent, dict) and name in parent:
        aside[path] = None
        del parent[name]


def _parent(clean: Any, path: Path) -> tuple[Any, Any]:
    """Return the parent of a place and its name; (None, name) if the parent no longer exists."""
    value = clean
    for step in path[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None, path[-1]
    return value, path[-1]


def _overlay(whole: Any, kept: Any, path: Path, aside: dict[Path, Finding | None]) -> Any:
    """Return the canonical form: the stored values, and the originals that were set aside."""
    if path in aside:
        return whole
    if isinstance(whole, dict) and isinstance(kept, dict):
        return {
            key: _overlay(item, kept.get(key), (*path, key), aside)
            for key, item in whole.items()
            if key in kept or (*path, key) in aside
        }
    if isinstance(whole, list) and isinstance(kept, list):
        return [
            _overlay(item, kept[index], (*path, index), aside) for index, item in enumerate(whole)
        ]
    return kept


def _dotted(path: Path) -> str:
    return storable(".".join(map(str, path)))


def _shown(path: Path, value: Any) -> str:
    """Return a value as JSON of at most 60 characters, for a finding; without secrets."""
    if any(isinstance(step, str) and names_secret(step) for step in path):
        return HIDDEN
    text = json_numbers.dumps(mask_json(value))
    return text if len(text) <= 60 else text[:57] + "..."
