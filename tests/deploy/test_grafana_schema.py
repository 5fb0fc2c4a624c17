"""The dashboard fits the schema of Grafana's SDK: every key is known, and every value has the right type."""

from __future__ import annotations

import copy
import enum
import json
import typing
from types import UnionType
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from tests.deploy.test_grafana import DASHBOARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODELS = "grafana_foundation_sdk.models."


def lost(original: Any, kept: Any, place: str = "") -> Iterator[str]:
    """Return the paths that are lost or changed when the SDK reads and writes the dashboard."""
    if isinstance(original, dict) and isinstance(kept, dict):
        for key, value in original.items():
            if key in kept:
                yield from lost(value, kept[key], f"{place}/{key}")
            else:
                yield f"{place}/{key}"
    elif isinstance(original, list) and isinstance(kept, list) and len(original) == len(kept):
        for number, (one, other) in enumerate(zip(original, kept, strict=True)):
            yield from lost(one, other, f"{place}/{number}")
    elif original != kept:
        yield place


def fits(value: Any, hint: Any) -> bool:
    """Return whether a JSON value has a type; `misfits` checks the content of objects."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        return any(fits(value, one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if typing.get_origin(hint) is list:
        (item,) = typing.get_args(hint)
        return isinstance(value, list) and all(fits(one, item) for one in value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in {one.value for one in hint}
    if hint in (int, float):
        numbers = (int, float) if hint is float else int
        return isinstance(value, numbers) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)


def misfits(value: Any, place: str = "") -> Iterator[str]:
    """Return the paths of values with another type than in the schema."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from misfits(one, f"{place}/{number}")
    elif type(value).__module__.startswith(MODELS) and not isinstance(value, enum.Enum):
        for name, hint in typing.get_type_hints(type(value)).items():
            one = getattr(value, name)
            if not fits(one, hint):
                yield f"{place}/{name}"
            yield from misfits(one, f"{place}/{name}")


def wrong(original: dict[str, Any]) -> list[str]:
    """Return everything in a dashboard that Grafana does not know."""
    plugins.register_default_plugins()
    read = Dashboard.from_json(copy.deepcopy(original))
    kept = json.loads(JSONEncoder().encode(read))
    # Options of an unknown panel type would be accepted without a check.
    panels = [panel for panel in read.panels or [] if isinstance(panel, Panel)]
    unknown = [panel.type_val for panel in panels if isinstance(panel.options, dict)]
    return [*unknown, *lost(original, kept), *misfits(read)]


def test_dashboard_fits_the_schema() -> None:
    """Except the content of queries, which only the data source defines."""
    assert wrong(DASHBOARD) == []


def _misspell_key(panel: dict[str, Any]) -> None:
    panel["fieldConfig"]["defaults"]["threshold"] = panel["fieldConfig"]["defaults"].pop(
        "thresholds"
    )


def _misspell_option(panel: dict[str, Any]) -> None:
    panel["options"]["colorMode"] = "backgruond"


def _misspell_kind(panel: dict[str, Any]) -> None:
    panel["type"] = "stats"


def _mistake_number(panel: dict[str, Any]) -> None:
    panel["gridPos"]["w"] = "6"


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (_misspell_key, "/panels/1/fieldConfig/defaults/threshold"),
        (_misspell_option, "/panels/1/options/color_mode"),
        (_misspell_kind, "stats"),
        (_mistake_number, "/panels/1/grid_pos/w"),
    ],
)
def test_mistakes_are_found(mistake: Callable[[dict[str, Any]], None], named: str) -> None:
    """A misspelt key or value is found, so the test above can fail."""
    original = copy.deepcopy(DASHBOARD)
    mistake(original["panels"][1])
    assert named in wrong(original)
