"""How an appliance's certificate is checked: the value of aiohttp's `ssl` argument."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import TYPE_CHECKING

from aiohttp import Fingerprint, ServerFingerprintMismatch

from archive.errors import ApplianceError

if TYPE_CHECKING:
    from pathlib import Path

    from archive.config.settings import Trust


class Pin(Fingerprint):
    """Accept a certificate by its SHA-256 alone.

    Neither the chain nor the name nor the validity period counts then; a new certificate needs a
    new pin. The SHA-256 is that of the DER form, 32 bytes.
    """

    def __init__(self, pin: bytes) -> None:
        super().__init__(pin)
        self._refused: list[asyncio.Transport] = []

    def check(self, transport: asyncio.Transport) -> None:
        """Raise ServerFingerprintMismatch if the certificate does not match.

        aiohttp calls it after the handshake and before it sends the request.
        """
        try:
            super().check(transport)
        except ServerFingerprintMismatch:
            self._refused.append(transport)
            raise

    async def end(self) -> None:
        """Abort the refused connections: an orderly TLS close would wait for an answer."""
        for transport in self._refused:
            transport.abort()
        await asyncio.sleep(0)  # let the event loop end them


def judge(trust: Trust) -> ssl.SSLContext | Pin | bool:
    """Return aiohttp's `ssl` argument for an entry. Raises ApplianceError for an unusable CA file.

    False means that no certificate is checked, a context that OpenSSL checks it, a Pin that only
    its fingerprint counts. Without `ca_file` the context has the system's store.
    """
    if not trust.verify:
        return False
    if trust.pin is not None:
        return Pin(trust.pin)
    return _context(trust.ca_file)


@cache  # reading a store of hundreds of certificates takes longer than a request
def _context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that checks chain, validity and name.

    It is shared by all appliances with the same file, and read once in the life of the process.
    Raises ApplianceError for a file that cannot be read, or is no PEM bundle.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ApplianceError(f"{ca_file}: no certificates in PEM format") from error
    except OSError as error:
        raise ApplianceError(f"{ca_file}: cannot be read: {error.strerror}") from error
