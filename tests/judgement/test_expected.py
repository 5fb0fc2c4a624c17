from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from archive.calendar import Calendar
from archive.judgement.expected import (
    DID_NOT_RUN,
    FAILED,
    MET,
    RUNNING,
    Job,
    Known,
    Slot,
    expected,
    judge,
)
from archive.judgement.schedules import Schedule, Zone, iso, ordinal, start
from tests.reports.nights import instant

FIRST, LAST = date(2026, 3, 20), date(2026, 4, 10)  # clocks go forward in Europe on 29 March
LONG_AGO, EVER = "2020-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"
CALENDARS = st.builds(
    Calendar,
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]),
    st.sampled_from(["00:00", "16:00", "02:30"]),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"])
MINUTES = st.integers(0, 24 * 60 * 22 - 1)
STATUSES = st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING"])
JOBS = st.lists(st.tuples(MINUTES, STATUSES), max_size=60, unique_by=lambda job: job[0])


def job(calendar: Calendar, minute: int, status: str) -> Job:
    moment = instant(datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=minute))
    return Job(moment, moment, ordinal(calendar.day(moment)), status, True, None)  # noqa: FBT003 - as rows have it


def plainly_due(calendar: Calendar, zone: str, at: time, weekdays: set[int]) -> dict[str, str]:
    """Return the days and their first instants, by looking up each date in the calendar."""
    found: dict[str, str] = {}
    for place in range(-3, (LAST - FIRST).days + 4):
        local = FIRST + timedelta(days=place)
        if local.weekday() in weekdays:
            readings = [
                instant(datetime.combine(local, at, ZoneInfo(zone)).replace(fold=fold))
                for fold in (0, 1)
            ]
            day = calendar.day(min(readings))
            found[day] = min(found.get(day, EVER), *readings)
    return {
        day: found[day] for day in sorted(found) if FIRST.isoformat() <= day <= LAST.isoformat()
    }


def plainly_judged(due: dict[str, str], jobs: list[Job]) -> dict[str, tuple[str, str | None]]:
    """Return the outcome of each day by the plain definition: day by day, scanning all jobs."""
    found: dict[str, tuple[str, str | None]] = {}
    ends = [*list(due.values())[1:], EVER]
    taken: set[str] = set()
    for day, end in zip(due, ends, strict=True):
        theirs = [job for job in jobs if due[day] <= job.at < end]
        good = [job.at for job in theirs if job.status == "SUCCEEDED"]
        if not good:
            good = [
                job.at
                for job in jobs
                if iso(job.day) == day
                and job.at < due[day]
                and job.status == "SUCCEEDED"
                and job.at not in taken
            ][-1:]
        if good:
            taken.add(good[0])
            found[day] = (MET, good[0])
        elif theirs:
            last = theirs[-1]
            found[day] = (RUNNING if last.status == "RUNNING" else FAILED, last.at)
        else:
            found[day] = (DID_NOT_RUN, None)
    return found


@given(
    calendar=CALENDARS,
    zone=ZONES,
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    weekdays=st.none() | st.sets(st.integers(0, 6), min_size=1),
    jobs=JOBS,
)
def test_days_are_judged_by_the_definition(
    calendar: Calendar, zone: str, at: time, weekdays: set[int] | None, jobs: list[Any]
) -> None:
    """Due days and the jobs that met them equal those of the plain definition."""
    wanted = weekdays or set(range(7))
    history = sorted(job(calendar, *drawn) for drawn in jobs)
    schedule = Schedule(LONG_AGO, None, True, at.hour, at.minute, tuple(sorted(wanted)))  # noqa: FBT003 - as rows have it
    zones = (Zone(LONG_AGO, None, zone),)
    known = Known("vc", LONG_AGO, EVER, None, (schedule,), zones, None)
    first, last = FIRST.toordinal(), LAST.toordinal()
    slots = expected(calendar, known, history, first, last)
    due = plainly_due(calendar, zone, at, wanted)
    assert [(iso(slot.day), slot.due) for slot in slots] == list(due.items())
    for slot in slots:
        assert slot.due is not None
        assert calendar.day(slot.due) == iso(slot.day)

    found = {
        iso(one.day): (one.outcome, one.job and one.job.at)
        for one in judge(calendar, slots, history, EVER, EVER)
    }
    # The last backup is due for one gap of its own, not until the next one.
    plain = plainly_judged(due, history)
    for day in list(due)[:-1]:
        assert found[day] == plain[day]
    assert found.keys() == plain.keys()


@given(calendar=CALENDARS, jobs=JOBS, gap=st.sampled_from([1, 2, 7]))
def test_every_success_counts_once(calendar: Calendar, jobs: list[Any], gap: int) -> None:
    """A missed day has no unused success of its date, and a job meets one day."""
    history = sorted(job(calendar, *drawn) for drawn in jobs)
    first = min((one.day for one in history), default=None)
    known = Known("vc", LONG_AGO, EVER, first, (), (), gap * 86400)
    slots = expected(calendar, known, history, FIRST.toordinal(), LAST.toordinal())
    assert all(after.day - before.day == gap for before, after in pairwise(slots))
    found = list(judge(calendar, slots, history, EVER, EVER))
    assert [one.day for one in found] == [slot.day for slot in slots]
    met = [one.job.at for one in found if one.outcome == MET and one.job]
    assert met == sorted(set(met))
    good = {one.at for one in history if one.status == "SUCCEEDED"}
    assert set(met) <= good
    needed = set(met)
    for slot, one in zip(slots, found, strict=True):
        own = {job.at for job in history if job.day == slot.day} & good
        assert one.outcome == MET or own <= needed  # those of its date met the neighbouring days


def slot(calendar: Calendar, day: int) -> Slot:
    return Slot(day, None, start(calendar, day), 1, "cadence")


@given(jobs=JOBS, hours=st.integers(0, 24 * 22))
def test_nothing_is_missed_before_it_is_due(jobs: list[Any], hours: int) -> None:
    """A verdict at one time still holds later, unless a later job meets the day."""
    calendar = Calendar()
    history = sorted(job(calendar, *drawn) for drawn in jobs)
    slots = [slot(calendar, FIRST.toordinal() + place) for place in range(20)]
    now = instant(datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=hours))
    past = [one for one in history if one.at <= now]
    then = {one.day: one for one in judge(calendar, slots, past, now, now)}
    later = {one.day: one for one in judge(calendar, slots, history, EVER, EVER)}
    for day, one in then.items():
        if one.outcome == MET:
            assert later[day].job == one.job
        else:
            assert start(calendar, day + 1) < now
