"""Which backups were expected of an appliance, and what became of each.

A backup is expected at each instant that a schedule in force is due; without schedules, as often as the
configured cadence; without either, as usual for the appliance. A success meets the due time whose
window it starts in: until the window of the next one opens.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import merge
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import habit, schedules
from archive.judgement.clock import DAY, HOUR, Clock
from archive.judgement.habit import Habit, Run
from archive.statuses import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.judgement.schedules import Schedule, Zone

SCHEDULE, CADENCE, LEARNED = "schedule", "cadence", "learned"
MET, FAILED, RUNNING, CHANGED = "met", "failed", "running", "habit changed"
# What an expected backup without any attempt is called depends on the last import.
DID_NOT_RUN, NO_DATA = "did not run", "no data"
MISSED = (FAILED, RUNNING, DID_NOT_RUN, NO_DATA)
_SUCCEEDED, _FAILED = "SUCCEEDED", "FAILED"
# A backup has so long after it was due before it is missed.
GRACE = HOUR
_LEARNED_GRACE = 2 * HOUR
# Where the appliance's zone is not known, a schedule may be due so much earlier or later.
_ZONES_APART = 14 * HOUR
# A schedule's job never starts earlier, but for a clock that was set.
_EARLY = 5 * 60
# A later success does not meet it.
_LATEST = 7 * DAY
# Habits are learned at noon, for a day; due times around noon can move from one such day to the other.
_NOON, _WEEK = DAY // 2, 7 * DAY
_MARGIN = 2 * DAY
# A new habit explains what did not run under the old one for so long before.
CHANGES_WITHIN = 35 * DAY
# So long after its last import, what is due of an appliance is still known.
AHEAD = 8 * DAY
# Of regular backups, the next one is due within this time.
LONGEST = 66 * DAY
_NEVER = 1 << 62
# Due times closer together than this are one.
_SAME = HOUR


class Job(NamedTuple):
    """A job: when it started (seconds), or was made if it has not; its id; whether SCHEDULED."""

    at: int
    id: int
    status: str
    scheduled: bool


class Known(NamedTuple):
    """What is known of an appliance, besides its jobs; instants and the cadence are in seconds.

    `zone` is the zone of the archive's calendar. Nothing is expected from `retired` on.
    """

    schedules: tuple[Schedule, ...]
    zones: tuple[Zone, ...]
    zone: Clock
    cadence: int | None
    first_seen: int
    retired: int | None = None


class Due(NamedTuple):
    """An expected backup: when it is due (seconds), why, and what time it has.

    A job that starts from `opens` on can meet it; it is missed `grace` seconds after it was due.
    """

    at: int
    basis: str
    opens: int
    grace: int


class Expected(NamedTuple):
    """An expected backup and its outcome: MET, FAILED, RUNNING, CHANGED; None without any attempt.

    `job` is the id of the success that met it, else of the last of the `attempts` without success.
    """

    at: int
    basis: str
    grace: int
    outcome: str | None
    job: int | None
    attempts: int


# Habits, and from when on (seconds) each of them was expected.
Learned = list[tuple[int, tuple[Habit, ...]]]


class Imports(NamedTuple):
    """When an appliance was imported last (seconds), and whether another import is missing since."""

    last: int
    is_missing: bool


def judge(
    known: Known, jobs: Sequence[Job], first: int, until: int, anchor: int | None = None
) -> list[Expected]:
    """Return the expected backups that are due from `first` until before `until`, in order.

    Jobs are in the order of their start; among them must be those of the last `habit.WINDOW` days (or
    `habit.FEWEST` of them) before the week of `first`. A cadence counts from `anchor`, if it is given:
    the start of the success that met, or the due time of the missed one, before `first`.
    """
    return judge_with_habits(known, jobs, first, until, anchor)[0]


def judge_with_habits(
    known: Known, jobs: Sequence[Job], first: int, until: int, anchor: int | None = None
) -> tuple[list[Expected], Learned]:
    """Return what `judge` does, and the habits that were learned meanwhile."""
    if known.retired is not None:
        until = min(until, known.retired)
    learned: Learned = []
    if known.cadence is not None:
        told = _matched(_scheduled(known, first - _MARGIN, until), jobs)
        by_cadence = _by_cadence(known, jobs, until, anchor)
        found = [*told, *(one for one in by_cadence if not _is_scheduled(known, one.at))]
        return sorted((one for one in found if one.at >= first), key=attrgetter("at")), learned
    dues = _dues(known, jobs, first - _MARGIN, until, learned)
    found = [one for one in _matched(dues, jobs) if one.at >= first]
    return explained(known, found, learned), learned


def _dues(
    known: Known,
    jobs: Sequence[Job],
    first: int,
    until: int,
    learned: Learned,
) -> list[Due]:
    decided = schedules.known_from(known.schedules)
    told = _scheduled(known, first, until)
    if decided is not None and decided <= first:
        return told
    before = until if decided is None else min(until, decided)
    return [*_learned(known, jobs, first, before, learned), *told]


def _scheduled(known: Known, first: int, until: int) -> list[Due]:
    """Return what schedules expect; instants that two of them share are one."""
    instants = merge(*(schedules.due(row, known.zones, first, until) for row in known.schedules))
    found: list[Due] = []
    for at in instants:
        if found and found[-1].at == at:
            continue
        if schedules.zone_at(known.zones, at) is None:
            found.append(Due(at, SCHEDULE, at - _ZONES_APART, GRACE + _ZONES_APART))
        else:
            found.append(Due(at, SCHEDULE, at - _EARLY, GRACE))
    return found


def _is_scheduled(known: Known, at: int) -> bool:
    """Return whether an enabled schedule was in force."""
    return any(row.enabled and row.minute is not None and row.holds(at) for row in known.schedules)


def _learned(
    known: Known,
    jobs: Sequence[Job],
    first: int,
    until: int,
    learned: Learned,
) -> list[Due]:
    """Return what habits expect, and note in `learned` from when on which habits held (seconds)."""
    clock = _clock(known)
    runs = [Run(clock.reading(job.at), job.scheduled, job.status == _FAILED) for job in jobs]
    readings = [run.reading for run in runs]
    found: list[Due] = []
    start = (clock.reading(first) - _NOON) // _WEEK * _WEEK + _NOON
    last = clock.reading(until)
    held: tuple[Habit, ...] = ()
    place = used = bisect_left(readings, start)
    kept = False  # whether all runs since the habit was learned were as it expects them
    today: list[tuple[int, int]] = []
    for reading in range(start, last, DAY):
        before, place = place, bisect_left(readings, reading, place)
        begins = (reading - start) % _WEEK == 0
        kept = kept and not begins and _kept(today, readings[before:place])
        if not kept and (place != used or reading == start):
            held = habit.habits(runs[_window(readings, place) : place])
            used = place
        kept = kept or begins
        if not learned or learned[-1][1] != held:
            learned.append((clock.at(reading), held))
        today = []
        for due, opens in sorted(_of_habits(held, reading)):
            at = clock.at(due)
            if due >= reading:
                today.append((opens, due))
            if at < until and not (found and at - found[-1].at < _SAME):
                found.append(Due(at, LEARNED, clock.at(opens), _LEARNED_GRACE))
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


def _of_habits(held: Sequence[Habit], reading: int) -> Iterator[tuple[int, int]]:
    """Yield what is due in the day from a reading on, or shortly before, and when that opens."""
    for one in held:
        day = (reading - _SAME - one.due + DAY - 1) // DAY
        while (due := day * DAY + one.due) < reading + DAY:
            if one.pattern.expects(day):
                yield due, day * DAY + one.opens
            day += 1


def _matched(dues: Sequence[Due], jobs: Sequence[Job]) -> list[Expected]:
    """Return what became of expected backups."""
    found: list[Expected] = []
    starts = [job.at for job in jobs]
    place = 0
    opens = [
        _opens(due, before and before.at) for before, due in zip((None, *dues), dues, strict=False)
    ]
    for due, first, following in zip(dues, opens, [*opens[1:], _NEVER], strict=False):
        place = bisect_left(starts, first, place)
        end = bisect_left(starts, min(following, due.at + _LATEST), place)
        found.append(_outcome(due, jobs[place:end]))
        place = end
    return found


def _opens(due: Due, before: int | None) -> int:
    """Return from when on jobs can meet it: after half of the time since the one before."""
    return due.opens if before is None else max(due.opens, (before + due.at) // 2)


def _outcome(due: Due, jobs: Sequence[Job]) -> Expected:
    if len(jobs) == 1 and jobs[0].status == _SUCCEEDED:  # nearly always it is so
        return Expected(due.at, due.basis, due.grace, MET, jobs[0].id, 0)
    met = next((job.id for job in jobs if job.status == _SUCCEEDED), None)
    attempts = [job for job in jobs if job.status != _SUCCEEDED]
    if met is not None:
        return Expected(due.at, due.basis, due.grace, MET, met, len(attempts))
    if not attempts:
        return Expected(due.at, due.basis, due.grace, None, None, 0)
    last = attempts[-1]
    outcome = RUNNING if last.status in OPEN else FAILED
    return Expected(due.at, due.basis, due.grace, outcome, last.id, len(attempts))


def explained(known: Known, found: Sequence[Expected], learned: Learned) -> list[Expected]:
    """Return expected backups; those that a later habit does not expect did not have to run.

    Where none of the learned habits is later, but within CHANGES_WITHIN, they stay as they are.
    """
    if not learned:
        return list(found)
    clock = _clock(known)
    since = [at for at, _ in learned]
    judged: list[Expected] = []
    for one in found:
        if one.basis == LEARNED and one.outcome in (None, CHANGED):
            place = bisect_left(since, one.at + 1)
            until = bisect_left(since, one.at + CHANGES_WITHIN, place)
            later = next((held for _, held in reversed(learned[place:until]) if held), ())
            if later:
                is_covered = any(of.covers(clock.reading(one.at)) for of in later)
                one = one._replace(outcome=None if is_covered else CHANGED)  # noqa: PLW2901 - the same one, judged
        judged.append(one)
    return judged


def _clock(known: Known) -> Clock:
    """Return the clocks that show the habit of an appliance: those it has now."""
    if not known.zones:
        return known.zone
    return schedules.clock_of(known.zones[-1].name) or known.zone


def _by_cadence(
    known: Known, jobs: Sequence[Job], until: int, anchor: int | None
) -> Iterator[Expected]:
    """Yield what a cadence expects: a success within so many seconds of the start of the last one.

    The last success before it is due, or shortly after, meets it. A missed one is due again after the
    cadence.
    """
    cadence = known.cadence or 0
    grace = max(GRACE, cadence // 12)
    successes = [job for job in jobs if job.status == _SUCCEEDED]
    others = [job for job in jobs if job.status != _SUCCEEDED]
    if anchor is None:
        anchor = min([known.first_seen, *(job.at for job in successes[:1])])
    while (due := anchor + cadence) < until:
        until_then = bisect_left(successes, due + grace, key=lambda job: job.at)
        met = successes[until_then - 1] if until_then else None
        attempts = others[
            bisect_left(others, anchor, key=lambda job: job.at) : bisect_left(
                others, due + grace, key=lambda job: job.at
            )
        ]
        if met is not None and met.at > anchor:
            yield Expected(due, CADENCE, grace, MET, met.id, len(attempts))
            anchor = met.at
            continue
        last = attempts[-1] if attempts else None
        outcome = None if last is None else RUNNING if last.status in OPEN else FAILED
        yield Expected(due, CADENCE, grace, outcome, last and last.id, len(attempts))
        anchor = due


def longest_gap(known: Known, at: int) -> int | None:
    """Return the most seconds between two due times of the schedules in force, else of the cadence."""
    days = {
        day
        for row in known.schedules
        if row.enabled and row.minute is not None and row.holds(at)
        for day in row.weekdays
    }
    if not days:
        return known.cadence
    ordered = sorted(days)
    return DAY * max(
        after - before for before, after in pairwise([*ordered, ordered[0] + _WEEK // DAY])
    )


def ahead(found: Sequence[Expected], last_seen: int) -> list[Expected]:
    """Return expected backups without those of an appliance that stopped reporting.

    Of those that are due after its last import, the ones of AHEAD seconds are kept, and the next one.
    """
    place = bisect_left(found, last_seen + 1, key=lambda one: one.at)
    return [
        one for number, one in enumerate(found) if number <= place or one.at <= last_seen + AHEAD
    ]


def outcome(one: Expected, imports: Imports, now: int) -> str | None:
    """Return what became of an expected backup as of `now`; None as long as nobody can know.

    What the last import was too early to show is NO_DATA, if an import is missing.
    """
    if one.at > now:
        return None
    if one.outcome in (MET, CHANGED):
        return one.outcome
    if one.at + one.grace <= imports.last:
        return one.outcome or DID_NOT_RUN
    return NO_DATA if imports.is_missing else None
