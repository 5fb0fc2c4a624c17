"""Configurations of fleets, written for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.config.settings import Entry, Secret

if TYPE_CHECKING:
    from pathlib import Path

USER = "archive@vsphere.local"
DEFAULTS = f"""\
[defaults]
user = "{USER}"
secret = {{ file = "vcenter-password" }}
"""
PIN = bytes(range(32))


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a configuration that only its owner can read, and return its path."""
    path = folder / "archive.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def entry(secret: Secret, name: str = "vc01") -> Entry:
    """Return an appliance with a secret."""
    return Entry(name=name, host=name, user=USER, secret=secret)
