"""What went wrong when an appliance was asked: in a sentence, and whether to try again."""

from __future__ import annotations

import os
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from archive.errors import ApplianceError
from archive.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class PassingError(ApplianceError):
    """A failure that may be over at the next attempt; `wait` is what the server asks for, in seconds."""

    def __init__(
        self, reason: str, advice: str | None = None, *, wait: float | None = None
    ) -> None:
        super().__init__(reason, advice)
        self.wait = wait


class OversizedError(ApplianceError):
    """An answer longer than anything that is believed."""


class DeadlineError(ApplianceError):
    """The time that an appliance has been given is over."""


class UntrustedError(ApplianceError):
    """A certificate that is not to be trusted."""


class RefusedError(ApplianceError):
    """A request that the appliance understood and refused; `status` is HTTP's."""

    def __init__(self, reason: str, advice: str | None = None, *, status: int) -> None:
        super().__init__(reason, advice)
        self.status = status


def of_connection(error: Exception, place: str, read_timeout: float) -> ApplianceError:
    """Return what a failed connection to a place (`host:port`) means."""
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return not_pinned(error.got)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _of_certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return PassingError(f"the proxy cannot be reached: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ApplianceError(f"the proxy refuses the connection: {error.status} {error.message}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return unresolved(place)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return unconnected(place)
    if isinstance(error, (aiohttp.SocketTimeoutError, TimeoutError)):
        return PassingError(f"it sent nothing for {read_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return PassingError(f"{place} does not speak TLS as it should: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return PassingError(f"no connection to {place}: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return PassingError("its answer was cut short")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return PassingError("it closed the connection without an answer")
    return PassingError(f"the connection broke: {printable(str(error)) or type(error).__name__}")


def unresolved(place: str) -> PassingError:
    """Return that a name has no address."""
    return PassingError(f"its address {place} cannot be resolved", "check it, and the DNS")


def unconnected(place: str) -> PassingError:
    """Return that nobody answered."""
    return PassingError(f"no connection to {place} in time", "is it up, does a firewall drop it?")


def not_pinned(got: bytes) -> UntrustedError:
    """Return that a certificate with another SHA-256 than the pin was shown."""
    return UntrustedError(
        f"its certificate is not the pinned one but sha256:{got.hex()}",
        "if it was renewed, compare this on the appliance and write it into `pin`",
    )


def cause(error: OSError) -> str:
    """Return what the system says of a failure."""
    if isinstance(error, ssl.SSLError):  # its number is none of the system's
        return printable(error.reason or str(error))
    # What asyncio makes of a refused connection repeats its address; the number says why.
    number = error.errno or 0
    known = os.strerror(number) if number > 0 else error.strerror
    return printable(known or str(error) or type(error).__name__)


# What OpenSSL calls them: X509_V_ERR_...
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)


def _of_certificate(error: Exception) -> UntrustedError:
    code, said = getattr(error, "verify_code", None), getattr(error, "verify_message", str(error))
    if code == _EXPIRED:
        return UntrustedError("its certificate has expired", "renew it on the appliance")
    if code == _NOT_YET:
        return UntrustedError(
            "its certificate is not valid yet", "check the clocks of both machines"
        )
    if code in _OTHER_NAME:
        return UntrustedError(
            "its certificate is for another name", "use the name in it as the address, or a pin"
        )
    return UntrustedError(
        f"its certificate is not trusted ({printable(said)})",
        "give the vCenter's root certificate as `ca_file`, or the certificate's own fingerprint as"
        " `pin`",
    )


# What a status means, and what people can do about it, by what vSphere means with it.
_MEANINGS: dict[int, tuple[str, str | None]] = {
    401: ("it does not accept the session", None),
    403: (
        "the user lacks the right",
        "it must be in the group SystemConfiguration.Administrators",
    ),
    404: ("it does not know the request", "is it a vCenter Server, 6.7 or later?"),
    429: ("it has too many requests", None),
}


def of_status(
    status: int, wait: float | None, location: str | None, texts: Iterable[str]
) -> ApplianceError:
    """Return what an answer other than 2xx means; `texts` are the server's own words."""
    if status // 100 == 3:
        return RefusedError(
            f"it redirects to {printable(location or 'nowhere')}, which is not followed, since the"
            " password would go there",
            "correct `address`",
            status=status,
        )
    said = "; ".join([f"HTTP {status}", *filter(None, map(printable, texts))])
    meaning, advice = _MEANINGS.get(status, ("it cannot answer", None))
    reason = f"{meaning} ({said})"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status // 100 == 5:
        return PassingError(reason, advice, wait=wait)
    return RefusedError(reason, advice, status=status)


def messages(answer: Any) -> list[str]:
    """Return the texts of an error answer of either API; none if it is no such answer."""
    inner = answer.get("value", answer) if isinstance(answer, dict) else None
    told = inner.get("messages") if isinstance(inner, dict) else None
    return [
        str(message["default_message"])
        for message in (told if isinstance(told, list) else ())
        if isinstance(message, dict) and message.get("default_message")
    ]
