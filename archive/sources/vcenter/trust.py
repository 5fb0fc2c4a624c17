"""How an appliance's certificate is judged: what aiohttp's `ssl` argument has to be."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

from aiohttp import Fingerprint

from archive.errors import ApplianceError

if TYPE_CHECKING:
    from pathlib import Path

    from archive.fleet.entries import Trust


def judge(trust: Trust) -> ssl.SSLContext | Fingerprint | bool:
    """Return what judges the certificate. Raises ApplianceError if a CA file is of no use."""
    if not trust.verify:
        return False
    if trust.pin is not None:
        return Fingerprint(trust.pin)
    return _context(trust.ca_file)


@cache  # reading a store of some hundred certificates takes longer than asking an appliance
def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ApplianceError(f"{ca_file} holds no certificates in PEM form") from error
    except OSError as error:
        raise ApplianceError(f"{ca_file} cannot be read: {error.strerror}") from error
