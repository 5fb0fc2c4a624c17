"""A mergeable sketch of many integers that gives percentiles within 1 %.

As in DDSketch (Masson, Rim, Lee: VLDB 2019), bins grow by a constant factor, a sketch counts the values
in each bin, and a percentile is the number of the bin that holds its rank. Sketches merge by adding
their counts. Values can be removed again, so totals stay exact.

Bins are computed in integers: a value has the same bin on every machine. Stored counts are cumulative,
so a rank is found by bisection in many sketches at once, without merging them.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from itertools import accumulate, chain, repeat
from operator import sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# One more than the greatest value of a column.
_GREATEST = 2**63


def _layout() -> tuple[list[int], list[int]]:
    """Return the greatest value of each bin, and its number, in order.

    A bin's number is the greatest one within 1 % of its least value; its greatest value is the
    greatest one that the number is within 1 % of.
    """
    bounds, numbers = [0], [0]
    while bounds[-1] < _GREATEST:
        least = bounds[-1] + 1
        numbers.append(least + least // 100)
        bounds.append(numbers[-1] * 100 // 99)
    below = [-bound - 1 for bound in reversed(bounds[:-1])]
    return below + bounds, [-number for number in reversed(numbers[1:])] + numbers


# Made once, at import: some thousands of numbers.
_BOUNDS, _NUMBERS = _layout()
# Up to so many changes are faster one by one than encoding the sketch again.
_FEW = 8
# Width of a count in bytes, and the type code of `array`.
_CODES = {array(code).itemsize: code for code in "BHIQ"}


def bins_of(values: Iterable[int]) -> Iterator[int]:
    """Yield the bin of each value; bins count from 0 and have the order of their values."""
    return map(bisect_left, repeat(_BOUNDS), values)


def number_of(bin_: int) -> int:
    """Return the number of a bin, which is within 1 % of every value in it.

    The bin of 0 has 0; numbers of negative values are negative.
    """
    return _NUMBERS[bin_]


def encode(counts: Mapping[int, int]) -> bytes:
    """Return a sketch as bytes, the same for the same counts; counts of 0 are left out.

    Format, little-endian: width of a count (1 byte), first bin (2 bytes), then the cumulative count
    of each bin up to the last one. An empty sketch is no bytes.
    """
    used = sorted(bin_ for bin_, count in counts.items() if count)
    if not used:
        return b""
    first, last = used[0], used[-1]
    running = list(accumulate(counts.get(bin_, 0) for bin_ in range(first, last + 1)))
    width = next(width for width in _CODES if running[-1] < 1 << 8 * width)
    body = _little_endian(array(_CODES[width], running))
    return bytes((width,)) + first.to_bytes(2, "little") + body.tobytes()


def decode(data: bytes) -> dict[int, int]:
    """Return the counts of an encoded sketch by bin, in order."""
    if not data:
        return {}
    first, running = _read(data)
    counts = map(sub, running, chain((0,), running))
    return {bin_: count for bin_, count in enumerate(counts, first) if count}


def upper_bound(data: bytes) -> int | None:
    """Return the greatest value that an encoded sketch may have; None for an empty one."""
    if not data:
        return None
    first, running = _read(data)
    return _BOUNDS[first + len(running) - 1]


def changed(data: bytes, counts: Mapping[int, int]) -> bytes:
    """Return an encoded sketch with counts added, or removed where they are negative."""
    changes = {bin_: count for bin_, count in counts.items() if count}
    if data and len(changes) <= _FEW and min(changes.values(), default=0) >= 0:
        first, running = _read(data)
        inside = all(first <= bin_ < first + len(running) for bin_ in changes)
        if inside and running[-1] + sum(changes.values()) < 1 << 8 * running.itemsize:
            # The bins and the width stay: only cumulative counts from the bin on change.
            for bin_, count in changes.items():
                for place in range(bin_ - first, len(running)):
                    running[place] += count
            return data[:3] + _little_endian(running).tobytes()
    whole = Counter(decode(data))
    whole.update(changes)
    return encode(whole)


class Merged:
    """Several encoded sketches, read as one."""

    def __init__(self, sketches: Iterable[bytes]) -> None:
        self._parts = [_read(data) for data in sketches if data]

    def percentile(self, percent: int) -> int | None:
        """Return the nearest-rank percentile, within 1 %; None for empty sketches.

        `percent` is from 0 to 100; 0 gives the least value's bin. The time does not depend on the
        number of values.
        """
        if not self._parts:
            return None
        if len(self._parts) == 1:
            first, running = self._parts[0]
            return _NUMBERS[first + bisect_left(running, _rank(running[-1], percent))]
        # It lies between the least and the greatest percentile of the parts.
        own = [
            first + bisect_left(running, _rank(running[-1], percent))
            for first, running in self._parts
        ]
        bins = range(min(own), max(own))
        rank = _rank(sum(running[-1] for _, running in self._parts), percent)
        return _NUMBERS[bins.start + bisect_left(bins, rank, key=self._up_to)]

    def _up_to(self, bin_: int) -> int:
        """Return how many values are in a bin or below."""
        number = 0
        for first, running in self._parts:
            place = bin_ - first
            if place >= 0:
                number += running[place] if place < len(running) else running[-1]
        return number


def _rank(number: int, percent: int) -> int:
    """Return the rank of a percentile among so many values: the ceiling, in whole numbers."""
    return (number * percent + 99) // 100


def _read(data: bytes) -> tuple[int, array[int]]:
    """Return the first bin of a sketch that is not empty, and its cumulative counts."""
    running = array(_CODES[data[0]], data[3:])
    return data[1] | data[2] << 8, _little_endian(running)


def _little_endian(counts: array[int]) -> array[int]:
    if sys.byteorder == "big":
        counts.byteswap()
    return counts
