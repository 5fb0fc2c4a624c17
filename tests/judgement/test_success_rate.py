from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.judgement.success_rate import is_far_below


@pytest.mark.parametrize(
    ("now", "before", "found"),
    [
        ((0, 30), (0, 30), False),
        ((3, 30), (0, 30), False),
        ((5, 30), (0, 30), True),
        ((6, 30), (5, 30), False),
        ((30, 30), (30, 30), False),
        # Of a large fleet 4 % more is no chance, but 5 % more is a problem.
        ((80, 1000), (40, 1000), False),
        ((90, 1000), (40, 1000), True),
        ((1, 1), (0, 30), False),
        ((0, 0), (0, 30), False),
        ((9, 9), (0, 0), False),
    ],
)
def test_failures_that_chance_does_not_explain(
    now: tuple[int, int], before: tuple[int, int], found: object
) -> None:
    assert is_far_below(now, before) is found


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_no_rate_that_is_not_lower_is_far_below(
    failed: int, succeeded: int, failed_before: int, succeeded_before: int
) -> None:
    now, before = (failed, failed + succeeded), (failed_before, failed_before + succeeded_before)
    if failed * before[1] <= failed_before * now[1]:
        assert not is_far_below(now, before)
