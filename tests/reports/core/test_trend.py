from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from archive.reports.core.trend import STEPS, Trend

if TYPE_CHECKING:
    from collections.abc import Mapping

DAYS = st.dictionaries(st.integers(0, 400), st.integers(0, 9))


def test_each_step_covers_some_days() -> None:
    """Values outside the range are ignored."""
    trend = Trend(10, 12)
    assert trend.sums({9: 1, 10: 2, 12: 3, 13: 4}) == (2, 0, 3)
    assert trend.rates({10: 1, 12: 0}, {10: 2, 12: 3}) == (0.5, None, 0.0)


def test_days_are_spread_evenly() -> None:
    """The lengths of steps differ by at most one day."""
    trend = Trend(1, 70)
    sums = trend.sums(dict.fromkeys(range(1, 71), 1))
    assert len(sums) == STEPS
    assert set(sums) == {2, 3}


@given(st.integers(1, 300), st.integers(0, 100), DAYS)
def test_no_value_is_lost(first: int, more: int, by_day: Mapping[int, int]) -> None:
    """The sum of the steps equals the sum of the days, in order."""
    trend = Trend(first, first + more)
    sums = trend.sums(by_day)
    assert len(sums) == min(more + 1, STEPS)
    assert sum(sums) == sum(n for day, n in by_day.items() if first <= day <= first + more)
    # A later day never counts in an earlier step.
    places = [trend.sums({day: 1}).index(1) for day in range(first, first + more + 1)]
    assert places == sorted(places)
    assert set(places) == set(range(len(sums)))
