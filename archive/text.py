"""Texts from elsewhere: made safe to store in any database and to show on any terminal."""

from __future__ import annotations

import re

# Control characters but tabs and line ends; marks and overrides of direction; line separators; the
# byte-order mark. A terminal obeys some of them, even to the extent of typing, and hides others. Lone
# surrogates, which stand for bytes of a damaged text, have no encoding.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
    "|\r(?!\n)"
)
# NUL, and halves of a surrogate pair, which JSON can escape one by one.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Characters. A whole page of HTML must not fill a log.
_LONGEST = 200


def storable(text: str) -> str:
    """Return a text in which NUL and lone surrogates, which no database stores, are replaced.

    PostgreSQL refuses NUL, and neither database's driver can encode a surrogate alone.
    """
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def without_controls(text: str) -> str:
    """Return a text of any number of lines with control characters escaped, for a terminal."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 job`, `2,000 jobs`.

    English: the plural has an s.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Return a text as one line of at most 200 characters, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in storable(text)).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def quoted(text: str) -> str:
    """Return a text in double quotes, for an error: one line, without control characters."""
    return f'"{printable(text)}"'
