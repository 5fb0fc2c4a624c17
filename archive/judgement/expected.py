"""Which days an appliance was expected to back up, and what became of each.

A day is expected because a schedule was due, because of the cadence that was configured, or as usual
for the appliance: the first of these that there is. A success counts for the day from whose due
instant on it started, until that of the next; a day without one takes a success of its own date that
neither the day before nor the one after needs.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from archive.calendar import CALENDAR_YEARS
from archive.judgement.habit import JobDay, Rhythm
from archive.judgement.schedules import Due, Dues, Schedule, Zone, dues, ordinal, start
from archive.statuses import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.calendar import Calendar

SCHEDULE, CADENCE, LEARNED = "schedule", "cadence", "learned"
MET = "met"
FAILED, RUNNING, DID_NOT_RUN, NO_DATA = "failed", "running", "did not run", "no data"
MISSED = (FAILED, RUNNING, DID_NOT_RUN, NO_DATA)
# A backup has so long after it was due before it is missed.
GRACE_SECONDS = 60 * 60
# Without a due instant, so long before its usual time a backup is early rather than late.
_EARLY_SECONDS = 3 * 60 * 60
_SUCCEEDED = "SUCCEEDED"
_SECONDS_A_DAY = 24 * 60 * 60
# Before, vCenter made no such backups; starts of year 1 there are.
FIRST_DAY = ordinal(f"{CALENDAR_YEARS[0]}-01-01")


class Job(NamedTuple):
    """A job: when it started, or was made if it has not; the ordinal of its day; `row`: all of it."""

    at: str
    key: str
    day: int
    status: str
    scheduled: bool
    row: Any


class Known(NamedTuple):
    """What is known of an appliance, besides its jobs.

    `first_day` is the ordinal of the day of its first job, None if there is none; `cadence_seconds`
    is how often a backup is expected, None if nobody has said.
    """

    name: str
    first_seen: str
    last_seen: str
    first_day: int | None
    schedules: tuple[Schedule, ...]
    zones: tuple[Zone, ...]
    cadence_seconds: int | None

    @property
    def cadence_days(self) -> int | None:
        """The cadence in calendar days, at least one."""
        if self.cadence_seconds is None:
            return None
        return max(1, (self.cadence_seconds + _SECONDS_A_DAY // 2) // _SECONDS_A_DAY)


class Slot(NamedTuple):
    """A day, by ordinal, that is expected to have a backup.

    `due` is None where only the day is known. Jobs that start between `opens` and the same of the
    next slot are those of this one, for at most `gap` days.
    """

    day: int
    due: str | None
    opens: str
    gap: int
    basis: str


class Expectation(NamedTuple):
    """An expected day and its `outcome`: MET or one of MISSED.

    `job` is the success that met it, else the last of the `attempts` that did not succeed.
    """

    day: int
    due: str | None
    basis: str
    outcome: str
    job: Job | None
    attempts: int


def begun(calendar: Calendar, known: Known, first: int) -> int:
    """Return the first day of which anything could be said, from a first one on."""
    if known.first_day is not None:
        earliest = known.first_day
    else:
        earliest = ordinal(calendar.day(known.first_seen))
    for row in known.schedules:
        earliest = min(earliest, ordinal(row.first_seen[:10]) - 1)
    return max(first, earliest)


def expected(
    calendar: Calendar, known: Known, jobs: Iterable[Job], first: int, last: int
) -> list[Slot]:
    """Return the expected days from the first to the last, in their order.

    Among the jobs, in the order of their start, must be those of the last `habit.DAYS` days with jobs
    before the first.
    """
    told = dues(calendar, known.schedules, known.zones, first, last)
    rhythm = Rhythm(_job_days(calendar, jobs))
    slots: list[Slot] = []
    for day in range(max(first, FIRST_DAY), last + 1):
        due = told.days.get(day)
        if due is not None:
            slots.append(_slot(calendar, day, due, SCHEDULE, rhythm, slots))
        elif (found := _otherwise(calendar, known, told, day, rhythm)) is not None:
            gap, basis = found
            slots.append(_slot(calendar, day, Due(None, gap), basis, rhythm, slots))
    return slots


def _slot(
    calendar: Calendar, day: int, due: Due, basis: str, rhythm: Rhythm, before: Sequence[Slot]
) -> Slot:
    opens = due.instant
    if opens is None:
        usual = rhythm.before(day)
        opens = _shifted(calendar, day, 0 if usual is None else usual.offset - _EARLY_SECONDS)
        if before and opens < before[-1].opens:
            opens = start(calendar, day)
    return Slot(day, due.instant, opens, due.gap, basis)


def _otherwise(
    calendar: Calendar, known: Known, told: Dues, day: int, rhythm: Rhythm
) -> tuple[int, str] | None:
    """Return the gap and the basis of a day on which no schedule is due; None: it is not expected."""
    if told.decide(calendar, day):
        return None
    cadence = known.cadence_days
    if cadence is not None:
        if known.first_day is not None:
            place = day - known.first_day
        else:  # it was imported without any job
            place = day - ordinal(calendar.day(known.first_seen)) - cadence
        return (cadence, CADENCE) if place >= 0 and place % cadence == 0 else None
    if told.known_from is not None and day > told.known_from:
        return None  # schedules that are switched off
    usual = rhythm.before(day)
    gap = None if usual is None else usual.after(day)
    return None if gap is None else (gap, LEARNED)


def _job_days(calendar: Calendar, jobs: Iterable[Job]) -> Iterator[JobDay]:
    for day, group in groupby(jobs, key=attrgetter("day")):
        those = list(group)
        first = next((job for job in those if job.scheduled), those[0])
        begun = timestamps.to_datetime(start(calendar, day))
        offset = (timestamps.to_datetime(first.at) - begun) // timedelta(seconds=1)
        yield JobDay(day, first.scheduled, offset)


def judge(
    calendar: Calendar, slots: Sequence[Slot], jobs: Sequence[Job], last_seen: str, now: str
) -> Iterator[Expectation]:
    """Yield what has become of expected days as of `now`; those that still have time are left out.

    Jobs are in the order of their start, none later than `now`; `last_seen` is when the appliance
    was last imported.
    """
    spans = _spans(calendar, slots)
    place = 0
    taken = -1
    for number, slot in enumerate(slots):
        opens, closes = spans[number]
        while place < len(jobs) and jobs[place].at < opens:
            place += 1
        first = place
        met = None
        while place < len(jobs) and jobs[place].at < closes:
            if met is None and jobs[place].status == _SUCCEEDED and place > taken:
                met = place
            place += 1
        if met is None:
            following = spans[number + 1] if number + 1 < len(spans) else None
            met = _before(jobs, first, slot.day, taken)
            met = _after(jobs, place, slot.day, following) if met is None else met
        if met is not None:
            taken = met
            tried = sum(job.status != _SUCCEEDED for job in jobs[first:place])
            yield Expectation(slot.day, slot.due, slot.basis, MET, jobs[met], tried)
            continue
        settled = _later(slot.due or start(calendar, slot.day + 1), GRACE_SECONDS)
        if settled > now:
            continue
        attempts = [job for job in jobs[first:place] if job.status != _SUCCEEDED]
        attempt = attempts[-1] if attempts else None
        outcome = _missed(attempt, heard=settled <= last_seen)
        yield Expectation(slot.day, slot.due, slot.basis, outcome, attempt, len(attempts))


def _missed(attempt: Job | None, *, heard: bool) -> str:
    if attempt is None:
        return DID_NOT_RUN if heard else NO_DATA
    return RUNNING if attempt.status in OPEN else FAILED


def _before(jobs: Sequence[Job], end: int, day: int, taken: int) -> int | None:
    """Return the place of a day's last success before its time, unless the day before needs it."""
    for place in range(end - 1, taken, -1):
        if jobs[place].day < day:
            break
        if jobs[place].day == day and jobs[place].status == _SUCCEEDED:
            return place
    return None


def _after(
    jobs: Sequence[Job], begin: int, day: int, following: tuple[str, str] | None
) -> int | None:
    """Return the place of a day's first success after its time, unless the next slot needs it."""
    own = None
    for place in range(begin, len(jobs)):
        job = jobs[place]
        if own is None and job.day > day:
            break
        if job.status != _SUCCEEDED:
            continue
        if own is not None:
            return own if following is not None and job.at < following[1] else None
        own = place
        if following is None or job.at < following[0]:
            return own
    return None


def _spans(calendar: Calendar, slots: Sequence[Slot]) -> list[tuple[str, str]]:
    """Return from when to before when jobs are those of each slot."""
    return [
        (slot.opens, _closes(calendar, slot, following))
        for slot, following in zip_longest(slots, slots[1:])
    ]


def _closes(calendar: Calendar, slot: Slot, following: Slot | None) -> str:
    if following is not None and following.day <= slot.day + slot.gap:
        return following.opens
    begun, end = (
        timestamps.to_datetime(start(calendar, day)) for day in (slot.day, slot.day + slot.gap)
    )
    closes = timestamps.from_datetime(timestamps.to_datetime(slot.opens) - begun + end)
    return closes if following is None else min(closes, following.opens)


def _later(instant: str, seconds: int) -> str:
    return timestamps.from_datetime(timestamps.to_datetime(instant) + timedelta(seconds=seconds))


@lru_cache(1 << 16)  # fleets have few usual times
def _shifted(calendar: Calendar, day: int, seconds: int) -> str:
    return _later(start(calendar, day), seconds)
