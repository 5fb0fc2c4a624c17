"""The certificate that an appliance shows, read without sending a request.

`archive fleet add` and `archive fleet test` show it, so that an administrator can compare the
fingerprint before any password goes to the address.
"""

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

    from archive.config.settings import Entry


class HiddenError(ApplianceError):
    """A certificate that cannot be read from this machine.

    A proxy of the kind https:// ends the outer TLS connection, so aiohttp compares a pin with the
    proxy's certificate instead of the appliance's.
    """


# A certificate of a load balancer may have a hundred.
_NAMES_SHOWN = 5


class Certificate(NamedTuple):
    """A certificate's fields, as texts that a terminal can show; instants are in UTC.

    `names` are the hosts that it is valid for. `pin` is the SHA-256 of its DER form.

    `names` are those of the extension subjectAltName (RFC 5280), first DNS names, then IP
    addresses; they are empty if the certificate has no such extension. Subject and issuer are
    written as in RFC 4514.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    pin: bytes

    def for_names(self) -> str:
        """Return the names for one line: of many only the first ones, and how many more there are."""
        more = len(self.names) - _NAMES_SHOWN
        shown = ", ".join(self.names[:_NAMES_SHOWN])
        return f"{shown} and {more:,} more" if more > 0 else shown

    @property
    def fingerprint(self) -> str:
        """The pin as a configuration has it, and as OpenSSL prints it."""
        return f"sha256:{self.pin.hex(':').upper()}"


async def look(entry: Entry) -> Certificate:
    """Return the certificate that an appliance shows, trusted or not.

    Raises HiddenError behind an HTTPS proxy, ApplianceError otherwise.

    Trust is not checked, so the certificate says what the address shows, not who is there.
    """
    return _read(await _shake_hands(entry, judged=False))


async def distrust(entry: Entry, certificate: Certificate) -> UntrustedError | None:
    """Return why the entry's settings do not trust the certificate; None if they do.

    Raises ApplianceError if that cannot be checked.

    A pin is compared without a connection. Otherwise there is a second handshake, in which OpenSSL
    checks the chain, the validity period and the name.
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
        # A pin of zeros: no certificate has it as its SHA-256.
        super().__init__(bytes(hashlib.sha256().digest_size))
        self.shown = b""

    def check(self, transport: asyncio.Transport) -> None:
        """Keep the certificate in DER form. Raises ServerFingerprintMismatch always."""
        self.shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        super().check(transport)


async def _shake_hands(entry: Entry, *, judged: ssl.SSLContext | bool) -> bytes:
    """Return the certificate in DER form. Raises UntrustedError if `judged` does not trust it.

    The request's `ssl` argument decides how OpenSSL verifies; then aiohttp compares the fingerprint
    of the connector, which here never matches. With `judged` false only the second happens.
    """
    through = proxy(entry.host)
    # There aiohttp would see the proxy's certificate only.
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
    """Return the fields of a certificate in DER form. Raises ApplianceError if it is none."""
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
    """Return the names that a certificate is valid for; the subject's common name does not count."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*names.get_values_for_type(x509.DNSName), *addresses]
