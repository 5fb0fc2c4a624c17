"""Configurations with appliances of the test server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.configurations import written
from tests.vcenter_server.appliance import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.vcenter_server.appliance import Appliance
    from tests.vcenter_server.server import Server


def configured(
    server: Server, appliances: Mapping[str, Appliance], folder: Path, **more: str
) -> str:
    """Write a configuration of appliances by name, and return the option that names it.

    `more` has further keys of an appliance's table.
    """
    text = f"""\
[defaults]
user = "{USER}"
secret = "{PASSWORD}"
ca_file = "{server.ca_file}"
"""
    for name, appliance in appliances.items():
        text += f'[[appliance]]\nname = "{name}"\naddress = "{appliance.address}"\n'
        text += f"{more.get(name, '')}\n"
    return f"--config={written(folder, text)}"
