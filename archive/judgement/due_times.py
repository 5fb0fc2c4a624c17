"""When backups of an appliance are due: by its schedules, or as usual for it."""

from __future__ import annotations

from bisect import bisect_left
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import habit, schedules
from archive.judgement.habit import Habit, Run
from archive.judgement.local_time import DAY, HOUR, Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.judgement.schedules import Schedule, Zone

# Why a backup is due; they are stored, and shown in reports.
SCHEDULE, CADENCE, LEARNED = "schedule", "cadence", "learned"
_FAILED = "FAILED"
# A backup has so long after it was due before it is missed.
GRACE = HOUR
# A habit is less exact than a schedule.
_LEARNED_GRACE = 2 * HOUR
# Where the appliance's zone is not known, a schedule may be due so much earlier or later.
_ZONES_APART = 14 * HOUR
# A schedule's job never starts earlier, but for a clock that was set.
_EARLY = 60
# Habits are learned at noon, for a day; due times around noon can move from one such day to the other.
_NOON, _WEEK = DAY // 2, 7 * DAY
# Due times closer together than this are one.
_SAME = HOUR


class Job(NamedTuple):
    """A job: when it started (seconds), or was made if it has not; its id; whether SCHEDULED.

    Jobs come in the order of their start; `status` is as vCenter reports it.
    """

    at: int
    id: int
    status: str
    scheduled: bool


class Known(NamedTuple):
    """What is known of an appliance, besides its jobs; instants and the cadence are in seconds.

    `zone` is the zone of the archive's calendar. Nothing is expected from `retired` on.

    `zones` are ordered by when they came into force, the latest last.
    """

    schedules: tuple[Schedule, ...]
    zones: tuple[Zone, ...]
    zone: Clock
    cadence: int | None
    first_seen: int
    retired: int | None = None


class Due(NamedTuple):
    """An expected backup: when it is due (seconds), why, and what time it has.

    A job that starts from `opens` on can meet it; it is missed `grace` seconds after it was due, but if
    `is_doubtful` only if there was an attempt.

    `basis` is SCHEDULE, CADENCE or LEARNED.
    """

    at: int
    basis: str
    opens: int
    grace: int
    is_doubtful: bool = False


# Habits, and from when on (seconds) each of them was expected.
Learned = list[tuple[int, tuple[Habit, ...]]]


def dues(
    known: Known,
    jobs: Sequence[Job],
    first: int,
    until: int,
    learned: Learned,
) -> list[Due]:
    """Return what is due from `first` until before `until`, without a cadence; note habits in `learned`.

    Schedules decide from when on the first was collected; before, habits do.
    """
    decided = schedules.known_from(known.schedules)
    told = scheduled(known, first, until)
    # Then no habit need be learned.
    if decided is not None and decided <= first:
        return told
    before = until if decided is None else min(until, decided)
    return [*_learned(known, jobs, first, before, learned), *told]


def scheduled(known: Known, first: int, until: int) -> list[Due]:
    """Return what schedules expect; instants that two of them share are one.

    They are in order of time, from `first` until before `until`.
    """
    instants = merge(*(schedules.due(row, known.zones, first, until) for row in known.schedules))
    doubtful = schedules.doubtful(known.schedules, known.zones, first, until)
    found: list[Due] = []
    for at in instants:
        if found and found[-1].at == at:
            continue
        # The instant is that of UTC then; the job may start up to 14 hours from it.
        apart = _ZONES_APART if schedules.zone_at(known.zones, at) is None else 0
        opens = at - (apart or _EARLY)
        found.append(Due(at, SCHEDULE, opens, GRACE + apart, at in doubtful))
    return found


def is_scheduled(known: Known, at: int) -> bool:
    """Return whether an enabled schedule was in force.

    `at` is in seconds. A schedule without a time of day does not count.
    """
    return any(row.enabled and row.minute is not None and row.holds(at) for row in known.schedules)


def _learned(
    known: Known,
    jobs: Sequence[Job],
    first: int,
    until: int,
    learned: Learned,
) -> list[Due]:
    """Return what habits expect, and note in `learned` from when on which habits held (seconds)."""
    clock = habit_clock(known)
    readings = [*map(clock.reading, [job.at for job in jobs])]
    runs = [
        Run(reading, scheduled, status == _FAILED)
        for reading, (_, _, status, scheduled) in zip(readings, jobs, strict=True)
    ]
    found: list[Due] = []
    start = (clock.reading(first) - _NOON) // _WEEK * _WEEK + _NOON
    last = clock.reading(until)
    held: tuple[Habit, ...] = ()
    place = used = bisect_left(readings, start)
    kept = False  # whether all runs since the habit was learned were as it expects them
    today: list[tuple[int, int]] = []
    # A day at a time: what was learned from the days before decides what it expects.
    reading = start
    while reading < last:
        before, place = place, bisect_left(readings, reading, place)
        begins = (reading - start) % _WEEK == 0
        kept = kept and not begins and _kept(today, readings[before:place])
        if not kept and (place != used or reading == start):
            held = habit.habits(runs[_window(readings, place) : place])
            used = place
        kept = kept or begins
        if not learned or (learned[-1][1] is not held and learned[-1][1] != held):
            learned.append((clock.at(reading), held))
        today = []
        for due, opens in _of_habits(held, reading):
            at = clock.at(due)
            if due >= reading:
                today.append((opens, due))
            if at < until and not (found and at - found[-1].at < _SAME):
                found.append(Due(at, LEARNED, clock.at(opens), _LEARNED_GRACE))
        reading += DAY
        if not held and place == used:
            # Nothing changes before the day after the next run, and years can lie between two runs.
            following = readings[place] if place < len(readings) else last
            reading += (following - reading) // DAY * DAY + DAY
    return found


def _kept(dues: Sequence[tuple[int, int]], readings: Sequence[int]) -> bool:
    """Return whether a day's runs started about when they were due, and each of them did."""
    return len(dues) == len(readings) and all(
        opens <= reading <= due + _SAME
        for (opens, due), reading in zip(dues, readings, strict=True)
    )


def _window(readings: Sequence[int], place: int) -> int:
    """Return the place of the first run before a place that counts for a habit."""
    if not place:
        return 0
    since = readings[place - 1] - habit.WINDOW * DAY
    return min(bisect_left(readings, since, 0, place), max(place - habit.FEWEST, 0))


def _of_habits(held: Sequence[Habit], reading: int) -> list[tuple[int, int]]:
    """Return what is due in the day from a reading on, or shortly before, and when that opens.

    It is in the order of time.
    """
    found = []
    for one in held:
        day = (reading - _SAME - one.due + DAY - 1) // DAY
        while (due := day * DAY + one.due) < reading + DAY:
            if one.pattern.expects(day):
                found.append((due, day * DAY + one.opens))
            day += 1
    return sorted(found) if len(held) > 1 else found


def habit_clock(known: Known) -> Clock:
    """Return the clocks that show the habit of an appliance: those it has now."""
    if not known.zones:
        return known.zone
    return schedules.clock_of(known.zones[-1].name) or known.zone
