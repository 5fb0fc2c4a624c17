from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from archive.judgement.levels import KEPT, KEPT_DAYS, Values
from archive.judgement.outliers import LEAST_BYTES, Job, findings
from archive.judgement.recurrence import earlier

if TYPE_CHECKING:
    from random import Random

START = date(2026, 1, 1).toordinal()
MIB = 2**20


def values(*of_days: int) -> Values:
    """Return values of days in a row."""
    found = Values()
    for number, value in enumerate(of_days):
        found.add(START + number, value)
    return found


def job(number: int, day: int, size: int | None, **fields: Any) -> Job:
    plain = Job(number, day, f"{number:04}", "SCHEDULED", size, None, None, None, None)
    return plain._replace(**fields)


def test_days_that_a_day_may_repeat() -> None:
    """Weeks, days of the month, distances to its end, and the first Sunday; where a month has them."""
    last = earlier(date(2024, 3, 31).toordinal())
    names = [[date.fromordinal(day).isoformat() for day in days[:3]] for days in last]
    assert names == [
        ["2024-03-24", "2024-03-17", "2024-03-10"],
        ["2024-01-31", "2023-12-31", "2023-10-31"],
        ["2024-02-29", "2024-01-31", "2023-12-31"],
        ["2023-12-31", "2023-10-29", "2023-07-30"],
    ]


def test_first_days_of_the_calendar_repeat_none() -> None:
    assert earlier(1) == ((), (), (), ())


@given(st.lists(st.integers(0, 2**63 - 1), min_size=7, max_size=60), st.integers(0, 10**6))
def test_expected_value_is_within_the_usual_range(history: list[int], least: int) -> None:
    """For any history the expected value is usual, with a minimum tolerance, in 64 bits."""
    usual = values(*history).usual(START + len(history))
    assert usual is not None
    found = usual.range(least)
    assert 0 <= found.lower <= found.expected <= found.upper < 2**63
    assert found.upper == 2**63 - 1 or found.upper - found.expected >= least
    assert usual.is_usual(found.expected)


def test_full_backups_beside_nightly_ones_are_usual() -> None:
    """Of each night, and eight times as large on Sundays; a full backup on another day is not usual."""
    jobs: list[Job] = []
    for day in range(START, START + 120):
        jobs.append(job(len(jobs), day, 100 * MIB + day % 5 * MIB))
        if day % 7 == 0 or day == START + 100:
            jobs.append(job(len(jobs), day, 800 * MIB + day % 3 * MIB))
    found = [one.job.day - START for one in findings(jobs) if one.job.day >= START + 28]
    assert (START + 100) % 7 != 0
    assert found == [100]


@given(st.lists(st.integers(10**6, 10**6 + 1000), min_size=20, max_size=30), st.integers(1, 2**62))
def test_single_outlier_hardly_matters(history: list[int], odd: int) -> None:
    """One value, however extreme, moves the expected one no further than the spread of the others."""
    usual = values(*history[:10], odd, *history[10:]).usual(START + 31)
    assert usual is not None
    assert abs(usual.range(0).expected - 10**6) <= 10_000


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2, 7, 30]),
        st.sampled_from([None, 0, 1, MIB, *[100 * MIB, 101 * MIB, 110 * MIB] * 3, 300 * MIB]),
        st.sampled_from(["SCHEDULED"] * 3 + ["MANUAL"]),
    ),
    min_size=1,
    max_size=80,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_verdict_needs_a_bounded_history_only(
    steps: list[tuple[int, int | None, str]], random: Random
) -> None:
    """The last jobs have the same anomalies when only the values that count come before them."""
    day, jobs = START, []
    for number, (step, size, kind) in enumerate(steps * 4):
        day += step
        jobs.append(job(number, day, size, type=kind))
    first = random.randrange(len(jobs))
    kept: dict[str | None, int] = {}
    needed = []
    for one in reversed(jobs[:first]):
        kept[one.type] = kept.get(one.type, 0) + (one.size is not None)
        if kept[one.type] <= KEPT and one.day >= jobs[first].day - KEPT_DAYS:
            needed.append(one._replace(judged=False))
    whole = [found for found in findings(jobs) if found.job.id >= first]
    assert findings([*reversed(needed), *jobs[first:]]) == whole


@given(st.integers(7, 60), st.integers(2 * LEAST_BYTES, 2**60))
def test_constant_sizes_are_usual(number: int, size: int) -> None:
    jobs = [job(place, START + place, size) for place in range(number)]
    assert findings(jobs) == []
    (found,) = findings([*jobs, job(number, START + number, size // 11)])
    assert (found.what, found.severity, found.usual) == ("tiny", 3, found.usual)


def test_new_level_is_confirmed_by_the_second_job_after_it() -> None:
    sizes = [100 * MIB] * 30 + [200 * MIB] * 5
    jobs = [job(number, START + number, size) for number, size in enumerate(sizes)]
    (found,) = findings(jobs)
    assert (found.job.id, found.confirmed_by) == (30, jobs[32])
    (found,) = findings(jobs[:32])
    assert found.confirmed_by is None


def test_single_value_confirms_no_level() -> None:
    sizes = [100 * MIB] * 30 + [200 * MIB] + [100 * MIB] * 5
    jobs = [job(number, START + number, size) for number, size in enumerate(sizes)]
    (found,) = findings(jobs)
    assert (found.job.id, found.confirmed_by) == (30, None)


def test_durations_have_levels_of_their_own() -> None:
    jobs = [job(number, START + number, None, duration=600) for number in range(30)]
    slow = job(30, START + 30, None, duration=6000)
    (found,) = findings([*jobs, slow])
    assert (found.what, found.severity, found.figure) == ("duration", 2, 6000)
    fast = slow._replace(duration=60)
    (found,) = findings([*jobs, fast])
    assert (found.severity, found.usual) == (1, (600, 469, 768))


def test_jobs_that_are_not_judged_are_compared_with() -> None:
    jobs = [job(number, START + number, 100 * MIB, judged=False) for number in range(30)]
    assert [found.what for found in findings([*jobs, job(30, START + 30, MIB)])] == ["tiny"]
    assert findings([*jobs, job(30, START + 30, MIB, judged=False)]) == []
