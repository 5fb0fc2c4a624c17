"""The proxy that the environment names for an appliance (`https_proxy`, `all_proxy`, `no_proxy`).

Python's `urllib.request` reads the variables, in lower or upper case, and `no_proxy` as a list of
host suffixes.
"""

from __future__ import annotations

import re
import urllib.request
from typing import NamedTuple
from urllib.parse import unquote

from yarl import URL

from archive.errors import ApplianceError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
# A host, IPv6 in brackets, then perhaps a port; a path after it does no harm and is ignored.
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/?#\[\]@]+)(?::(\d{1,5}))?(?:[/?#].*)?", re.IGNORECASE)
_ADVICE = "write https_proxy as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
_GREATEST_PORT = 65535


class Proxy(NamedTuple):
    """A proxy; its URL may have a user and a password."""

    url: URL

    @property
    def place(self) -> str:
        """Its address for people, without user and password: `host:port`."""
        host = f"[{self.url.host}]" if ":" in (self.url.host or "") else self.url.host
        return f"{host}:{self.url.port}"


def proxy(host: str) -> Proxy | None:
    """Return the proxy for a host; None: connect directly.

    As other programs do, it accepts an address without a scheme, and reserved characters in the
    password. Raises ApplianceError, without the password, for a proxy that cannot be used.

    `host` is without a port. Each connection asks anew, so a change of the environment counts.
    """
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    named = (proxies.get("https") or proxies.get("all") or "").strip()
    return read(named) if named else None


def read(named: str) -> Proxy:
    """Return the proxy of an address as the environment has it; raises as `proxy` does.

    A scheme is optional and means http://; socks is not supported by aiohttp. Without a port it is
    the one that yarl has for the scheme: 80 or 443.
    """
    scheme = _SCHEME.match(named)
    kind = scheme[1].lower() if scheme else "http"
    if kind not in ("http", "https"):
        raise ApplianceError(f"the environment names a proxy of the kind {kind}://", _ADVICE)
    # A password may contain any character, so the last @ ends it.
    login, at, rest = named[scheme.end() if scheme else 0 :].rpartition("@")
    place = _HOST.fullmatch(rest)
    if place is None or int(place[2] or 0) > _GREATEST_PORT:
        raise ApplianceError("the environment names a proxy without a valid address", _ADVICE)
    port = int(place[2]) if place[2] else None
    try:
        url = URL.build(scheme=kind, host=place[1].strip("[]"), port=port)
        if at:
            user, _, password = login.partition(":")
            url = url.with_user(unquote(user)).with_password(unquote(password))
    except ValueError:
        # Its text may contain the password.
        raise ApplianceError(
            "the environment names a proxy without a valid address", _ADVICE
        ) from None
    return Proxy(url)
