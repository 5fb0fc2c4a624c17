"""How an appliance's certificate is judged: what aiohttp's `ssl` argument has to be."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import TYPE_CHECKING

from aiohttp import Fingerprint, ServerFingerprintMismatch

from archive.errors import ApplianceError

if TYPE_CHECKING:
    from pathlib import Path

    from archive.config.entries import Trust


class Pin(Fingerprint):
    """Judges a certificate by its SHA-256 alone."""

    def __init__(self, pin: bytes) -> None:
        super().__init__(pin)
        self._refused: list[asyncio.Transport] = []

    def check(self, transport: asyncio.Transport) -> None:
        """Raise ServerFingerprintMismatch if the certificate is another one."""
        try:
            super().check(transport)
        except ServerFingerprintMismatch:
            self._refused.append(transport)
            raise

    async def end(self) -> None:
        """End the connections that were refused: closed politely, they would wait for an answer."""
        for transport in self._refused:
            transport.abort()
        await asyncio.sleep(0)  # the turn of the loop in which they end


def judge(trust: Trust) -> ssl.SSLContext | Pin | bool:
    """Return what judges the certificate. Raises ApplianceError if a CA file is of no use."""
    if not trust.verify:
        return False
    if trust.pin is not None:
        return Pin(trust.pin)
    return _context(trust.ca_file)


@cache  # reading a store of some hundred certificates takes longer than asking an appliance
def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ApplianceError(f"{ca_file} holds no certificates in PEM form") from error
    except OSError as error:
        raise ApplianceError(f"{ca_file} cannot be read: {error.strerror}") from error
