from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.calendar import Calendar
from archive.judgement.expected import CHANGED, MET, RUNNING
from archive.judgement.local_time import DAY, HOUR, instant, seconds
from archive.judgement.rpo import LATEST
from archive.judgement.standing import (
    NEVER,
    NO_RECENT_DATA,
    OK,
    OVERDUE,
    REPEATED,
    Age,
    Span,
    overdue_since,
    shares,
    state,
)
from tests.judgement.expected_rows import FIRST, nights

UTC = Calendar()


@pytest.mark.parametrize(
    ("outcomes", "place"),
    [
        ("mmm", None),
        ("mmf", 2),
        ("mf-", 1),
        ("mfm", None),
        ("mmr", None),  # it is in progress, and may succeed
        ("mfr", 1),  # that ends nothing: the one before has had no success since
        ("m-rr", 1),
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


def test_overdue_by_the_latest_backups_alone() -> None:
    """Stored rows are judged with so many before them, whatever became of those."""
    found = nights("-" * 40 + "c" * 30 + "-" * 40)
    imported = found[-1].at + HOUR
    assert overdue_since(found, imported) == found[-40].at
    assert overdue_since(found[-LATEST:], imported) == found[-40].at


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
        ended = (one for one in reversed(known) if one.outcome not in (CHANGED, RUNNING))
        latest = next(ended, None)
        assert latest is None or latest.outcome == MET
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
