"""Scales of chart axes, with ticks at round numbers of the units in use."""

from __future__ import annotations

import math
import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from archive.columns import Kind
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DAY = 24 * 60 * 60
_SECONDS = (1, 2, 5, 10, 15, 30, *(60 * n for n in (1, 2, 5, 10, 15, 30)), *(3600 * n for n in (1, 2, 3, 6, 12)))  # fmt: skip
# Minimum range of an axis of ratios, which are often close together.
_LEAST_RATIO = 0.05
# An axis ignores values that are so many times as great as all others, if there are enough of these.
_FAR, _LEAST_VALUES = 4, 5
# So outliers stand out from the greatest of the others.
_ABOVE = 1.25
# Shortens `1.0 GiB` to `1 GiB`, and `5 m 00 s` to `5 m`.
_NEEDLESS = re.compile(r"\.0(?= )| 00 \w$")


class Scale(NamedTuple):
    """The lowest and highest value of an axis, and its ticks.

    Low and high are ticks themselves.
    """

    low: float
    high: float
    ticks: tuple[float, ...]


def scale(kind: Kind, least: float, most: float, number: int) -> Scale:
    """Return a scale that covers the values from `least` to `most`, with about `number` ticks.

    It starts at 0, except for ratios.
    """
    if kind is Kind.RATIO:
        least = max(0, min(least, most - _LEAST_RATIO))
        most = max(most, least + _LEAST_RATIO)
    else:
        least, most = min(least, 0), max(most, 0)
    # The smallest one with which the ticks suffice.
    step = next(step for step in _steps(kind) if step * number >= most - least and step > 0)
    first, last = math.floor(round(least / step, 9)), math.ceil(round(most / step, 9))
    last = max(last, first + 1)
    ticks = tuple(round(place * step, 9) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def limit(values: Sequence[float]) -> float:
    """Return the value that an axis should reach: the greatest, or a bit above those that are no outliers.

    Outliers are at most one value in twenty, or one of five or more, above _FAR times all others.

    `values` must not be empty.
    """
    found = sorted(values, reverse=True)
    if len(found) >= _LEAST_VALUES:
        for number in range(1, max(1, len(found) // 20) + 1):
            if found[number - 1] > _FAR * found[number] > 0:
                return _ABOVE * found[number]
    return found[0]


def name(kind: Kind, value: float) -> str:
    """Return the label of a tick."""
    return _NEEDLESS.sub("", readable(kind, value if kind is Kind.RATIO else round(value)))


def _steps(kind: Kind) -> Iterator[float]:
    """Yield the possible distances between ticks of a kind, ascending and without end."""
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
    """Yield 1, 2 and 5 times each power of ten, from a first one on."""
    for power in count():
        yield from (first * n * 10**power for n in (1, 2, 5))
