"""Which backups were expected of an appliance, and what became of each.

A backup is expected at each instant that a schedule in force is due; without schedules, as often as the
configured cadence; without either, as usual for the appliance. A success meets the due time whose
window it starts in: until the window of the next one opens.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement.due_times import (
    CADENCE,
    GRACE,
    LEARNED,
    Due,
    Job,
    Known,
    Learned,
    dues,
    habit_clock,
    is_scheduled,
    scheduled,
)
from archive.judgement.local_time import DAY
from archive.statuses import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


# What became of an expected backup; they are stored, and shown in reports.
MET, FAILED, RUNNING, CHANGED = "met", "failed", "running", "habit changed"
# What an expected backup without any attempt is called depends on the last import.
DID_NOT_RUN, NO_DATA = "did not run", "no data"
MISSED = (FAILED, RUNNING, DID_NOT_RUN, NO_DATA)
_SUCCEEDED = "SUCCEEDED"
# A later success does not meet it.
_LATEST = 7 * DAY
# Due times so long before decide, which of them a job meets.
_MARGIN = 2 * DAY
# A new habit explains what did not run under the old one for so long before.
CHANGES_WITHIN = 35 * DAY
# So long after its last import, what is due of an appliance is still known.
AHEAD = 8 * DAY
# Of regular backups, the next one is due within this time.
LONGEST = 66 * DAY
# Without any job for two years nothing more is expected, whatever the clock of the last import said.
WITHOUT_JOBS = 731 * DAY
# Seconds later than any due time.
_NEVER = 1 << 62


class Expected(NamedTuple):
    """An expected backup and its outcome: MET, FAILED, RUNNING, CHANGED; None without any attempt.

    `job` is the id of the success that met it, else of the last of the `attempts` without success.

    `at` and `grace` are in seconds; `basis` is that of the due time.
    """

    at: int
    basis: str
    grace: int
    outcome: str | None
    job: int | None
    attempts: int


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

    All instants are in seconds. Nothing is expected from the retirement of the appliance on.
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
        # A schedule that was in force goes before a cadence, which fills the time without one.
        told = _matched(scheduled(known, first - _MARGIN, until), jobs)
        by_cadence = _by_cadence(known, jobs, until, anchor)
        found = [*told, *(one for one in by_cadence if not is_scheduled(known, one.at))]
        return sorted((one for one in found if one.at >= first), key=attrgetter("at")), learned
    due = dues(known, jobs, first - _MARGIN, until, learned)
    found = [one for one in _matched(due, jobs) if one.at >= first]
    return explained(known, found, learned), learned


def _matched(dues: Sequence[Due], jobs: Sequence[Job]) -> list[Expected]:
    """Return what became of expected backups."""
    found: list[Expected] = []
    starts = [job.at for job in jobs]
    place = 0
    # From when on jobs can meet each of them: after half of the time since the one before.
    opens = [due.opens for due in dues[:1]]
    opens += [max(due.opens, (before.at + due.at) // 2) for before, due in pairwise(dues)]
    for due, first, following in zip(dues, opens, [*opens[1:], _NEVER], strict=False):
        place = bisect_left(starts, first, place)
        end = bisect_left(starts, min(following, due.at + _LATEST), place)
        found.append(_outcome(due, jobs[place:end]))
        place = end
    return found


def _outcome(due: Due, jobs: Sequence[Job]) -> Expected:
    """Return what became of one due time, by the jobs that can meet it, in order."""
    if len(jobs) == 1 and jobs[0].status == _SUCCEEDED:  # nearly always it is so
        return Expected(due.at, due.basis, due.grace, MET, jobs[0].id, 0)
    met = next((job.id for job in jobs if job.status == _SUCCEEDED), None)
    attempts = [job for job in jobs if job.status != _SUCCEEDED]
    if met is not None:
        return Expected(due.at, due.basis, due.grace, MET, met, len(attempts))
    if not attempts:
        unknown = CHANGED if due.is_doubtful else None
        return Expected(due.at, due.basis, due.grace, unknown, None, 0)
    last = attempts[-1]
    outcome = RUNNING if last.status in OPEN else FAILED
    return Expected(due.at, due.basis, due.grace, outcome, last.id, len(attempts))


def explained(known: Known, found: Sequence[Expected], learned: Learned) -> list[Expected]:
    """Return expected backups; those that a later habit does not expect did not have to run.

    Only habits of CHANGES_WITHIN after it count. If none of them is known, one that was due before the
    first learned habit stays as it is: another may have followed it.
    """
    if not learned:
        return list(found)
    clock = habit_clock(known)
    since = [at for at, _ in learned]
    judged: list[Expected] = []
    for one in found:
        if one.basis == LEARNED and one.outcome in (None, CHANGED):
            place = bisect_left(since, one.at + 1)
            until = bisect_left(since, one.at + CHANGES_WITHIN, place)
            later = next((held for _, held in reversed(learned[place:until]) if held), ())
            if later or since[0] <= one.at:
                reading = clock.reading(one.at)
                is_changed = bool(later) and not any(of.covers(reading) for of in later)
                one = one._replace(outcome=CHANGED if is_changed else None)  # noqa: PLW2901 - the same one, judged
        judged.append(one)
    return judged


def _by_cadence(
    known: Known, jobs: Sequence[Job], until: int, anchor: int | None
) -> Iterator[Expected]:
    """Yield what a cadence expects: a success within so many seconds of the start of the last one.

    The last success before it is due, or shortly after, meets it. A missed one is due again after the
    cadence.
    """
    cadence = known.cadence or 0
    # A twelfth: two hours for a daily backup.
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
    """Return the most seconds between two due times of the schedules in force, else of the cadence.

    `at` is in seconds; None if nothing is in force and there is no cadence. A single day of the
    week is due again after seven days.
    """
    days = {
        day
        for row in known.schedules
        if row.enabled and row.minute is not None and row.holds(at)
        for day in row.weekdays
    }
    if not days:
        return known.cadence
    ordered = sorted(days)
    return DAY * max(after - before for before, after in pairwise([*ordered, ordered[0] + 7]))


def believed(known: Known, last_job: int | None, imported: int) -> int:
    """Return until when the last import shows what ran: not longer than WITHOUT_JOBS after the last job.

    A clock that is far ahead would otherwise expect backups of centuries. Instants are in seconds.
    """
    since = known.first_seen if last_job is None else max(known.first_seen, last_job)
    return min(imported, since + WITHOUT_JOBS)


def ahead(found: Sequence[Expected], last_seen: int) -> list[Expected]:
    """Return expected backups without those of an appliance that stopped reporting.

    Of those that are due after its last import, the ones of AHEAD seconds are kept, and the next one.

    `last_seen` is in seconds, and `found` in order of time.
    """
    place = bisect_left(found, last_seen + 1, key=lambda one: one.at)
    return [
        one for number, one in enumerate(found) if number <= place or one.at <= last_seen + AHEAD
    ]


def outcome(one: Expected, imports: Imports, now: int) -> str | None:
    """Return what became of an expected backup as of `now`; None as long as nobody can know.

    What the last import was too early to show is NO_DATA, if an import is missing.

    `now` is in seconds. CHANGED is returned too: reports leave it out.
    """
    if one.at > now:
        return None
    if one.outcome in (MET, CHANGED):
        return one.outcome
    if one.at + one.grace <= imports.last:
        return one.outcome or DID_NOT_RUN
    return NO_DATA if imports.is_missing else None
