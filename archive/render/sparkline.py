"""Numbers in the order of time, as one line of small bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_NULL = " "


def sparkline(values: Sequence[float | None]) -> str:
    """Return a character for each value: its share of the greatest, a blank where there is none.

    Bars begin at 0, which is the lowest of them; whatever is more is seen to be more.
    """
    greatest = max((value for value in values if value is not None), default=0)
    return "".join(_NULL if value is None else _bar(value, greatest) for value in values)


def _bar(value: float, greatest: float) -> str:
    if value <= 0:
        return _BARS[0]
    above = len(_BARS) - 1
    return _BARS[max(round(value / greatest * above), 1)]
