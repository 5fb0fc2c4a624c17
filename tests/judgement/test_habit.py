from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.judgement.habit import Habit, Monthly, Run, Weekly, habits
from archive.judgement.local_time import DAY, HOUR, seconds
from tests.judgement.histories import FIRST, dates, starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def runs(readings: Iterable[int], *, scheduled: bool = True, failed: bool = False) -> list[Run]:
    return [Run(reading, scheduled, failed) for reading in readings]


def expected(found: tuple[Habit, ...], first: date, number: int) -> list[str]:
    """Return the due times of so many days."""
    days = [first + timedelta(days=place) for place in range(number)]
    return sorted(
        f"{day} {one.due // HOUR:02}:{one.due % HOUR // 60:02}"
        for one in found
        for day in days
        if one.pattern.expects(seconds(day.isoformat()) // DAY)
    )


def is_last(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


PATTERNS: dict[str, Callable[[date], bool]] = {
    "daily": lambda _: True,
    "weekly": lambda day: day.weekday() == 6,
    "weekdays": lambda day: day.weekday() < 5,
    "tuesdays and fridays": lambda day: day.weekday() in (1, 4),
    "every second day": lambda day: (day - FIRST).days % 2 == 0,
    "every third day": lambda day: (day - FIRST).days % 3 == 0,
    "every second week": lambda day: (day - FIRST).days % 14 == 0,
    "every fourth week": lambda day: (day - FIRST).days % 28 == 0,
    "fifteenth": lambda day: day.day == 15,
    "thirty-first, or the last": is_last,
    "thirtieth, or the last": lambda day: day.day == 30 or (is_last(day) and day.day < 30),
    "first Sunday": lambda day: day.weekday() == 6 and day.day <= 7,
    "third Friday": lambda day: day.weekday() == 4 and 15 <= day.day <= 21,
}
# A week shows whether a daily habit has days off, and two weeks show which.
RUNS = {"daily": 7, "weekdays": 10, "tuesdays and fridays": 6}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_learned_from_few_repetitions(name: str) -> None:
    of = PATTERNS[name]
    known = dates(RUNS.get(name, 4), of)
    found = habits(runs(starts(known, "02:00")))
    following = known[-1] + timedelta(days=1)
    days = [following + timedelta(days=place) for place in range(100)]
    assert expected(found, following, 100) == [f"{day} 02:00" for day in days if of(day)]


@pytest.mark.parametrize("name", PATTERNS)
def test_fewer_than_four_runs_are_no_habit(name: str) -> None:
    assert habits(runs(starts(dates(3, PATTERNS[name]), "02:00"))) == ()


def test_days_off_are_not_expected_of_a_new_appliance() -> None:
    """After four days, nobody knows yet whether it rests on the others."""
    found = habits(runs(starts(dates(4), "02:00")))
    assert expected(found, date(2026, 1, 5), 5) == ["2026-01-08 02:00", "2026-01-09 02:00"]


def test_each_time_of_day_has_its_own_habit() -> None:
    """Each night, each noon, and a full backup on Sundays."""
    often = starts(dates(28), "02:00", "12:00") + starts(dates(4, PATTERNS["weekly"]), "20:00")
    found = habits(runs(sorted(often)))
    assert expected(found, date(2026, 1, 31), 2) == [
        "2026-01-31 02:00",
        "2026-01-31 12:00",
        "2026-02-01 02:00",
        "2026-02-01 12:00",
        "2026-02-01 20:00",
    ]


def test_due_when_nine_of_ten_have_started() -> None:
    usual = starts(dates(14), "02:00")
    (one,) = habits(runs(at + place * 300 for place, at in enumerate(usual)))
    assert (one.opens, one.due) == (2 * HOUR - 3 * HOUR, 3 * HOUR)


def test_runs_around_midnight_are_one_habit() -> None:
    """They start before midnight and after it, in turn; each belongs to one night."""
    nights = starts(dates(20), "23:40")
    found = habits(runs(at + place % 2 * 1800 for place, at in enumerate(nights)))
    assert [one.pattern for one in found] == [Weekly(frozenset(range(7)))]
    assert len(expected(found, date(2026, 2, 1), 10)) == 10


def test_weekly_runs_around_midnight() -> None:
    sundays = starts(dates(6, PATTERNS["weekly"]), "23:50")
    (one,) = habits(runs(at + place % 2 * 1200 for place, at in enumerate(sundays)))
    assert one.due == 10 * 60
    assert expected((one,), date(2026, 3, 1), 14) == ["2026-03-02 00:10", "2026-03-09 00:10"]


@given(st.lists(st.integers(0, 60 * DAY), max_size=8, unique=True))
def test_manual_runs_do_not_matter_to_scheduled_ones(manual: list[int]) -> None:
    usual = runs(starts(dates(40), "02:00"))
    ended = usual[-1].reading
    extra = runs(min(FIRST_SECOND + at, ended - 1) for at in manual)
    found = habits(sorted([*usual, *(run._replace(scheduled=False) for run in extra)]))
    assert found == habits(usual)


def test_retries_of_failed_runs_do_not_matter() -> None:
    usual = starts(dates(20), "02:00")
    tried = [Run(at, scheduled=False, failed=True) for at in usual]
    again = runs((at + 2 * HOUR for at in usual), scheduled=False)
    assert habits(sorted([*tried, *again])) == habits(tried)


def test_manual_runs_are_a_habit_where_nothing_is_scheduled() -> None:
    assert habits(runs(starts(dates(20), "02:00"), scheduled=False))


def test_outages_do_not_matter() -> None:
    """Ten days without a run do not end a daily habit, nor one of weekdays."""
    for of in (PATTERNS["daily"], PATTERNS["weekdays"]):
        known = [day for day in dates(30, of) if not 15 <= (day - FIRST).days < 25]
        (one,) = habits(runs(starts(known, "02:00")))
        (whole,) = habits(runs(starts(dates(30, of), "02:00")))
        assert one == whole


def test_time_of_day_that_is_no_longer_used() -> None:
    """Four backups at the new time, and the old one is no habit any more."""
    before, later = dates(42)[:38], dates(42)[38:]
    found = habits(runs(starts(before, "02:00") + starts(later, "14:00")))
    assert [one.due for one in found] == [14 * HOUR]


def test_every_other_month_is_no_habit() -> None:
    """It is not monthly: nothing is missed in the months between."""
    assert (
        habits(runs(starts(dates(6, lambda day: day.day == 1 and day.month % 2 == 1), "02:00")))
        == ()
    )


def test_irregular_runs_are_no_habit() -> None:
    places = (0, 1, 9, 11, 12, 20, 29, 31, 40, 41)
    days = [FIRST + timedelta(days=place) for place in places]
    times = (
        "02:00",
        "13:40",
        "07:20",
        "21:00",
        "10:10",
        "17:30",
        "04:40",
        "23:50",
        "15:10",
        "00:20",
    )
    readings = [at for day, time in zip(days, times, strict=True) for at in starts([day], time)]
    assert habits(runs(readings)) == ()
    assert habits([]) == ()


FIRST_SECOND = seconds(FIRST.isoformat())
NUMBERS = st.integers(seconds("2020-01-01") // DAY, seconds("2030-01-01") // DAY)


@given(NUMBERS, st.integers(1, 31))
def test_monthly_patterns_have_one_day_a_month(day: int, of_month: int) -> None:
    for pattern in (Monthly(of_month), Monthly(-1), Monthly(None, 3, 2)):
        found = [at for at in range(day, day + 365) if pattern.expects(at)]
        months = [(date(1970, 1, 1) + timedelta(days=at)).strftime("%Y-%m") for at in found]
        assert len(set(months)) == len(months)
        assert 12 <= len(found) <= 13 or (len(found) == 11 and of_month < 32)


def test_covers_what_is_due_at_about_a_time() -> None:
    one = Habit(-HOUR, 2 * HOUR, Weekly(frozenset({4})))
    fridays = [day for day in range(14) if day % 7 == 4]
    for day in fridays:
        assert one.covers(day * DAY + 2 * HOUR)
        assert one.covers(day * DAY - HOUR)
        assert not one.covers(day * DAY + 6 * HOUR)
        assert not one.covers((day + 1) * DAY + 2 * HOUR)
