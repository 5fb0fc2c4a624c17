from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.calendar import Calendar
from archive.judgement.expected import CHANGED, FAILED, MET, RUNNING, Expected
from archive.judgement.local_time import DAY, HOUR, instant, seconds
from archive.judgement.standing import (
    IRREGULAR,
    NEVER,
    NO_RECENT_DATA,
    NOTHING,
    OK,
    OVERDUE,
    REPEATED,
    Age,
    Rpo,
    Span,
    next_due,
    overdue_since,
    rpo,
    shares,
    state,
)

FIRST = seconds("2026-01-01T02:00")
UTC = Calendar()


def row(at: int, outcome: str | None = MET, basis: str = "schedule") -> Expected:
    return Expected(at, basis, HOUR, outcome, None, 0)


def nights(outcomes: str, at: int = FIRST) -> list[Expected]:
    """Return expected backups, a day apart: met, failed, running, not run, or habit changed."""
    known = {"m": MET, "f": FAILED, "r": RUNNING, "-": None, "c": CHANGED}
    return [row(at + place * DAY, known[one]) for place, one in enumerate(outcomes)]


def test_rpo_is_the_longest_time_between_due_times_and_the_grace() -> None:
    assert rpo(nights("mmmmm"), (), FIRST + 2 * DAY) == Rpo(25 * HOUR, "schedule")
    weekdays = [row(FIRST + place * DAY, basis="learned") for place in range(30) if place % 7 < 5]
    assert rpo(weekdays, (), FIRST + 20 * DAY) == Rpo(73 * HOUR, "learned")


def test_rpo_of_a_cadence() -> None:
    """An early success brings the next due time forward, and changes nothing else."""
    found = [row(FIRST, basis="cadence"), row(FIRST + DAY, None, "cadence")]
    assert rpo(found, (), FIRST - DAY, 7 * DAY) == Rpo(7 * DAY + HOUR, "cadence")
    assert next_due(found, FIRST - DAY) == FIRST + DAY


def test_rpo_follows_a_new_schedule() -> None:
    """What was due long before the last import does not count any more."""
    weekly = [row(FIRST + place * 7 * DAY) for place in range(10)]
    daily = nights("m" * 60, FIRST + 70 * DAY)
    assert rpo(weekly + daily, (), FIRST + 80 * DAY).seconds == 7 * DAY + HOUR
    assert rpo(weekly + daily, (), FIRST + 125 * DAY).seconds == 25 * HOUR


def test_rpo_of_a_single_expected_backup() -> None:
    assert rpo([row(FIRST)], (), FIRST - DAY) == Rpo(None, "schedule")
    assert rpo([row(FIRST)], (), FIRST - DAY, 7 * DAY) == Rpo(7 * DAY + HOUR, "schedule")


def test_rpo_of_irregular_appliances() -> None:
    """Twice their longest gap between successes, and never less than 25 hours."""
    at = [FIRST, FIRST + 9 * DAY, FIRST + 10 * DAY, FIRST + 24 * DAY]
    assert rpo([], at, FIRST + 30 * DAY) == Rpo(28 * DAY, IRREGULAR)
    often = [FIRST + place * HOUR for place in (0, 1, 2, 5)]
    assert rpo([], often, FIRST + DAY) == Rpo(25 * HOUR, IRREGULAR)


def test_no_rpo_where_nothing_is_expected() -> None:
    assert rpo([], [FIRST, FIRST + DAY, FIRST + 2 * DAY], FIRST + 3 * DAY) == Rpo(None, NOTHING)
    # What was expected until before the last import is history.
    assert rpo(nights("mm"), [], FIRST + 9 * DAY) == Rpo(None, NOTHING)


@pytest.mark.parametrize(
    ("outcomes", "place"),
    [
        ("mmm", None),
        ("mmf", 2),
        ("mf-", 1),
        ("mfm", None),
        ("m-r", None),  # it is in progress, and may succeed
        ("mr-", 1),
        ("mfc", 1),
        ("mmc", None),
        ("", None),
    ],
)
def test_overdue_since_the_first_missed_one_in_a_row(outcomes: str, place: int | None) -> None:
    found = nights(outcomes)
    imported = FIRST + (len(outcomes) - 1) * DAY + HOUR
    assert overdue_since(found, imported) == (None if place is None else FIRST + place * DAY)


def test_overdue_only_after_the_grace_and_as_of_the_last_import() -> None:
    found = nights("mf")
    assert overdue_since(found, FIRST + DAY + HOUR - 1) is None
    assert overdue_since(found, FIRST + DAY + HOUR) == FIRST + DAY
    assert (
        overdue_since(nights("mmm") + nights("---", FIRST + 3 * DAY), FIRST + 2 * DAY + HOUR)
        is None
    )


def test_success_ends_what_is_overdue_at_once() -> None:
    """It need not wait for the grace of the backup that it meets, nor for the due time."""
    found = nights("mf--m")
    for imported in (FIRST + 4 * DAY + 60, FIRST + 4 * DAY - 60):
        assert overdue_since(found, imported) is None
    assert overdue_since(found[:4], FIRST + 4 * DAY - 60) == FIRST + DAY


def test_repeated_misses_of_one_time_of_day() -> None:
    """The nights succeed, so the last success is young; the evenings have failed three times."""
    imported = FIRST + 9 * DAY + 2 * HOUR
    for failed, since in ((REPEATED - 1, None), (REPEATED, 6), (9, 0)):
        evenings = nights("m" * (9 - failed) + "f" * failed, FIRST + 16 * HOUR)
        found = sorted([*nights("m" * 10), *evenings], key=lambda one: one.at)
        expected = None if since is None else FIRST + since * DAY + 16 * HOUR
        assert overdue_since(found, imported) == expected


def test_time_of_day_that_is_no_longer_expected_is_history() -> None:
    evenings = nights("mmmfff", FIRST + 16 * HOUR)
    found = sorted([*nights("m" * 30), *evenings], key=lambda one: one.at)
    assert overdue_since(found, FIRST + 7 * DAY) == FIRST + 3 * DAY + 16 * HOUR
    assert overdue_since(found, FIRST + 29 * DAY) is None


@given(st.lists(st.sampled_from("mfr-c"), max_size=12).map("".join), st.integers(0, 12 * DAY))
def test_met_backups_end_what_is_overdue(outcomes: str, passed: int) -> None:
    """Overdue is since a missed backup whose grace is over, and none after it was met."""
    found = nights(outcomes)
    known = [one for one in found if one.at + one.grace <= FIRST + passed]
    since = overdue_since(known, FIRST + passed)
    if since is None:
        latest = next((one for one in reversed(known) if one.outcome != CHANGED), None)
        assert latest is None or latest.outcome in (MET, RUNNING)
    else:
        later = [one for one in known if one.at >= since]
        assert later[0].outcome not in (MET, CHANGED)
        assert all(one.outcome != MET for one in later)


IMPORTED, NOW = "2026-01-10T06:00:00.000000Z", "2026-01-10T08:00:00.000000Z"
NIGHT = "2026-01-10T02:30:00.000000Z"
LATER = "2026-01-11T18:00:00.000000Z"


@pytest.mark.parametrize(
    ("age", "since", "import_due", "expected"),
    [
        (Age(NIGHT, None), None, LATER, OK),
        (Age(None, None), None, LATER, NEVER),
        (Age(None, None), NIGHT, IMPORTED, NEVER),
        (Age(NIGHT, None), NIGHT, LATER, OVERDUE),
        (Age(NIGHT, None), NIGHT, IMPORTED, OVERDUE),
        # The age counts at the last import: 3.5 hours.
        (Age(NIGHT, 12_600), None, LATER, OK),
        (Age(NIGHT, 12_599), None, LATER, OVERDUE),
        # Another import is missing, or due right now.
        (Age(NIGHT, None), None, IMPORTED, NO_RECENT_DATA),
        (Age(NIGHT, None), None, NOW, OK),
    ],
)
def test_states(age: Age, since: str | None, import_due: str, expected: str) -> None:
    assert state(age, since, IMPORTED, NOW, import_due) == expected


def test_import_later_than_now() -> None:
    """A report as of an earlier time does not know the import."""
    assert state(Age(NIGHT, 6 * HOUR), None, "2026-02-01T00:00:00.000000Z", NOW, LATER) == OK


SECONDS = st.integers(0, 10 * DAY)


START = seconds("2026-03-28")  # clocks go forward in Europe on the 29th
LENGTH = 4 * 24 * 60


def moment(minute: int) -> str:
    return instant(START + minute * 60)


@given(
    ends=st.lists(st.integers(-LENGTH, LENGTH), max_size=8),
    objective=st.integers(1, 3 * 24 * 60),
    bounds=st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)),
    calendar=st.builds(
        Calendar,
        st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        st.sampled_from(["00:00", "16:00"]),
    ),
)
def test_shares(
    ends: list[int], objective: int, bounds: tuple[int, int], calendar: Calendar
) -> None:
    """The shares equal a count of single minutes."""
    found = shares(
        calendar,
        [Span(moment(end), moment(end)) for end in ends],
        objective * 60,
        Span(*map(moment, bounds)),
    )
    minutes = range(*bounds)
    if not minutes:
        assert found == (None, None)
        return
    covered = [any(end <= minute < end + objective for end in ends) for minute in minutes]
    days = {calendar.day(moment(minute)) for minute in minutes}
    outside = {
        calendar.day(moment(minute))
        for minute, inside in zip(minutes, covered, strict=True)
        if not inside
    }
    assert found == (sum(covered) / len(minutes), (len(days) - len(outside)) / len(days))


def test_no_shares_without_a_limit_or_a_time() -> None:
    span = Span(NIGHT, NOW)
    assert shares(UTC, [Span(NIGHT, NIGHT)], None, span) == (None, None)
    assert shares(UTC, [Span(NIGHT, NIGHT)], HOUR, Span(NOW, NOW)) == (None, None)


@given(st.lists(SECONDS, max_size=8), st.lists(st.integers(1, 5 * DAY), min_size=2, max_size=2))
def test_longer_limits_cover_more(ends: list[int], limits: list[int]) -> None:
    begun = seconds("2026-01-01")
    texts = [instant(begun + end) for end in ends]
    span = Span(instant(begun), instant(begun + 10 * DAY))
    runs = [Span(text, text) for text in texts]
    found = [shares(UTC, runs, limit, span) for limit in sorted(limits)]
    assert all(low <= high for low, high in zip(*found, strict=True))


@given(st.lists(st.integers(1, 20 * DAY), min_size=1, max_size=10))
def test_rpo_lets_each_time_between_due_times_pass(gaps: list[int]) -> None:
    at = [FIRST]
    for gap in gaps:
        at.append(at[-1] + gap)
    found = [row(one) for one in at]
    limit = rpo(found, (), at[-1] - 1).seconds
    assert limit is not None
    recent = [later - one for one, later in pairwise(at) if one >= at[-1] - 42 * DAY]
    assert all(gap < limit for gap in recent)
