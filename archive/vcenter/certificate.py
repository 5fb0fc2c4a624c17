"""The certificate that an appliance shows, read without sending a request."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from cryptography import x509

from archive.errors import ApplianceError
from archive.text import printable
from archive.vcenter import errors
from archive.vcenter.client import base, client, place
from archive.vcenter.errors import UntrustedError
from archive.vcenter.proxy import proxy
from archive.vcenter.tls import Pin, judge

if TYPE_CHECKING:
    import asyncio
    import ssl
    from datetime import datetime

    from archive.config.entries import Entry


class HiddenError(ApplianceError):
    """A certificate that cannot be read from this machine."""


class Certificate(NamedTuple):
    """A certificate's fields, as texts that a terminal can show; instants are in UTC.

    `names` are the hosts that it is valid for. `pin` is the SHA-256 of its DER form.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    pin: bytes

    @property
    def fingerprint(self) -> str:
        """The pin as a configuration has it, and as OpenSSL prints it."""
        return f"sha256:{self.pin.hex(':').upper()}"


async def look(entry: Entry) -> Certificate:
    """Return the certificate that an appliance shows, trusted or not.

    Raises HiddenError behind an HTTPS proxy, ApplianceError otherwise.
    """
    return _read(await _shake_hands(entry, judged=False))


async def distrust(entry: Entry, certificate: Certificate) -> UntrustedError | None:
    """Return why the entry's settings do not trust the certificate; None if they do.

    Raises ApplianceError if that cannot be checked.
    """
    judged = judge(entry.trust)
    if isinstance(judged, Pin):
        fits = judged.fingerprint == certificate.pin
        return None if fits else errors.not_pinned(certificate.pin)
    try:
        await _shake_hands(entry, judged=judged)
    except UntrustedError as error:
        return error
    return None


class _Look(Pin):
    """Keep the certificate and refuse it, which ends the connection before a request is sent."""

    def __init__(self) -> None:
        super().__init__(bytes(hashlib.sha256().digest_size))
        self.shown = b""

    def check(self, transport: asyncio.Transport) -> None:
        self.shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        super().check(transport)


async def _shake_hands(entry: Entry, *, judged: ssl.SSLContext | bool) -> bytes:
    """Return the certificate in DER form. Raises UntrustedError if `judged` does not trust it."""
    through = proxy(entry.host)
    if through is not None and through.url.scheme == "https":
        raise HiddenError("the proxy shows its own certificate")
    looking = _Look()
    try:
        async with client(entry, judged=looking) as http, http.get(base(entry), ssl=judged):
            raise AssertionError  # no certificate matches, so no request is sent
    except aiohttp.ServerFingerprintMismatch:
        return looking.shown
    except (aiohttp.ClientError, OSError) as error:
        raise errors.of_connection(error, place(entry), entry.read_timeout) from error


def _read(der: bytes) -> Certificate:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about certificates that break the standard
            certificate = x509.load_der_x509_certificate(der)
            return Certificate(
                printable(certificate.subject.rfc4514_string()),
                printable(certificate.issuer.rfc4514_string()),
                tuple(map(printable, _names(certificate))),
                certificate.not_valid_before_utc,
                certificate.not_valid_after_utc,
                hashlib.sha256(der).digest(),
            )
    except ValueError as error:
        raise ApplianceError(f"certificate cannot be read: {printable(str(error))}") from error


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*names.get_values_for_type(x509.DNSName), *addresses]
