"""Which values an axis shows, and how it names them: round numbers of the units that people read."""

from __future__ import annotations

import math
import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from archive.columns import Kind
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY = 24 * 60 * 60
_SECONDS = (1, 2, 5, 10, 15, 30, *(60 * n for n in (1, 2, 5, 10, 15, 30)), *(3600 * n for n in (1, 2, 3, 6, 12)))  # fmt: skip
# Rates are far from nothing, and all alike: an axis shows no less of them than this.
_LEAST_RATIO = 0.05
# `1.0 GiB` is a GiB, and `5 m 00 s` are 5 m.
_NEEDLESS = re.compile(r"\.0(?= )| 00 \w$")


class Scale(NamedTuple):
    """An axis from the least to the greatest value, with the values that it names."""

    low: float
    high: float
    ticks: tuple[float, ...]


def scale(kind: Kind, least: float, most: float, number: int) -> Scale:
    """Return an axis that shows values between these, with about so many names.

    It starts at nothing, except for ratios.
    """
    if kind is Kind.RATIO:
        least = max(0, min(least, most - _LEAST_RATIO))
        most = max(most, least + _LEAST_RATIO)
    else:
        least, most = min(least, 0), max(most, 0)
    step = next(step for step in _steps(kind) if step * number >= most - least and step > 0)
    first, last = math.floor(round(least / step, 9)), math.ceil(round(most / step, 9))
    last = max(last, first + 1)
    ticks = tuple(round(place * step, 9) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def name(kind: Kind, value: float) -> str:
    """Return how an axis names a value."""
    return _NEEDLESS.sub("", readable(kind, value if kind is Kind.RATIO else round(value)))


def _steps(kind: Kind) -> Iterator[float]:
    """Yield the distances that values of a kind may have on an axis, without end."""
    if kind is Kind.RATIO:
        yield from _decades(0.001)
    elif kind in (Kind.BYTES, Kind.RATE):
        for power in count():
            yield from (n * 1024**power for n in (1, 2, 5, 10, 20, 50, 100, 512))
    elif kind is Kind.SECONDS:
        yield from _SECONDS
        yield from _decades(_DAY)
    else:
        yield from _decades(1)


def _decades(first: float) -> Iterator[float]:
    for power in count():
        yield from (first * n * 10**power for n in (1, 2, 5))
