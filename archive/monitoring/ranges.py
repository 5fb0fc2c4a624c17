"""Threshold ranges in the format of the Monitoring Plugins guidelines: values outside raise an alarm.

`10` is 0 to 10, `10:` 10 or more, `~:10` 10 or less, `10:20` 10 to 20, ends included. With `@` before
the range, values inside raise an alarm.
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

# As many digits as a double holds exactly.
_NUMBER = r"-?\d{1,15}(?:\.\d{1,6})?"
_RANGE = re.compile(
    rf"(?P<inside>@)?(?:(?P<start>~|(?:{_NUMBER})(?:[a-z]+|%)?)?(?P<colon>:))?(?P<end>(?:{_NUMBER})(?:[a-z]+|%)?)?",
    re.ASCII,
)
# Units of a figure, with the number of base units in each; "" is the base unit.
SECONDS = {"": 1} | DURATION_UNITS
PERCENT = {"": 1, "%": 1}
PLAIN = {"": 1}


class Range(NamedTuple):
    """From `start` to `end`, both included; with `inside`, values in the range raise an alarm.

    The start may be -infinity, the end infinity.
    """

    start: float
    end: float
    inside: bool = False

    def alarms(self, value: float) -> bool:
        """Return whether a value raises an alarm."""
        return (self.start <= value <= self.end) is self.inside

    @property
    def upper(self) -> str:
        """The end of the range in base units, as text."""
        return _plain(self.end)

    def __str__(self) -> str:
        """Return the shortest notation, in base units."""
        start = "" if self.start == 0 else "~:" if self.start == -inf else f"{_plain(self.start)}:"
        end = "" if self.end == inf else self.upper
        # An empty text is no range.
        if not start and not end:
            start = "0:"
        return f"{'@' if self.inside else ''}{start}{end}"


def parse(text: str, units: Mapping[str, int]) -> Range:
    """Parse a range and return it in base units. Raises UsageError.

    An end in another unit than the start is allowed: `90min:26h`.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match["colon"] or match["end"]):
        raise UsageError(f'invalid range "{text}": write it as 10, 10:, ~:10, 10:20 or @10:20')
    start = -inf if match["start"] == "~" else _value(match["start"] or "0", units, text)
    end = _value(match["end"], units, text) if match["end"] else inf
    if start > end:
        raise UsageError(f'invalid range "{text}": the end is before the start')
    return Range(start, end, match["inside"] is not None)


def _value(text: str, units: Mapping[str, int], whole: str) -> float:
    """Return the number of a bound in base units. Raises UsageError for an unknown unit."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz%")
    unit = text[len(number) :]
    if unit == "m" and "min" in units:
        raise UsageError(f"invalid range {quoted(whole)}: {ambiguous_minutes(number)}")
    if unit not in units:
        known = ", ".join(one for one in units if one) or "none"
        raise UsageError(f'invalid range "{whole}": unknown unit "{unit}" (valid: {known})')
    return float(number) * units[unit]


def _plain(value: float) -> str:
    """Return a number without an exponent or trailing zeros."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
