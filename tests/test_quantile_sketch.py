from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archive import quantile_sketch
from tests.support.strategies import INT64

VALUES = st.lists(INT64 | st.integers(-1000, 1000), max_size=50)


def bin_of(value: int) -> int:
    (found,) = quantile_sketch.bins_of([value])
    return found


def drawn(values: list[int]) -> Counter[int]:
    """Return the counts of some values."""
    return Counter(quantile_sketch.bins_of(values))


def close(found: int, value: int) -> bool:
    """Return whether a value is within the relative error of another."""
    return abs(found - value) * 100 <= abs(value)


@given(INT64)
@example(2**63 - 1)
@example(-(2**63))
def test_bin_represents_its_values(value: int) -> None:
    """The number for a bin is within 1 % of every value in it, and in the bin."""
    number = quantile_sketch.number_of(bin_of(value))
    assert close(number, value)
    assert abs(number) > 2**63 - 1 or bin_of(number) == bin_of(value)


def test_small_values_are_exact() -> None:
    """Each small value has its own bin."""
    assert [quantile_sketch.number_of(bin_of(value)) for value in range(-98, 99)] == list(
        range(-98, 99)
    )


@given(VALUES.filter(bool))
def test_upper_bound_is_in_the_bin_of_the_greatest_value(values: list[int]) -> None:
    """No value exceeds the bound, which is as near to the greatest as a sketch can tell."""
    bound = quantile_sketch.upper_bound(quantile_sketch.encode(drawn(values)))
    assert bound is not None
    assert bound >= max(values)
    assert min(bound, 2**63 - 1) == max(values) or bin_of(min(bound, 2**63 - 1)) == bin_of(
        max(values)
    )


def test_empty_sketch_has_no_upper_bound() -> None:
    assert quantile_sketch.upper_bound(b"") is None


@given(INT64, INT64)
def test_bins_have_the_order_of_values(one: int, other: int) -> None:
    """A smaller value never has a greater bin."""
    low, high = sorted((one, other))
    assert bin_of(low) <= bin_of(high)


@given(st.lists(VALUES, max_size=4).filter(any), st.integers(1, 100))
def test_percentiles_are_within_one_percent(lists: list[list[int]], percent: int) -> None:
    """A percentile of sketches is within 1 % of the nearest rank of all their values."""
    values = sorted(value for some in lists for value in some)
    exact = values[(len(values) * percent + 99) // 100 - 1]
    found = quantile_sketch.Merged(
        quantile_sketch.encode(drawn(some)) for some in lists
    ).percentile(percent)
    assert found is not None
    assert close(found, exact)


def test_empty_sketch_has_no_percentile() -> None:
    """Neither an empty list of sketches nor an empty sketch has a percentile."""
    assert quantile_sketch.Merged([]).percentile(50) is None
    assert quantile_sketch.Merged([quantile_sketch.encode({})]).percentile(50) is None


@given(VALUES, VALUES)
def test_removed_values_leave_no_trace(one: list[int], other: list[int]) -> None:
    """Sketches can be added, and subtracted again."""
    counts = drawn(one)
    counts.update(drawn(other))
    assert quantile_sketch.encode(counts) == quantile_sketch.encode(drawn(one + other))
    counts.subtract(drawn(other))
    assert quantile_sketch.encode(counts) == quantile_sketch.encode(drawn(one))


@given(VALUES, st.sampled_from([1, 300, 70_000, 2**32]))
def test_encoded_sketch_is_decoded(values: list[int], times: int) -> None:
    """Decoding gives the encoded counts, in order, however large they are."""
    counts = {bin_: count * times for bin_, count in sorted(drawn(values).items())}
    assert list(quantile_sketch.decode(quantile_sketch.encode(counts)).items()) == list(
        counts.items()
    )


def test_bytes_are_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are stored in little-endian order, in no more bytes than needed."""
    first = bin_of(7)
    data = bytes((2, first & 255, first >> 8)) + b"\x02\x00\x02\x00\x2e\x01"
    counts = {first: 2, first + 2: 300}
    assert quantile_sketch.encode(counts) == data
    # A big-endian machine swaps the bytes in its memory.
    monkeypatch.setattr(sys, "byteorder", "big" if sys.byteorder == "little" else "little")
    swapped = bytes((2, first & 255, first >> 8)) + b"\x00\x02\x00\x02\x01\x2e"
    assert quantile_sketch.encode(counts) == swapped
    assert quantile_sketch.decode(swapped) == counts


@given(VALUES, VALUES, st.data())
def test_changed_sketch_equals_a_new_one(
    values: list[int], added: list[int], data: st.DataObject
) -> None:
    """Adding a few or many values, or removing some, gives the bytes of the remaining ones."""
    taken = data.draw(st.lists(st.sampled_from(values), unique=True)) if values else []
    changes = drawn(added)
    changes.subtract(drawn(taken))
    left = drawn(values)
    left.update(changes)
    assert quantile_sketch.changed(
        quantile_sketch.encode(drawn(values)), changes
    ) == quantile_sketch.encode(left)


@pytest.mark.parametrize("before", [255, 65_535])
def test_sketch_that_outgrows_its_width_is_rebuilt(before: int) -> None:
    """The width of the counts is the least that holds them, however they were reached."""
    grown = quantile_sketch.changed(quantile_sketch.encode({1000: before}), {1000: 1})
    assert grown == quantile_sketch.encode({1000: before + 1})
