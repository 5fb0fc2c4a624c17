"""The section `[mail]` of a configuration: its keys, and which contradict each other."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from archive.config import values
from archive.config.settings import NONE, SECURITY, STARTTLS, Mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# Ports have 16 bits.
_GREATEST_PORT = 65535
# Without characters that need quotes, or that could end a header or a command. It cannot begin with a dot,
# nor have `=?`, which begins an encoded word.
_MAILBOX = re.compile(r"(?!\.|.*=\?)[0-9a-z!#$%&'*+/=?^_`{|}~.-]{1,64}", re.ASCII | re.IGNORECASE)


def server(value: Any) -> str:
    """Return the host of a mail server; an IPv6 address is without brackets.

    A name is not resolved here. Raises ValueError, as all functions of this module do for an
    unusable value.
    """
    written = values.text(value)
    try:
        return str(ipaddress.ip_address(written.removeprefix("[").removesuffix("]")))
    except ValueError:
        if values.HOST.fullmatch(written):
            return written
    raise ValueError('write only the host, such as "mail.example.com", and the port as `port`')


def port(value: Any) -> int:
    """Return a TCP port; a number in quotes is refused."""
    # Not `isinstance`: in Python, true is an int, too.
    if type(value) is not int or not 1 <= value <= _GREATEST_PORT:
        raise ValueError(f"must be a number from 1 to {_GREATEST_PORT}")
    return value


def security(value: Any) -> str:
    """Return how a connection is encrypted: `starttls`, `tls` or `none`.

    `starttls` is an SMTP connection that must switch to TLS (RFC 3207), `tls` has TLS from the
    start (RFC 8314), `none` has neither.
    """
    if not isinstance(value, str) or value not in SECURITY:
        raise ValueError(f"must be one of {', '.join(SECURITY)}")
    return value


def address(value: Any) -> str:
    """Return a mail address, without a display name or a quoted local part; the host may be any name."""
    mailbox, _, host = values.text(value).rpartition("@")
    if not _MAILBOX.fullmatch(mailbox) or not values.HOST.fullmatch(host):
        raise ValueError("write only the address, such as ops@example.com, in ASCII")
    return f"{mailbox}@{host}"


def addresses(value: Any) -> tuple[str, ...]:
    """Return mail addresses without duplicates, from an array or a single string.

    Their order is kept; each is checked as `address` does.
    """
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError('empty; write it as ["ops@example.com"]')
    return tuple(dict.fromkeys(map(address, found)))


# Every key of the section, with the function that checks and converts its value.
KEYS: dict[str, Callable[[Any], Any]] = {
    "server": server,
    "port": port,
    "security": security,
    "user": values.text,
    "secret": values.secret,
    "from": address,
    "to": addresses,
    "ca_file": values.path,
}


def contradictions(
    written: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield each key that is missing or contradicts another, with the error.

    `written` is the section as in the file, `given` its well-formed values.

    A malformed value is in `written` only: its own error has been reported, so it does not count as
    missing.
    """
    for key in ("server", "from"):
        if key not in written:
            yield key, "missing"
    for key, other in (("user", "secret"), ("secret", "user")):
        if key in written and other not in written:
            yield other, f"missing, but {key} is set"
    if given.get("security") == NONE:
        if "secret" in written:
            yield "security", "the password would be sent unencrypted; use starttls or tls"
        if "ca_file" in written:
            yield "ca_file", 'no certificate is checked with security = "none"; remove one of them'


def mail(given: Mapping[str, Any], folder: Path) -> Mail:
    """Return the mail settings; relative paths start at `folder`.

    `given` must have been checked by `contradictions`: `server` and `from` are in it. The port
    defaults to that of the encryption.
    """
    chosen = given.get("security", STARTTLS)
    return Mail(
        server=given["server"],
        port=given.get("port", SECURITY[chosen]),
        security=chosen,
        user=given.get("user"),
        secret=given.get("secret"),
        sender=given["from"],
        recipients=given.get("to", ()),
        ca_file=folder / given["ca_file"] if "ca_file" in given else None,
    )
