"""Errors of requests to an appliance: why they failed, what to do, and whether to retry.

    ApplianceError
    ├── PassingError    try again
    ├── OversizedError  ask for less
    ├── DeadlineError   no time is left
    ├── UntrustedError  the certificate; no request was sent
    └── RefusedError    the appliance answered, and would answer the same again

Texts of appliances and certificates become part of errors only as one short printable line.
"""

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
    """A failure that a retry may overcome; `wait` is `Retry-After` in seconds, if the server sent it."""

    def __init__(
        self, reason: str, advice: str | None = None, *, wait: float | None = None
    ) -> None:
        super().__init__(reason, advice)
        self.wait = wait


class OversizedError(ApplianceError):
    """An answer longer than the limit for its kind.

    A retry would bring the same answer, so the caller must ask for fewer jobs.
    """


class DeadlineError(ApplianceError):
    """The appliance's `deadline` has passed.

    No further request is sent except the one that signs out.
    """


class UntrustedError(ApplianceError):
    """A certificate that is not trusted.

    It is raised during the TLS handshake: neither password nor token has been sent.
    """


class RefusedError(ApplianceError):
    """A request that the appliance refused; `status` is the HTTP status, `said` includes its texts.

    It is not retried. `said` is `HTTP` and the status if the answer had no texts.
    """

    def __init__(
        self, reason: str, advice: str | None = None, *, status: int, said: str = ""
    ) -> None:
        super().__init__(reason, advice)
        self.status = status
        self.said = said or f"HTTP {status}"


# Also the advice for a certificate that is about to expire.
RENEW = "renew it on the appliance"


def of_connection(
    error: Exception, place: str, read_timeout: float, proxy: str | None = None
) -> ApplianceError:
    """Return the error for a failed connection to `place` (`host:port`); the timeout is in seconds.

    `proxy` is the `host:port` of the proxy in between.

    aiohttp's classes inherit from one another, so the order of the cases matters: the specific ones
    come first. What is not known here is a PassingError, since most network errors pass.
    """
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return not_pinned(error.got)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        if place_of(error) != place:
            return _of_proxy(error.certificate_error)
        return _of_certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return PassingError(f"cannot reach the proxy: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        reason = printable(error.message)
        return ApplianceError(f"the proxy refuses the connection: {error.status} {reason}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return unresolved(place)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return unconnected(place if proxy is None else f"{place} through the proxy {proxy}")
    if isinstance(error, (aiohttp.SocketTimeoutError, TimeoutError)):
        return PassingError(f"no data for {read_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        where = place if place_of(error) == place else f"the proxy {place_of(error)}"
        return PassingError(f"TLS error on {where}: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return PassingError(f"cannot connect to {place}: {cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return PassingError("the answer was cut short")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return PassingError("the connection was closed without an answer")
    return PassingError(f"connection lost: {printable(str(error)) or type(error).__name__}")


def place_of(error: aiohttp.ClientConnectorError) -> str:
    """Return where a connection failed, `host:port`: the appliance, or a proxy before it."""
    return f"{error.host}:{error.port}"


def unresolved(place: str) -> PassingError:
    """Return the error for a name without an address."""
    return PassingError(f"cannot resolve {place}", "check `address` and DNS")


def unconnected(place: str) -> PassingError:
    """Return the error for a connection that was not accepted in time."""
    return PassingError(
        f"connection to {place} timed out",
        "check that the appliance is up and no firewall blocks the port",
    )


def not_pinned(got: bytes) -> UntrustedError:
    """Return the error for a certificate whose SHA-256, `got`, is not the pin."""
    return UntrustedError(
        f"certificate does not match the pin: it is sha256:{got.hex()}",
        "if it was renewed, compare the fingerprint on the appliance and set `pin` to it",
    )


def cause(error: OSError) -> str:
    """Return the operating system's text for an error.

    OpenSSL's errors have a reason of their own, such as `WRONG_VERSION_NUMBER`.
    """
    if isinstance(error, ssl.SSLError):  # its errno is OpenSSL's, not the system's
        return printable(error.reason or str(error))
    # asyncio's text for a refused connection repeats the address; errno gives the reason alone.
    number = error.errno or 0
    known = os.strerror(number) if number > 0 else error.strerror
    return printable(known or str(error) or type(error).__name__)


# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH.
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = (62, 64)


def _of_certificate(error: Exception) -> UntrustedError:
    """Return the error for a certificate that OpenSSL refused, with its text if the code is not known."""
    code, said = getattr(error, "verify_code", None), getattr(error, "verify_message", str(error))
    if code == _EXPIRED:
        return UntrustedError("certificate has expired", RENEW)
    if code == _NOT_YET:
        return UntrustedError("certificate is not valid yet", "check the clocks of both machines")
    if code in _OTHER_NAME:
        return UntrustedError(
            "certificate is for another name", "set `address` to a name in it, or set `pin`"
        )
    return UntrustedError(
        f"certificate is not trusted ({printable(said)})",
        "set `ca_file` to vCenter's root certificate, or `pin` to the certificate's fingerprint",
    )


def _of_proxy(error: Exception) -> UntrustedError:
    """Return the error for a proxy's own certificate, for which the entry's `ca_file` counts, too."""
    said = getattr(error, "verify_message", str(error))
    return UntrustedError(
        f"certificate of the proxy is not trusted ({printable(said)})",
        "add the proxy's root certificate to the file `ca_file`, or use a proxy of the kind http://",
    )


# What an HTTP status means in vSphere's API, and what the user can do about it.
_MEANINGS: dict[int, tuple[str, str | None]] = {
    401: ("session not accepted", None),
    403: (
        "permission denied for the user",
        "add the user to the group SystemConfiguration.Administrators",
    ),
    404: ("unknown request", "check that this is a vCenter Server 6.7 or later"),
    429: ("too many requests", None),
}


def of_status(
    status: int, wait: float | None, location: str, texts: Iterable[str]
) -> ApplianceError:
    """Return the error for an HTTP status other than 2xx.

    `wait` is `Retry-After` in seconds; `texts` are the server's own messages.

    429 and 5xx are a PassingError; every other status is a RefusedError. `location` is the header
    of a redirect, empty without one.
    """
    if status // 100 == 3:
        return RefusedError(
            f"redirect to {printable(location or 'nowhere')} not followed, because the password"
            " would go there",
            "correct `address`",
            status=status,
        )
    said = "; ".join([f"HTTP {status}", *filter(None, map(printable, texts))])
    meaning, advice = _MEANINGS.get(status, ("the server cannot answer", None))
    reason = f"{meaning} ({said})"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status // 100 == 5:
        return PassingError(reason, advice, wait=wait)
    return RefusedError(reason, advice, status=status, said=said)


def messages(answer: Any) -> list[str]:
    """Return the texts of an error answer of either API; an empty list for any other answer.

    `/api` has `messages` at the top, `/rest` has them below `value`; both are lists of
    LocalizableMessage.
    """
    inner = answer.get("value", answer) if isinstance(answer, dict) else None
    found = inner.get("messages") if isinstance(inner, dict) else None
    return [
        str(message["default_message"])
        for message in (found if isinstance(found, list) else ())
        if isinstance(message, dict) and message.get("default_message")
    ]
