"""The section `[mail]` of a configuration: its keys, and what they cannot say together."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from archive.config import values
from archive.config.entries import NONE, SECURITY, STARTTLS, Mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_GREATEST_PORT = 65535
# Without what would need quotes, and what could end a header or a command.
_MAILBOX = re.compile(r"[0-9a-z!#$%&'*+/=?^_`{|}~.-]{1,64}", re.ASCII | re.IGNORECASE)


def server(value: Any) -> str:
    """Return the host of a mail server, an address of IPv6 without brackets."""
    written = values.text(value)
    try:
        return str(ipaddress.ip_address(written.removeprefix("[").removesuffix("]")))
    except ValueError:
        if values.HOST.fullmatch(written):
            return written
    raise ValueError('write the host alone, such as "mail.example.com"; its port is a key, too')


def port(value: Any) -> int:
    """Return a port."""
    if type(value) is not int or not 1 <= value <= _GREATEST_PORT:
        raise ValueError(f"it must be a number from 1 to {_GREATEST_PORT}")
    return value


def security(value: Any) -> str:
    """Return how a connection is protected."""
    if not isinstance(value, str) or value not in SECURITY:
        raise ValueError(f"it must be one of {', '.join(SECURITY)}")
    return value


def address(value: Any) -> str:
    """Return a mail address."""
    mailbox, _, host = values.text(value).rpartition("@")
    if not _MAILBOX.fullmatch(mailbox) or not values.HOST.fullmatch(host):
        raise ValueError("write the address alone, such as ops@example.com, in ASCII")
    return f"{mailbox}@{host}"


def addresses(value: Any) -> tuple[str, ...]:
    """Return mail addresses, each once; one may stand alone."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError('it is empty; write it as ["ops@example.com"]')
    return tuple(dict.fromkeys(map(address, found)))


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
    """Yield keys, each with what is wrong with it beside the others.

    `written` is the section as it stands in the file, `given` what is well-formed of it.
    """
    for key in ("server", "from"):
        if key not in written:
            yield key, "it is missing"
    for key, other in (("user", "secret"), ("secret", "user")):
        if key in written and other not in written:
            yield other, f"it is missing, but {key} is there"
    if given.get("security") == NONE:
        if "secret" in written:
            yield "security", "it would send the password for anybody to read; choose starttls"
        if "ca_file" in written:
            yield "ca_file", "without security no certificate is looked at; leave one of them out"


def mail(given: Mapping[str, Any], folder: Path) -> Mail:
    """Return what the section says, whose paths begin in a folder."""
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
