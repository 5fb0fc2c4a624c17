"""What went wrong when an appliance was asked: in a sentence, and whether to try again."""

from __future__ import annotations

import os
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from archive.errors import ApplianceError
from archive.storable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class PassingError(ApplianceError):
    """A failure that may be over at the next attempt; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class OversizedError(ApplianceError):
    """An answer longer than anything that is believed."""


class DeadlineError(ApplianceError):
    """The time that an appliance has been given is over."""


class RefusedError(ApplianceError):
    """A request that the appliance understood and refused; `status` is HTTP's."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def of_connection(error: Exception, place: str, read_timeout: float) -> ApplianceError:
    """Return what a failed connection to a place (`host:port`) means."""
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return ApplianceError(
            f"its certificate is not the pinned one but sha256:{error.got.hex()}; if it was renewed,"
            " compare this on the appliance and write it into `pin`"
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ApplianceError(_of_certificate(error.certificate_error))
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return PassingError(f"the proxy cannot be reached: {_cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ApplianceError(f"the proxy refuses the connection: {error.status} {error.message}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return PassingError(f"its address {place} cannot be resolved; check it, and the DNS")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return PassingError(f"no connection to {place} in time; is it up, does a firewall drop it?")
    if isinstance(error, (aiohttp.SocketTimeoutError, TimeoutError)):
        return PassingError(f"it sent nothing for {read_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return PassingError(f"{place} does not speak TLS as it should: {_cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return PassingError(f"no connection to {place}: {_cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return PassingError("its answer was cut short")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return PassingError("it closed the connection without an answer")
    return PassingError(f"the connection broke: {printable(str(error)) or type(error).__name__}")


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):  # its number is none of the system's
        return printable(error.reason or str(error))
    # What asyncio makes of a refused connection repeats its address; the number says why.
    number = error.errno or 0
    known = os.strerror(number) if number > 0 else error.strerror
    return printable(known or str(error) or type(error).__name__)


# What OpenSSL calls them: X509_V_ERR_...
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)


def _of_certificate(error: Exception) -> str:
    code, said = getattr(error, "verify_code", None), getattr(error, "verify_message", str(error))
    if code == _EXPIRED:
        return "its certificate has expired; renew it on the appliance"
    if code == _NOT_YET:
        return "its certificate is not valid yet; check the clocks of both machines"
    if code in _OTHER_NAME:
        return "its certificate is for another name; use the name in it as the address, or a pin"
    return (
        f"its certificate is not trusted ({printable(said)}); give the vCenter's root"
        " certificate as `ca_file`, or the certificate's own fingerprint as `pin`"
    )


# What people can do about a status, by what vSphere means with it.
_ADVICE = {
    401: "it does not accept the session",
    403: "the user lacks the right; it must be in the group SystemConfiguration.Administrators",
    404: "it does not know the request; is it a vCenter Server, 6.7 or later?",
    429: "it has too many requests",
}


def of_status(
    status: int, wait: float | None, location: str | None, texts: Iterable[str]
) -> ApplianceError:
    """Return what an answer other than 2xx means; `texts` are the server's own words."""
    if status // 100 == 3:
        return RefusedError(
            f"it redirects to {printable(location or 'nowhere')}, which is not followed, since the"
            " password would go there; correct `address`",
            status,
        )
    said = "; ".join([f"HTTP {status}", *filter(None, map(printable, texts))])
    reason = f"{_ADVICE.get(status, 'it cannot answer')} ({said})"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status // 100 == 5:
        return PassingError(reason, wait)
    return RefusedError(reason, status)


def messages(answer: Any) -> list[str]:
    """Return the texts of an error answer of either API; none if it is no such answer."""
    inner = answer.get("value", answer) if isinstance(answer, dict) else None
    told = inner.get("messages") if isinstance(inner, dict) else None
    return [
        str(message["default_message"])
        for message in (told if isinstance(told, list) else ())
        if isinstance(message, dict) and message.get("default_message")
    ]
