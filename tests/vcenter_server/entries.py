"""Entries of a configuration for appliances of the test server."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import tomlkit

from archive.config.settings import Entry, Secret, Trust
from tests.support.configurations import written
from tests.support.samples import SAMPLES
from tests.vcenter_server.appliance import PASSWORD, Appliance

if TYPE_CHECKING:
    from pathlib import Path

    from tests.vcenter_server.server import Server


def entry(server: Server, appliance: Appliance, name: str = "vc01", **values: Any) -> Entry:
    """Return the entry of an appliance of the server, which trusts the server's CA."""
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


def configured(server: Server, text: str, folder: Path) -> Path:
    """Write a configuration with its certificates and its password file, and return its path.

    The server plays its appliances, so their addresses are the server's; the rest is as in `text`,
    whose defaults name user, secret and CA file.
    """
    document = tomlkit.parse(text).unwrap()
    defaults = document["defaults"]
    for table in document["appliance"]:
        played = server.add(Appliance(SAMPLES, user=defaults["user"]))
        table["address"] = played.address
    shutil.copy(server.ca_file, folder / defaults["ca_file"])
    password = folder / defaults["secret"]["file"]
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o600)
    return written(folder, tomlkit.dumps(document))
