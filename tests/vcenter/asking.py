"""Configured appliances for tests: entries that lead to the test server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.fleet.entries import Entry, Secret, Trust

if TYPE_CHECKING:
    from tests.vcenter.appliance import Appliance
    from tests.vcenter.server import Server


def entry(server: Server, appliance: Appliance, name: str = "vc01", **values: Any) -> Entry:
    """Return the entry of an appliance of the server, which it trusts by its CA."""
    host, _, port = appliance.address.partition(":")
    chosen: dict[str, Any] = {
        "name": name,
        "host": host,
        "port": int(port),
        "user": appliance.user,
        "secret": Secret(value=appliance.password),
        "trust": Trust(ca_file=server.ca_file),
    }
    return Entry(**chosen | values)
