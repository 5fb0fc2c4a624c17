"""A mergeable sketch of many whole numbers that answers percentiles within 1 %.

DDSketch (Masson, Rim, Lee: VLDB 2019): a value belongs to the bin whose bounds it lies between, bins
grow by a constant factor, and a percentile is the middle of the bin that holds its rank. Two sketches
are merged by adding their bins, and a value can be taken out again, so that totals stay exact.
"""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RELATIVE_ERROR = 0.01
# Small values have bins of their own. Above, bins are narrow enough that the middle of one, rounded
# to a whole number, is within the error of all values in it.
_EXACT = 256
_GAMMA = 1.0075 / 0.9925
_LOG_GAMMA = log(_GAMMA)

Bins = dict[int, int]


def bin_of(value: int) -> int:
    """Return the bin of a value; bins have the order and the sign of their values."""
    size = abs(value)
    if size <= _EXACT:
        return value
    index = _EXACT + ceil(log(size / _EXACT) / _LOG_GAMMA)
    return index if value > 0 else -index


def value_of(index: int) -> int:
    """Return the whole number that stands for a bin, within the relative error of all in it."""
    place = abs(index) - _EXACT
    if place <= 0:
        return index
    middle = round(_EXACT * 2 * _GAMMA**place / (1 + _GAMMA))
    return middle if index > 0 else -middle


def percentile(bins: Mapping[int, int], percent: int) -> int | None:
    """Return the nearest-rank percentile, within the relative error; None of nothing."""
    number = sum(bins.values())
    if not number:
        return None
    rank = (number * percent + 99) // 100
    for index in sorted(bins):
        rank -= bins[index]
        if rank <= 0:
            return value_of(index)
    raise AssertionError  # ranks end with the last bin


def add(bins: Bins, more: Iterable[tuple[int, int]]) -> None:
    """Add bins to a sketch in place; bins that become empty are left out."""
    for index, number in more:
        total = bins.get(index, 0) + number
        if total:
            bins[index] = total
        else:
            del bins[index]


def encode(bins: Mapping[int, int]) -> bytes:
    """Return a sketch as bytes: pairs of bin step and count, as variable-length integers."""
    out = bytearray()
    before = 0
    for index in sorted(bins):
        for number in (index - before, bins[index]):
            _put(out, number)
        before = index
    return bytes(out)


def decode(data: bytes) -> list[tuple[int, int]]:
    """Return the bins of an encoded sketch, in order."""
    numbers: list[int] = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    index = 0
    bins = []
    for step, number in zip(numbers[::2], numbers[1::2], strict=True):
        index += step
        bins.append((index, number))
    return bins


def _put(out: bytearray, number: int) -> None:
    value = number << 1 if number >= 0 else (-number << 1) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
