"""Fleets of the test server, and their configurations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.vcenter_server.appliance import Appliance
    from tests.vcenter_server.server import Server


def section(name: str, appliance: Appliance, **values: Any) -> dict[str, Any]:
    """Return the configuration of an appliance, with further keys if wanted."""
    return {
        "name": name,
        "address": appliance.address,
        "user": appliance.user,
        "secret": appliance.password,
        **values,
    }


def written(
    folder: Path,
    server: Server,
    sections: Iterable[Mapping[str, Any]],
    top: Mapping[str, Any] | None = None,
    **defaults: Any,
) -> Path:
    """Write a configuration that only its owner can read; it trusts the server's CA.

    What is None is left out.
    """
    path = folder / "archive.toml"
    parts = [_table({} if top is None else top)]
    parts += ["[defaults]", _table({"ca_file": str(server.ca_file), **defaults})]
    for values in sections:
        parts += ["[[appliance]]", _table(values)]
    path.touch(0o600)
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _table(values: Mapping[str, Any]) -> str:
    return "".join(
        f"{name} = {_value(value)}\n" for name, value in values.items() if value is not None
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_value(one)}' for name, one in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
