"""Judging from any instant on gives the same as judging everything.

The archive judges again only from the first instant on that an import can have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from archive.judgement import habit
from archive.judgement.due_times import Job, Known
from archive.judgement.expected import CHANGES_WITHIN, judge
from archive.judgement.local_time import DAY, HOUR, clock, seconds
from archive.judgement.schedules import Schedule, Zone

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGUN = seconds("2026-01-01")
SPAN = 150
UNTIL = BEGUN + (SPAN + 66) * DAY
STATUSES = st.sampled_from(["SUCCEEDED"] * 6 + ["FAILED", "RUNNING"])
PLACES = st.integers(0, SPAN * DAY)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
PATTERNS = (
    lambda _: True,
    lambda day: day % 7 < 5,
    lambda day: day % 7 == 3,
    lambda day: day % 3 == 0,
    lambda day: day % 30 == 4,
    lambda _: False,
)
PHASES = st.lists(
    st.tuples(
        st.integers(7, 70),  # days
        st.sampled_from(PATTERNS),
        st.integers(0, DAY - 1),  # time of day
        st.sampled_from([0, 11 * HOUR]),  # whether there is a second one, later
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def histories(draw: st.DrawFn) -> list[Job]:
    """Draw jobs whose habit changes, with manual ones, delays and missing ones."""
    at: list[int] = []
    day = 0
    for days, pattern, time, second in draw(PHASES):
        for place in range(day, min(day + days, SPAN)):
            if pattern(place):
                at += [place * DAY + time, place * DAY + time + second]
        day += days
    delays = draw(st.lists(st.integers(-1800, 1800), min_size=3, max_size=11))
    dropped = draw(st.sets(st.integers(0, len(at)), max_size=10))
    at = [
        place + delays[number % len(delays)]
        for number, place in enumerate(at)
        if number not in dropped
    ]
    at += draw(st.lists(PLACES, max_size=5))
    statuses = draw(st.lists(STATUSES, min_size=7, max_size=7))
    manual = draw(st.sampled_from([1, 5, 10**6]))
    return [
        Job(BEGUN + place, number, statuses[number % 7], number % manual != 1)
        for number, place in enumerate(sorted(set(at)))
    ]


INSTANTS = PLACES.map(lambda place: BEGUN + place)
SCHEDULES = st.lists(
    st.builds(
        Schedule,
        INSTANTS,
        st.none() | INSTANTS,
        st.sampled_from([True, True, False]),
        st.none() | st.integers(0, 1439),
        st.sampled_from([tuple(range(7)), (2,), (0, 1, 2, 3, 4)]),
        st.none() | INSTANTS,
    ),
    max_size=3,
).map(tuple)
ZONES_OF_APPLIANCES = st.lists(
    st.builds(Zone, INSTANTS, ZONES, st.none() | INSTANTS),
    max_size=2,
    unique_by=lambda zone: zone.since,
).map(lambda zones: tuple(sorted(zones)))
KNOWN = st.builds(
    Known,
    st.just(()) | SCHEDULES,
    ZONES_OF_APPLIANCES,
    ZONES.map(clock),
    st.none(),
    st.just(BEGUN),
    st.none() | INSTANTS,
)


def lead(jobs: Sequence[Job], first: int) -> list[Job]:
    """Return the jobs that the archive reads for judging from an instant on."""
    before = [job.at for job in jobs if job.at // DAY < first // DAY - 10]
    if not before:
        return list(jobs)
    since = min(before[-habit.FEWEST :][0] // DAY, before[-1] // DAY - habit.WINDOW) - 1
    return [job for job in jobs if job.at // DAY >= since]


@given(known=KNOWN, jobs=histories(), places=st.lists(PLACES, min_size=3, max_size=3))
def test_judging_from_any_instant_on(known: Known, jobs: list[Job], places: list[int]) -> None:
    begun = min([known.first_seen, *(job.at for job in jobs)])
    whole = judge(known, jobs, begun, UNTIL)
    for place in places:
        first = BEGUN + place
        part = judge(known, lead(jobs, first), first, UNTIL)
        assert part == [one for one in whole if one.at >= first]


@given(known=KNOWN, jobs=histories(), place=PLACES)
def test_judging_until_any_instant(known: Known, jobs: list[Job], place: int) -> None:
    """What is due earlier and cannot change any more does not depend on how far is judged."""
    known = known._replace(zones=known.zones[:1])  # the latest zone shows a habit
    begun = min([known.first_seen, *(job.at for job in jobs)])
    settled = BEGUN + place - CHANGES_WITHIN
    whole, part = (judge(known, jobs, begun, until) for until in (UNTIL, BEGUN + place))
    assert [one for one in part if one.at < settled] == [one for one in whole if one.at < settled]


@given(
    known=KNOWN, jobs=histories(), more=st.lists(PLACES, min_size=1, max_size=3), status=STATUSES
)
def test_jobs_change_nothing_long_before(
    known: Known, jobs: list[Job], more: list[int], status: str
) -> None:
    """Further jobs change what is due from CHANGES_WITHIN before the first of them on, at most."""
    begun = min([known.first_seen, *(job.at for job in jobs)])
    added = [
        Job(BEGUN + place, len(jobs) + number, status, scheduled=True)
        for number, place in enumerate(more)
    ]
    since = min(job.at for job in added) - CHANGES_WITHIN
    before, later = (judge(known, of, begun, UNTIL) for of in (jobs, sorted([*jobs, *added])))
    assert [one for one in before if one.at < since] == [one for one in later if one.at < since]


@given(jobs=histories(), cadence=st.integers(HOUR, 20 * DAY), place=PLACES)
def test_judging_a_cadence_from_any_instant_on(jobs: list[Job], cadence: int, place: int) -> None:
    known = Known((), (), clock("UTC"), cadence, BEGUN)
    begun = min([BEGUN, *(job.at for job in jobs)])
    whole = judge(known, jobs, begun, UNTIL)
    first = BEGUN + place
    assert judge(known, jobs, first, UNTIL) == [one for one in whole if one.at >= first]
