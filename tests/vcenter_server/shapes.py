"""The two wire shapes: maps are objects on `/api`, and lists of entries on `/rest`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any


class Api(Enum):
    """The two APIs of an appliance, by the prefix of their paths."""

    NEW = "/api"
    OLD = "/rest"


def encode(value: Any, api: Api, *, is_map: bool = False) -> bytes:
    """Return the body of an answer with a content in the form of `/api`."""
    if api is Api.OLD:
        value = {"value": to_rest(value, is_map=is_map)}
    return json.dumps(value, separators=(",", ":")).encode()


def to_rest(value: Any, *, is_map: bool = False) -> Any:
    """Turn maps of params into the `/rest` lists of entries, at every depth."""
    if is_map and isinstance(value, dict):
        return [{"key": key, "value": to_rest(item)} for key, item in value.items()]
    if isinstance(value, dict):
        return {
            key: item if key == "data" else to_rest(item, is_map=key == "params")
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [to_rest(item) for item in value]
    return value
