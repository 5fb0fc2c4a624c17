from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archive import sketch
from tests.strategies import INT64

VALUES = st.lists(INT64 | st.integers(-1000, 1000), max_size=50)


def drawn(values: list[int]) -> sketch.Bins:
    """Return the sketch of some values."""
    bins: sketch.Bins = {}
    sketch.add(bins, [(sketch.bin_of(value), 1) for value in values])
    return bins


def close(found: int, value: int) -> bool:
    """Say whether a value is within the relative error of another."""
    return abs(found - value) * 100 <= abs(value)


@given(INT64)
def test_a_bin_stands_for_its_values(value: int) -> None:
    """The number that stands for a bin is within 1 % of every value in it."""
    assert close(sketch.value_of(sketch.bin_of(value)), value)


@given(INT64, INT64)
def test_bins_have_the_order_of_values(one: int, other: int) -> None:
    """A smaller value never has a greater bin."""
    low, high = sorted((one, other))
    assert sketch.bin_of(low) <= sketch.bin_of(high)


@given(VALUES.filter(bool), st.integers(1, 100))
def test_percentiles_are_within_one_percent(values: list[int], percent: int) -> None:
    """A percentile of a sketch is within 1 % of the nearest rank of the values."""
    exact = sorted(values)[(len(values) * percent + 99) // 100 - 1]
    found = sketch.percentile(drawn(values), percent)
    assert found is not None
    assert close(found, exact)


def test_nothing_has_no_percentile() -> None:
    """A sketch of nothing has no percentile."""
    assert sketch.percentile({}, 50) is None


@given(VALUES, VALUES)
def test_sketches_can_be_merged_and_taken_apart(one: list[int], other: list[int]) -> None:
    """The sketch of all is the sum of sketches, and what is taken out leaves no trace."""
    bins = drawn(one)
    sketch.add(bins, drawn(other).items())
    assert bins == drawn(one + other)
    sketch.add(bins, [(index, -number) for index, number in drawn(other).items()])
    assert bins == drawn(one)


@given(VALUES)
def test_sketches_survive_encoding(values: list[int]) -> None:
    """What is encoded is what is decoded, in order."""
    bins = drawn(values)
    assert sketch.decode(sketch.encode(bins)) == sorted(bins.items())
