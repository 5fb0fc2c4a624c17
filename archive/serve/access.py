"""Who may read: the token, the names of this host, and the headers that protect a browser.

The only address that needs no token is `HEALTH`: it tells that the archive can be read, and nothing
of what is in it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Names that lead to this machine from itself alone.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# For probes of load balancers and containers.
HEALTH = "/healthz"
# For answers without a policy of their own.
POLICY = "default-src 'none'; frame-ancestors 'none'"
# On every answer; one that has a header of the same name keeps its own.
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class Guard:
    """ASGI middleware that refuses readers without the token, and adds headers to every answer.

    Without a token, only names of the loopback are accepted as `Host`: a page in a browser of this
    machine could otherwise read the archive under a name that leads here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, token: str | None, root_path: str = "") -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._health = f"{root_path}{HEALTH}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # Such as the start and the end of the application.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refused(scope["path"], Headers(scope=scope))
        app = self._app if refused is None else refused
        await app(scope, receive, send_with_headers)

    def _refused(self, path: str, headers: Headers) -> PlainTextResponse | None:
        """Return the answer that refuses a request; None if it may be answered.

        Without a token it is 400 for a foreign `Host`, with one 401. Tokens are compared in
        constant time.
        """
        if path == self._health:
            return None
        if self._token is None:
            if _host(headers.get("host", "")) in LOOPBACK:
                return None
            return PlainTextResponse(
                "This server has no token, so it answers only under the names of this machine,"
                f" {', '.join(LOOPBACK)}. A proxy must send one of them as Host.\n",
                400,
            )
        if hmac.compare_digest(_sent(headers.get("authorization", "")), self._token):
            return None
        return PlainTextResponse(
            "Send the token of the section [serve] as `Authorization: Bearer TOKEN`, or as the password"
            " of any user.\n",
            401,
            {"WWW-Authenticate": 'Basic realm="archive", charset="UTF-8"'},
        )


def _host(text: str) -> str | None:
    """Return the host of a Host header, without port and brackets; None if it is malformed."""
    try:
        return urlsplit(f"//{text}").hostname
    except ValueError:
        return None


def _sent(authorization: str) -> bytes:
    """Return the token that a header has: of a bearer, or the password of a user.

    Empty for another scheme, and for a password that is no Base64.
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        # Starlette reads headers as Latin-1.
        return rest.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            # Whatever the user is called.
            return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
