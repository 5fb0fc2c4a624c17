"""Ranges as the guidelines for monitoring plugins write thresholds: what is outside is alarming.

`10` is 0 to 10, `10:` from 10 on, `~:10` up to 10, `10:20` from 10 to 20, both included; `@` before
a range turns it inside out.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from archive.config.values import DURATION_UNITS, ambiguous_minutes
from archive.errors import UsageError
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = r"-?\d{1,15}(?:\.\d{1,6})?"
_RANGE = re.compile(
    rf"(?P<inside>@)?(?:(?P<start>~|(?:{_NUMBER})(?:[a-z]+|%)?)?(?P<colon>:))?(?P<end>(?:{_NUMBER})(?:[a-z]+|%)?)?",
    re.ASCII,
)
SECONDS = {"": 1} | DURATION_UNITS
PERCENT = {"": 1, "%": 1}
PLAIN = {"": 1}


class Range(NamedTuple):
    """From `start` to `end`, both included; `inside` says that what lies in it is alarming."""

    start: float
    end: float
    inside: bool = False

    def alarms(self, value: float) -> bool:
        """Say whether a value is one to alarm for."""
        return (self.start <= value <= self.end) is self.inside

    @property
    def upper(self) -> str:
        """Its end in base units, as it is written."""
        return _plain(self.end)

    def __str__(self) -> str:
        """Return the shortest way to write it, in base units."""
        start = "" if self.start == 0 else "~:" if self.start == -inf else f"{_plain(self.start)}:"
        end = "" if self.end == inf else self.upper
        if not start and not end:
            start = "0:"
        return f"{'@' if self.inside else ''}{start}{end}"


def parse(text: str, units: Mapping[str, int]) -> Range:
    """Return the range that is meant, in base units. Raises UsageError."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match["colon"] or match["end"]):
        raise UsageError(f"{text!r} is not a range; write it as 10, 10:, ~:10, 10:20 or @10:20")
    start = -inf if match["start"] == "~" else _value(match["start"] or "0", units, text)
    end = _value(match["end"], units, text) if match["end"] else inf
    if start > end:
        raise UsageError(f"{text!r} is not a range: it ends before it starts")
    return Range(start, end, match["inside"] is not None)


def _value(text: str, units: Mapping[str, int], whole: str) -> float:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz%")
    unit = text[len(number) :]
    if unit == "m" and "min" in units:
        raise UsageError(f"invalid range {quoted(whole)}: {ambiguous_minutes(number)}")
    if unit not in units:
        known = ", ".join(repr(one) for one in units if one) or "none"
        raise UsageError(f"{whole!r} has a unit that there is not; there are: {known}")
    return float(number) * units[unit]


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
