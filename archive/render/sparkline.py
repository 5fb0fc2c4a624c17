"""A line of small bars for numbers in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_NULL = " "


def sparkline(values: Sequence[float | None]) -> str:
    """Return a bar for each value, in proportion to the greatest; a blank for None.

    The lowest bar is 0; any value above 0 gets a higher bar.
    """
    greatest = max((value for value in values if value is not None), default=0)
    return "".join(_NULL if value is None else _bar(value, greatest) for value in values)


def _bar(value: float, greatest: float) -> str:
    """Return the bar of a value: the lowest one for 0."""
    if value <= 0:
        return _BARS[0]
    above = len(_BARS) - 1
    return _BARS[max(round(value / greatest * above), 1)]
