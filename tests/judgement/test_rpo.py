from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from archive.judgement.due_times import Known
from archive.judgement.local_time import DAY, HOUR, clock
from archive.judgement.rpo import IRREGULAR, NOTHING, SET, Rpo, of_expected, of_gaps, rpo
from archive.judgement.schedules import Schedule
from archive.judgement.standing import next_due
from tests.judgement.expected_rows import FIRST, nights, row


def test_rpo_is_the_longest_time_between_due_times_and_the_grace() -> None:
    assert of_expected(nights("mmmmm"), FIRST + 2 * DAY, None) == Rpo(25 * HOUR, "schedule")
    weekdays = [row(FIRST + place * DAY, basis="learned") for place in range(30) if place % 7 < 5]
    assert of_expected(weekdays, FIRST + 20 * DAY, None) == Rpo(73 * HOUR, "learned")


def test_rpo_of_a_cadence() -> None:
    """An early success brings the next due time forward, and changes nothing else."""
    found = [row(FIRST, basis="cadence"), row(FIRST + DAY, None, "cadence")]
    assert of_expected(found, FIRST - DAY, 7 * DAY) == Rpo(7 * DAY + HOUR, "cadence")
    assert next_due(found, FIRST - DAY) == FIRST + DAY


def test_rpo_follows_a_new_schedule() -> None:
    """What was due long before the last import does not count any more."""
    weekly = [row(FIRST + place * 7 * DAY) for place in range(10)]
    daily = nights("m" * 60, FIRST + 70 * DAY)
    assert of_expected(weekly + daily, FIRST + 80 * DAY, None) == Rpo(7 * DAY + HOUR, "schedule")
    assert of_expected(weekly + daily, FIRST + 125 * DAY, None) == Rpo(25 * HOUR, "schedule")


def test_rpo_of_a_single_expected_backup() -> None:
    assert of_expected([row(FIRST)], FIRST - DAY, None) == Rpo(None, "schedule")
    assert of_expected([row(FIRST)], FIRST - DAY, 7 * DAY) == Rpo(7 * DAY + HOUR, "schedule")


def test_rpo_of_irregular_appliances() -> None:
    """Twice their longest gap between successes, and never less than 25 hours."""
    at = [FIRST, FIRST + 9 * DAY, FIRST + 10 * DAY, FIRST + 24 * DAY]
    assert of_gaps(at) == Rpo(28 * DAY, IRREGULAR)
    assert of_gaps([FIRST + place * HOUR for place in (0, 1, 2, 5)]) == Rpo(25 * HOUR, IRREGULAR)


def test_no_rpo_where_nothing_is_expected() -> None:
    assert of_gaps([FIRST, FIRST + DAY, FIRST + 2 * DAY]) == Rpo(None, NOTHING)
    # What was expected until before the last import is history.
    assert of_expected(nights("mm"), FIRST + 9 * DAY, None) is None


def test_gaps_count_only_where_nothing_else_tells() -> None:
    """What is configured counts first, then what is expected, then a schedule, even a disabled one."""
    known = Known((), (), clock("UTC"), None, FIRST)
    disabled = Schedule(FIRST, None, enabled=False, minute=None, weekdays=())
    at = [FIRST + place * DAY for place in range(5)]
    found, after = nights("m" * 5), FIRST + 9 * DAY
    assert rpo(DAY, known, found, FIRST, lambda: at) == Rpo(DAY, SET)
    assert rpo(None, known, found, FIRST, lambda: at) == Rpo(25 * HOUR, "schedule")
    assert rpo(None, known, found, after, lambda: at) == Rpo(2 * DAY, IRREGULAR)
    for silent in (known._replace(schedules=(disabled,)), known._replace(retired=FIRST + 6 * DAY)):
        assert rpo(None, silent, found, after, lambda: at) == Rpo(None, NOTHING)


def test_only_set_and_irregular_rpos_limit_the_age() -> None:
    """Where due times are known, they tell what is overdue."""
    limits = [Rpo(DAY, source).age_limit for source in (SET, IRREGULAR, "schedule", "learned")]
    assert limits == [DAY, DAY, None, None]


@given(st.lists(st.integers(1, 20 * DAY), min_size=1, max_size=10))
def test_rpo_lets_each_time_between_due_times_pass(gaps: list[int]) -> None:
    at = [FIRST]
    for gap in gaps:
        at.append(at[-1] + gap)
    found = [row(one) for one in at]
    implied = of_expected(found, at[-1] - 1, None)
    assert implied is not None
    assert implied.seconds is not None
    limit = implied.seconds
    recent = [later - one for one, later in pairwise(at) if one >= at[-1] - 42 * DAY]
    assert all(gap < limit for gap in recent)
