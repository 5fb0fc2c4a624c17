"""The values that a configuration may have: each function reads one, or raises ValueError.

The sentence of a ValueError says what to write instead, and never repeats a secret.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from archive.appliance_names import check_name
from archive.config.settings import HTTPS, Secret
from archive.errors import UsageError
from archive.text import quoted

# `m` is recognised only to be refused: it could mean months.
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(s|min|m|h|d)", re.ASCII)
# In seconds. A day has 24 hours, whatever the clocks do.
DURATION_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
# Seconds: a year with a leap day.
_LONGEST = 366 * DURATION_UNITS["d"]
_LEAST_CADENCE = 3600
# As OpenSSL prints a fingerprint, `AA:BB:…`, or without colons.
_PIN = re.compile(r"sha256:((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.ASCII | re.IGNORECASE)
# A name or an address of IPv4. A name has at most 253 characters, each of its labels 1 to 63.
HOST = re.compile(
    r"(?=.{1,253}\Z)[0-9a-z_][0-9a-z_-]{0,62}(?:\.[0-9a-z_-]{1,63})*\.?", re.ASCII | re.IGNORECASE
)
# Without letters a host can only be an address.
_IPV4 = re.compile(r"[0-9.]+", re.ASCII)
# An IPv6 address as in URLs (RFC 3986), and perhaps a port.
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?", re.DOTALL)
# Ports have 16 bits.
_GREATEST_PORT = 65535
# Each appliance queried holds a socket; the usual limit of open files is 1,024.
_MOST_AT_ONCE = 1000
# For errors about a secret in another form.
_PLACES = (
    'write it as { file = "PATH" }, { environment = "NAME" }, { command = ["PROGRAM", "ARGUMENT"] }'
    ' or { keyring = "SERVICE" }'
)


def text(value: Any) -> str:
    """Return a non-empty string of printable characters.

    Blanks around it stay. Control characters are refused, because values become part of errors,
    headers and terminals.
    """
    if not isinstance(value, str):
        raise ValueError("must be a string in quotes")
    if not value.strip() or not value.isprintable():
        raise ValueError("must have at least one character, all of them printable")
    return value


def flag(value: Any) -> bool:
    """Return true or false; a text such as `"true"` is refused."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def table(value: Any) -> dict[str, Any]:
    """Return a table, whose keys are checked elsewhere."""
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    return value


def tables(value: Any) -> list[dict[str, Any]]:
    """Return an array of tables, written as `[[appliance]]` or inline."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("write each as a table under its own heading, such as [[appliance]]")
    return value


def name(value: Any) -> str:
    """Return the name of an appliance.

    Its rules are those of `appliance_names.check_name`, which every import applies, too.
    """
    if not isinstance(value, str):
        raise ValueError("must be a string in quotes")
    try:
        return check_name(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


def number_at_once(value: Any) -> int:
    """Return how many appliances are queried at the same time, from 1 to 1,000."""
    if type(value) is not int or not 1 <= value <= _MOST_AT_ONCE:
        raise ValueError(f"must be a number from 1 to {_MOST_AT_ONCE:,}")
    return value


def seconds(value: Any) -> float:
    """Return the seconds of a duration such as `10s`, `1.5min`, `2h` or `1d`.

    It is more than 0 and at most 366 days; a unit is required.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number and its unit, such as 10s, 5min, 12h or 1d")
    if match[2] == "m":
        raise ValueError(ambiguous_minutes(match[1]))
    found = float(match[1]) * DURATION_UNITS[match[2]]
    if not 0 < found <= _LONGEST:
        raise ValueError("must be longer than 0s and at most 366d")
    return found


def ambiguous_minutes(number: str) -> str:
    """Return an error for a duration in `m`, which could be months.

    Options of the command have the same units, and show the same sentence.
    """
    return f"{number}m is ambiguous: write {number}min for minutes (mo, months, is for dates only)"


def whole_seconds(value: Any) -> int:
    """Return the seconds of a duration that is a whole number of seconds.

    For values that have a column, in which seconds are integers. `0.5min` is 30.
    """
    found = seconds(value)
    if found != int(found):
        raise ValueError("must be a whole number of seconds")
    return int(found)


def cadence(value: Any) -> int:
    """Return the seconds of a cadence: an hour or more, as due times closer together are one."""
    found = whole_seconds(value)
    if found < _LEAST_CADENCE:
        raise ValueError("must be at least 1h")
    return found


def day(value: Any) -> str:
    """Return a date as ISO text, from text in quotes or a TOML date, which has no quotes."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise ValueError("must be a date such as 2026-05-01") from error


def path(value: Any) -> Path:
    """Return a path as written, with `~` replaced by the home directory.

    A relative path stays relative; where it starts depends on the key. `~user` works, too.
    """
    try:
        return Path(text(value)).expanduser()
    except RuntimeError as error:
        raise ValueError("cannot find the home directory for ~") from error


def pin(value: Any) -> bytes:
    """Return the 32 bytes of a SHA-256 fingerprint, written with digits of either case."""
    match = _PIN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be sha256: and 64 hexadecimal digits, with or without colons")
    return bytes.fromhex(match[1].replace(":", ""))


def tags(value: Any) -> dict[str, str]:
    """Return tags by name; a name has no `=`, a value is a string."""
    if not isinstance(value, dict):
        raise ValueError('write it as { site = "Berlin", owner = "ops" }')
    for tag, said in value.items():
        # `--tag NAME=VALUE` splits at the first =.
        if not tag.strip() or not tag.isprintable() or "=" in tag:
            raise ValueError(f"invalid tag name {tag!r}; use printable characters, without =")
        try:
            text(said)
        except ValueError as error:
            raise ValueError(f"{tag}: {error}") from error
    return value


def address(value: Any) -> tuple[str, int]:
    """Return host and port of `vc01.example.com`, `vc01.example.com:5480` or `[2001:db8::1]:443`.

    The default port is 443. The host is not resolved, and IPv6 is written in its shortest form (RFC
    5952), so that two spellings are recognised as the same address.
    """
    written = text(value)
    # A URL is the usual mistake; a user in it would be ignored.
    if "/" in written or "@" in written:
        raise ValueError(
            "write only host and port, such as vc01.example.com:5480, without https://, user or path"
        )
    bracketed = _BRACKETED.fullmatch(written)
    if bracketed:
        return _ipv6(bracketed[1]), _port(bracketed[2])
    host, colon, port = written.partition(":")
    if ":" in port:
        raise ValueError("write an IPv6 address in brackets, such as [2001:db8::1]:443")
    if not HOST.fullmatch(host) or (_IPV4.fullmatch(host) and not _is_ipv4(host)):
        raise ValueError(f'invalid host "{host}"; set address = "vc01.example.com"')
    return host, _port(port if colon else None)


def _is_ipv4(written: str) -> bool:
    """Whether a text is an IPv4 address of four numbers."""
    try:
        ipaddress.IPv4Address(written)
    except ValueError:
        return False
    return True


def _ipv6(written: str) -> str:
    """Return an IPv6 address in its shortest form, without brackets. Raises ValueError."""
    try:
        return str(ipaddress.IPv6Address(written))
    except ValueError as error:
        raise ValueError(f'invalid IPv6 address "{written}"') from error


def _port(written: str | None) -> int:
    """Return a port of an address, which is text; None stands for the default."""
    if written is None:
        return HTTPS
    if not re.fullmatch(r"[0-9]{1,5}", written) or not 1 <= int(written) <= _GREATEST_PORT:
        raise ValueError(f'invalid port "{written}": must be a number from 1 to {_GREATEST_PORT}')
    return int(written)


def secret(value: Any) -> Secret:
    """Return the source of a password; a plain string is the password itself.

    A map must have exactly one key, the kind of source. Whether there is a password at the source
    is not checked, since the source may be unavailable when the file is read. Raises ValueError
    without quoting the value: it may be a password at the wrong place.
    """
    if isinstance(value, str):
        if not value:
            raise ValueError(f"empty; {_PLACES}")
        return Secret(value=value)
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(_PLACES)
    (kind, place), *_ = value.items()
    try:
        if kind == "environment":
            return Secret(environment=text(place))
        if kind == "file":
            return Secret(file=path(place))
        if kind == "keyring":
            return Secret(keyring=text(place))
        if kind == "command":
            return Secret(command=_command(place))
    except ValueError as error:
        raise ValueError(f"{kind}: {error}") from error
    raise ValueError(f"unknown source {quoted(kind)}; {_PLACES}")


def _command(words: Any) -> tuple[str, ...]:
    """Return program and arguments; `~` is replaced in the program only, as no shell runs it."""
    if (
        not isinstance(words, list)
        or not words
        or not all(isinstance(word, str) and "\0" not in word for word in words)
    ):
        raise ValueError(
            'write program and arguments as an array, such as ["pass", "show", "vc01"]'
        )
    return (str(path(words[0])), *words[1:])
