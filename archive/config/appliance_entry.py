"""The entry of an appliance, from its own checked keys and those of `[defaults]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.config.settings import Entry, Trust

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Names of keys that are also names of fields of Entry, in seconds.
TIMES = ("connect_timeout", "read_timeout", "deadline")


def entry(own: Mapping[str, Any], defaults: Mapping[str, Any], folder: Path) -> Entry:
    """Return the entry of an appliance; relative paths start at `folder`.

    Tags are merged key by key; every other key of its own replaces the default.
    """
    given = {**defaults, **own}
    host, port = given["address"]
    return Entry(
        name=given["name"],
        host=host,
        port=port,
        user=given["user"],
        secret=given["secret"],
        trust=_trust(own, defaults, folder),
        cadence_seconds=given.get("cadence"),
        rpo_seconds=given.get("rpo"),
        retired=given.get("retired"),
        tags=defaults.get("tags", {}) | own.get("tags", {}),
        enabled=given.get("enabled", True),
        sso=given.get("sso"),
        **{key: given[key] for key in TIMES if key in given},
    )


def _trust(own: Mapping[str, Any], defaults: Mapping[str, Any], folder: Path) -> Trust:
    """Return how to check an appliance's certificate, from its own keys or the defaults.

    `pin` and `ca_file` exclude each other, so if it has one of them, neither default counts.
    """
    if own.get("verify") is False:
        return Trust(verify=False)
    said = own if own.keys() & {"pin", "ca_file"} else defaults
    if "ca_file" in said:
        return Trust(ca_file=folder / said["ca_file"])
    return Trust(pin=said.get("pin"))
