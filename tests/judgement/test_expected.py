from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.judgement.due_times import Job, Learned
from archive.judgement.expected import (
    AHEAD,
    CHANGED,
    DID_NOT_RUN,
    FAILED,
    MET,
    NO_DATA,
    RUNNING,
    Expected,
    Imports,
    ahead,
    explained,
    longest_gap,
    outcome,
)
from archive.judgement.habit import Habit, Weekly
from archive.judgement.local_time import DAY, HOUR, clock, seconds
from archive.judgement.schedules import Schedule, Zone
from tests.judgement.histories import FIRST, NOTHING, after, dates, jobs, judged, starts, told

LONG_AGO = seconds("2020-01-01")
NIGHTLY = Schedule(LONG_AGO, None, enabled=True, minute=120, weekdays=tuple(range(7)))
EVENING = NIGHTLY._replace(minute=18 * 60)
SCHEDULED = NOTHING._replace(schedules=(NIGHTLY,), zones=(Zone(LONG_AGO, "UTC"),))
JOBS = st.lists(
    st.builds(
        Job,
        st.integers(seconds("2026-01-01"), seconds("2026-01-20")),
        st.integers(0, 10**6),
        st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING"]),
        st.booleans(),
    ),
    max_size=60,
    unique_by=lambda job: job.id,
).map(sorted)


def test_outcomes_of_a_schedule() -> None:
    found = judged(
        SCHEDULED,
        [
            *jobs(starts([FIRST], "02:00")),
            *jobs([seconds("2026-01-02T02:00")], "FAILED"),
            *jobs([seconds("2026-01-02T03:00")], "FAILED"),
            *jobs([seconds("2026-01-03T02:00")], "FAILED"),
            *jobs([seconds("2026-01-03T09:00")], scheduled=False),
            *jobs([seconds("2026-01-04T02:00")], "RUNNING"),
        ],
        "2026-01-06",
    )
    assert told(found) == [
        ("2026-01-01T02:00", MET),
        ("2026-01-02T02:00", FAILED),
        ("2026-01-03T02:00", MET),
        ("2026-01-04T02:00", RUNNING),
        ("2026-01-05T02:00", None),
    ]
    assert [one.attempts for one in found] == [0, 2, 1, 1, 0]
    assert found[1].job == seconds("2026-01-02T03:00")
    assert found[2].job == seconds("2026-01-03T09:00")


def test_each_of_two_backups_a_day_is_judged() -> None:
    """Nights succeed, and evenings fail."""
    nights = jobs(starts(dates(10), "02:00"))
    evenings = jobs(starts(dates(10), "18:00"), "FAILED")
    found = judged(
        SCHEDULED._replace(schedules=(NIGHTLY, EVENING)), nights + evenings, "2026-01-11"
    )
    assert [one.outcome for one in found] == [MET, FAILED] * 10
    learned = after(judged(NOTHING, nights + evenings, "2026-01-11"), "2026-01-09")
    assert [one.outcome for one in learned] == [MET, FAILED] * 2


def test_schedules_that_share_an_instant_expect_one_backup() -> None:
    known = SCHEDULED._replace(schedules=(NIGHTLY, NIGHTLY._replace(weekdays=(3,))))
    assert len(judged(known, [], "2026-01-08")) == 7


def test_schedules_alone_decide_once_they_are_known() -> None:
    """The habit of before is not expected any more, even if all schedules are switched off."""
    usual = jobs(starts(dates(20), "02:00"))
    off = NIGHTLY._replace(since=seconds("2026-01-15"), enabled=False)
    found = judged(NOTHING._replace(schedules=(off,)), usual, "2026-02-01")
    assert told(found)[-1] == ("2026-01-14T02:00", MET)


CHANGED_SINCE = seconds("2026-01-06T06:00")
SEEN = seconds("2026-01-04T06:00")
ENDED = NIGHTLY._replace(until=CHANGED_SINCE, seen=SEEN)


@pytest.mark.parametrize(
    "after_it",
    [
        (),
        (NIGHTLY._replace(since=CHANGED_SINCE, enabled=False),),
        (NIGHTLY._replace(since=CHANGED_SINCE, minute=23 * 60),),
        (NIGHTLY._replace(since=CHANGED_SINCE, weekdays=(6,)),),
    ],
)
def test_schedule_that_may_have_changed_before_is_not_missed(after_it: tuple[Schedule]) -> None:
    """Nobody asked between the last answer with a schedule and the first one without it."""
    known = SCHEDULED._replace(schedules=(ENDED, *after_it))
    of = [*jobs(starts(dates(3), "02:00")), *jobs([seconds("2026-01-05T02:00")], "FAILED")]
    assert told(judged(known, of, "2026-01-06T22:00")) == [
        *((f"{day}T02:00", MET) for day in dates(3)),
        ("2026-01-04T02:00", None),
        ("2026-01-05T02:00", FAILED),
        ("2026-01-06T02:00", CHANGED),
    ]


@pytest.mark.parametrize(
    "beside",
    [
        NIGHTLY._replace(since=CHANGED_SINCE, seen=CHANGED_SINCE + DAY),
        NIGHTLY._replace(weekdays=(0, 1)),
    ],
)
def test_schedule_that_changes_without_its_times_is_missed(beside: Schedule) -> None:
    """It keeps more copies, say, or another one is due at the same time: on Monday and Tuesday."""
    found = judged(SCHEDULED._replace(schedules=(ENDED, beside)), [], "2026-01-07")
    assert [one.outcome for one in found] == [None] * 6


def test_time_zone_that_may_have_changed_before_is_not_missed() -> None:
    zones = (
        Zone(LONG_AGO, "UTC", SEEN),
        Zone(CHANGED_SINCE, "Asia/Tokyo", CHANGED_SINCE + DAY),
    )
    tokyo = starts(dates(5)[3:], "17:00")
    found = judged(
        SCHEDULED._replace(zones=zones), jobs(starts(dates(4), "02:00") + tokyo), "2026-01-07"
    )
    assert told(found)[3:] == [
        ("2026-01-04T02:00", MET),
        ("2026-01-05T02:00", MET),
        ("2026-01-06T02:00", CHANGED),
        ("2026-01-06T17:00", None),
    ]


def test_appliance_in_an_unknown_zone() -> None:
    """Its schedule may be due up to 14 hours earlier or later, which is no reason to warn."""
    known = SCHEDULED._replace(zones=())
    found = judged(known, jobs(starts(dates(3), "13:00")), "2026-01-04")
    assert [one.outcome for one in found] == [MET] * 3
    assert {one.grace for one in found} == {15 * HOUR}


def test_success_shortly_before_it_is_due() -> None:
    """Clocks differ by minutes; a success of an hour before was of something else."""
    days = dates(2)
    assert judged(SCHEDULED, jobs(starts(days, "01:56")), "2026-01-02")[0].outcome == MET
    assert judged(SCHEDULED, jobs(starts(days[:1], "01:00")), "2026-01-02")[0].outcome is None


def test_late_success_of_a_rare_schedule() -> None:
    """It meets a due time for a week, and not until the next one."""
    monthly = SCHEDULED._replace(schedules=(NIGHTLY._replace(until=seconds("2026-01-01T03:00")),))
    for start, expected in (("2026-01-08T01:59", MET), ("2026-01-08T02:00", None)):
        (one,) = judged(monthly, jobs([seconds(start)]), "2026-02-01")
        assert one.outcome == expected


@given(of=JOBS, learned=st.booleans(), zone=st.sampled_from(["UTC", "Europe/Berlin", None]))
def test_no_success_meets_two_due_times(of: list[Job], *, learned: bool, zone: str | None) -> None:
    zones = () if zone is None else (Zone(LONG_AGO, zone),)
    known = SCHEDULED._replace(schedules=(NIGHTLY, EVENING), zones=zones)
    found = judged(NOTHING if learned else known, of, "2026-02-01")
    met = [one.job for one in found if one.outcome == MET]
    assert len(met) == len(set(met))
    succeeded = {job.id for job in of if job.status == "SUCCEEDED"}
    assert set(met) <= succeeded
    tried = {job.id: job.status for job in of}
    for one in found:
        if one.outcome in (FAILED, RUNNING):
            assert one.job is not None
            assert tried[one.job] == ("FAILED" if one.outcome == FAILED else "RUNNING")
    assert [one.at for one in found] == sorted({one.at for one in found})


@given(JOBS)
def test_more_successes_meet_no_fewer(of: list[Job]) -> None:
    """If a schedule's failed attempts had succeeded, no met backup would be missed."""
    all_well = [job._replace(status="SUCCEEDED") for job in of]
    met = {one.at for one in judged(SCHEDULED, of, "2026-02-01") if one.outcome == MET}
    assert met <= {
        one.at for one in judged(SCHEDULED, all_well, "2026-02-01") if one.outcome == MET
    }


def test_habit_expects_nothing_before_it_is_learned() -> None:
    found = judged(NOTHING, jobs(starts(dates(20), "02:00")), "2026-01-21")
    assert {one.basis for one in found} == {"learned"}
    assert told(found) == [(f"{day}T02:00", MET) for day in dates(20)[7:]]


def test_habit_without_attempts() -> None:
    found = judged(NOTHING, jobs(starts(dates(20), "02:00")), "2026-01-24")
    assert told(found)[-3:] == [(f"2026-01-{day}T02:00", None) for day in (21, 22, 23)]
    assert {one.grace for one in found} == {2 * HOUR}


def test_outage_keeps_the_habit() -> None:
    """Twelve nights without a backup are twelve missed ones, also once it is back."""
    days = [day for day in dates(60) if not 30 <= (day - FIRST).days < 42]
    found = judged(NOTHING, jobs(starts(days, "02:00")), "2026-03-02")
    missed = [(f"{FIRST + timedelta(days=place)}T02:00", None) for place in range(30, 42)]
    assert [one for one in told(found) if one[1] != MET] == missed


@pytest.mark.parametrize("number", [5, 14, 40])
def test_retries_and_manual_runs_do_not_change_a_habit(number: int) -> None:
    usual = starts(dates(60), "02:00")
    failed = jobs(usual[20 : 20 + number], "FAILED", scheduled=False)
    succeeded = [
        job for job in jobs(usual, scheduled=False) if job.at not in {one.at for one in failed}
    ]
    retries = jobs((job.at + HOUR for job in failed), scheduled=False)
    plain = judged(NOTHING, jobs(usual), "2026-03-10")
    found = judged(NOTHING, failed + succeeded + retries, "2026-03-10")
    assert [(one.at, one.outcome) for one in found] == [(one.at, one.outcome) for one in plain]
    manual = jobs(starts(dates(60)[20 : 20 + number], "15:00"), scheduled=False)
    found = judged(NOTHING, jobs(usual) + manual, "2026-03-10")
    assert [(one.at, one.outcome) for one in found] == [(one.at, one.outcome) for one in plain]


def test_manual_success_meets_a_habit() -> None:
    usual = [
        job for job in jobs(starts(dates(30), "02:00")) if job.at != seconds("2026-01-25T02:00")
    ]
    late = jobs([seconds("2026-01-25T11:00")], scheduled=False)
    found = judged(NOTHING, usual + late, "2026-01-30")
    assert {one.outcome for one in found} == {MET}


def test_changed_habit_is_not_missed() -> None:
    """From daily to weekly: what did not run in between is a changed habit, once that is known."""
    before = starts(dates(60), "02:00")
    sundays = [day for day in dates(120) if day.weekday() == 6 and (day - FIRST).days >= 60]
    found = judged(NOTHING, jobs(before + starts(sundays, "02:00")), "2026-05-01")
    assert {one.outcome for one in found} <= {MET, CHANGED}
    assert sum(one.outcome == CHANGED for one in found) >= 12
    assert [one.at for one in found if one.outcome == MET][-4:] == starts(sundays[-4:], "02:00")
    # Until then, it is missed.
    early = judged(NOTHING, jobs(before + starts(sundays[:1], "02:00")), "2026-03-10")
    assert sum(one.outcome is None for one in early) >= 6


def test_changed_time_of_day() -> None:
    """From 02:00 to 14:00: backups at the new time are neither missed nor missed twice."""
    days = dates(80)
    found = judged(
        NOTHING, jobs(starts(days[:40], "02:00") + starts(days[40:], "14:00")), "2026-03-22"
    )
    assert {one.outcome for one in found} == {MET}
    assert [one.at for one in found if one.outcome == MET][-30:] == starts(days[-30:], "14:00")


@pytest.mark.parametrize(("days_after", "expected"), [(-1, None), (0, None), (1, CHANGED)])
def test_changed_habit_that_late_jobs_disprove(days_after: int, expected: str | None) -> None:
    """It is not missed only if a habit after it may explain it, of which not all may be known."""
    at = seconds("2026-02-01T02:00")
    one = Expected(at, "learned", 2 * HOUR, CHANGED, None, 0)
    nightly = Habit(0, 2 * HOUR, Weekly(frozenset(range(7))))
    known = at + days_after * DAY
    learned: Learned = [(known, () if days_after > 0 else (nightly,)), (at + 2 * DAY, ())]
    assert [row.outcome for row in explained(NOTHING, [one], learned)] == [expected]


def test_failures_are_missed_even_if_a_habit_changes() -> None:
    days = dates(60)
    sundays = [day for day in dates(120) if day.weekday() == 6 and (day - FIRST).days >= 60]
    failed = jobs(starts(days[-3:], "02:00"), "FAILED")
    usual = jobs(starts(days[:-3] + sundays, "02:00"))
    found = judged(NOTHING, usual + failed, "2026-05-01")
    assert sum(one.outcome == FAILED for one in found) == 3


def test_irregular_appliances_have_nothing_expected() -> None:
    places = (0, 1, 9, 11, 12, 20, 29, 31, 40, 41)
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
    at = [
        start
        for place, time in zip(places, times, strict=True)
        for start in starts([FIRST + timedelta(days=place)], time)
    ]
    assert judged(NOTHING, jobs(at), "2026-03-01") == []
    assert judged(NOTHING, [], "2026-03-01") == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_habit_keeps_the_clock_when_clocks_change(zone: str) -> None:
    """The appliance's zone is collected, or else it is that of the archive's calendar."""
    clocks = clock(zone)
    at = [clocks.at(reading) for reading in starts(dates(330), "02:30")]
    collected = NOTHING._replace(zones=(Zone(LONG_AGO, zone),))
    for known in (collected, NOTHING._replace(zone=clocks)):
        found = judged(known, jobs(at), "2026-11-20")
        assert [one.at for one in found] == [
            start for start in at[7:] if start < seconds("2026-11-20")
        ]
        assert {one.outcome for one in found} == {MET}


def test_nothing_is_expected_of_retired_appliances() -> None:
    usual = jobs(starts(dates(20), "02:00"))
    retired = seconds("2026-01-25T02:00")
    for known in (NOTHING, SCHEDULED, NOTHING._replace(cadence=DAY)):
        found = judged(known._replace(retired=retired), usual, "2026-03-01")
        assert found
        assert max(one.at for one in found) < retired


def test_cadence_counts_from_the_last_success() -> None:
    """Every 36 hours, not rounded to days."""
    known = NOTHING._replace(cadence=36 * HOUR, first_seen=seconds("2026-01-09"))
    found = judged(
        known,
        [
            *jobs([seconds("2026-01-01T06:00"), seconds("2026-01-02T12:00")]),
            *jobs([seconds("2026-01-03T20:00")], "FAILED"),
            *jobs([seconds("2026-01-04T01:30")]),
        ],
        "2026-01-07",
    )
    assert told(found) == [
        ("2026-01-02T18:00", MET),
        ("2026-01-04T00:00", MET),  # within the grace of three hours
        ("2026-01-05T13:30", None),
    ]
    assert [(one.grace, one.attempts) for one in found] == [
        (3 * HOUR, 0),
        (3 * HOUR, 1),
        (3 * HOUR, 0),
    ]


def test_cadence_without_jobs_counts_from_the_first_import() -> None:
    known = NOTHING._replace(cadence=DAY, first_seen=seconds("2026-01-03T12:00"))
    assert told(judged(known, [], "2026-01-06")) == [
        ("2026-01-04T12:00", None),
        ("2026-01-05T12:00", None),
    ]


def test_cadence_is_ignored_where_a_schedule_is_known() -> None:
    found = judged(SCHEDULED._replace(cadence=HOUR), [], "2026-01-03")
    assert [one.basis for one in found] == ["schedule", "schedule"]


@given(JOBS, st.integers(HOUR, 8 * DAY))
def test_cadences_are_met_as_often_as_asked(of: list[Job], cadence: int) -> None:
    """Each success that meets one starts at most the cadence and its grace after the one before."""
    found = judged(NOTHING._replace(cadence=cadence), of, "2026-02-01")
    start = {job.id: job.at for job in of}
    for before, one in pairwise(found):
        assert one.at - before.at <= cadence + one.grace
        if before.outcome == one.outcome == MET and before.job is not None and one.job is not None:
            assert 0 < start[one.job] - start[before.job] <= cadence + one.grace
    good = sorted(job.at for job in of if job.status == "SUCCEEDED")
    for one in found:
        inside = [at for at in good if one.at - cadence < at <= one.at]
        assert one.outcome == MET or not inside


def test_longest_gap_of_schedules_and_cadences() -> None:
    """Of schedules in force, whatever was due so far; a new weekly one has been due once at most."""
    sundays, fridays = NIGHTLY._replace(weekdays=(6,)), NIGHTLY._replace(weekdays=(0, 4))
    off = NIGHTLY._replace(enabled=False)
    ended = NIGHTLY._replace(until=LONG_AGO + DAY)
    for rows, days in (
        ((NIGHTLY,), 1),
        ((sundays, off, ended), 7),
        ((fridays,), 4),
        ((sundays, fridays), 4),
        ((off,), 3),
    ):
        known = NOTHING._replace(schedules=rows, cadence=3 * DAY)
        assert longest_gap(known, LONG_AGO + 2 * DAY) == days * DAY
    assert longest_gap(NOTHING, LONG_AGO) is None


def test_appliance_that_stopped_reporting_is_not_judged_for_ever() -> None:
    found = judged(SCHEDULED, [], "2026-03-01")
    last_seen = seconds("2026-01-10T12:00")
    kept = ahead(found, last_seen)
    assert kept[-1].at == seconds("2026-01-18T02:00") <= last_seen + AHEAD
    weekly = [one for one in found if (one.at // DAY) % 14 == 0]
    assert ahead(weekly, last_seen)[-1] == next(one for one in weekly if one.at > last_seen)


AT = seconds("2026-01-10T02:00")


@pytest.mark.parametrize(
    ("became", "imported", "is_missing", "now", "expected"),
    [
        # A success is known at once; what is not due yet is nothing.
        (MET, AT + 60, False, AT + 60, MET),
        (MET, AT - 60, False, AT - 60, None),
        # Until an import after the grace, it may still succeed.
        (FAILED, AT + 60, False, AT + DAY, None),
        (FAILED, AT + 60, True, AT + 2 * DAY, NO_DATA),
        (FAILED, AT + HOUR, False, AT + HOUR, FAILED),
        # The import was late enough to show that nothing ran.
        (None, AT + HOUR, False, AT + HOUR, DID_NOT_RUN),
        (RUNNING, AT + HOUR, False, AT + HOUR, RUNNING),
        # Imported before, and the next import is not missing yet: nobody can know.
        (None, AT + HOUR - 1, False, AT + DAY, None),
        (RUNNING, AT + HOUR - 1, False, AT + DAY, None),
        (None, AT + HOUR - 1, True, AT + 2 * DAY, NO_DATA),
        (RUNNING, AT + HOUR - 1, True, AT + 2 * DAY, NO_DATA),
        # What a new habit explains.
        (CHANGED, AT + HOUR, False, AT + HOUR, CHANGED),
    ],
)
def test_outcome_as_of_now(
    became: str | None, imported: int, *, is_missing: bool, now: int, expected: str | None
) -> None:
    one = Expected(AT, "schedule", HOUR, became, None, 0)
    assert outcome(one, Imports(imported, is_missing), now) == expected


@given(JOBS, st.integers(0, 30 * DAY), st.integers(0, 30 * DAY))
def test_verdicts_hold(of: list[Job], now: int, later: int) -> None:
    """What was met, as of a time and the jobs known then, is met later."""
    at = seconds("2026-01-01") + now
    known = [job for job in of if job.at <= at]
    then = {
        one.at: one.job
        for one in judged(SCHEDULED, known, "2026-02-01")
        if outcome(one, Imports(at, is_missing=False), at) == MET
    }
    since = {
        one.at: one.job
        for one in judged(SCHEDULED, of, "2026-02-01")
        if outcome(one, Imports(at + later, is_missing=False), at + later) == MET
    }
    assert then.items() <= since.items()
