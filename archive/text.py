"""Texts of others, as every database can store them, and every terminal show them."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Characters: a page of HTML must not fill a log.
_LONGEST = 200


def storable(text: str) -> str:
    """Return a text with what no database can store replaced: NUL and lone surrogates."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def printable(text: str) -> str:
    """Return a text as one short line that no terminal takes for orders."""
    line = " ".join("".join(c if c.isprintable() else " " for c in storable(text)).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 import` or `2,000 imports`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
