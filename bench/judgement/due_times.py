"""Expected backups of fleets with known truth: which missed ones are found, and when they are reported."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import standing
from archive.judgement.due_times import Job, Known
from archive.judgement.expected import CHANGED, MET, ahead, judge
from archive.judgement.local_time import DAY, EPOCH, HOUR, clock, seconds
from archive.judgement.schedules import Schedule, Zone
from bench.measure import Finding, progress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from archive.judgement.local_time import Clock

FIRST = seconds("2024-01-01T00:00:00.000000Z")
DAYS, MONTHS = 300, 700
_JITTER = 300
_FAILED, _RETRIED, _SKIPPED, _MANUAL = 0.03, 0.5, 0.02, 0.02
# A learned backup may start so much later than planned; a success so many days later does not meet it.
_NEAR, _LATEST = 2 * HOUR, 7 * DAY
# Imports are daily, and the last ones are looked at.
_IMPORTS = 40
LEAST, LEAST_LEARNED, MOST_FALSE = 1.0, 0.97, 1.0


def _on(test: Callable[[date], bool], *hours: int) -> Callable[[date], tuple[int, ...]]:
    return lambda day: hours if test(day) else ()


# Hours after a random time of day at which a backup is planned on a date.
RHYTHMS: dict[str, Callable[[date], tuple[int, ...]]] = {
    "daily": _on(lambda _: True, 0),
    "twice a day": _on(lambda _: True, 0, 12),
    "every six hours": _on(lambda _: True, 0, 6, 12, 18),
    "weekdays": _on(lambda day: day.weekday() < 5, 0),
    "weekly": _on(lambda day: day.weekday() == 6, 0),
    "every third day": _on(lambda day: day.toordinal() % 3 == 0, 0),
    "monthly": _on(lambda day: day.day == 11, 0),
    "first Sunday": _on(lambda day: day.weekday() == 6 and day.day <= 7, 0),
}
SCHEDULED = ("daily", "twice a day", "every six hours", "weekdays", "weekly")
CHANGES = (
    ("daily", "weekly"),
    ("weekly", "daily"),
    ("daily", "weekdays"),
    ("twice a day", "daily"),
)
# A nightly backup by a schedule, and a monthly one of another type beside it, hours later.
BESIDE = {
    "monthly": _on(lambda day: day.day == 11, 6),
    "first Sunday": _on(lambda day: day.weekday() == 6 and day.day <= 7, 6),
}
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


class Planned(NamedTuple):
    """A planned backup: when it is due, and when the success that meets it started, if one did."""

    at: int
    met: int | None


@dataclass
class Appliance:
    """An appliance with its jobs; `known` is what the archive knows, `outage` from when on none ran."""

    jobs: list[Job]
    planned: list[Planned]
    known: Known
    outage: int | None


@dataclass
class Tally:
    """Counts of a regime: missed backups found, wrongly found and not found; days looked at; delays."""

    found: int = 0
    wrong: int = 0
    lost: int = 0
    days: int = 0
    false_days: int = 0
    outages: int = 0
    reported: int = 0

    @property
    def precision(self) -> float:
        """The share of the backups said to be missed that were."""
        return self.found / max(self.found + self.wrong, 1)

    @property
    def recall(self) -> float:
        """The share of missed backups that were found."""
        return self.found / max(self.found + self.lost, 1)


def measure(number: int) -> list[Finding]:
    """Judge a number of fleets, and print and return the figures."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for seed in range(number):
        progress(f"due times of fleet {seed + 1} of {number}")
        random = Random(seed)
        for regime, appliance in _fleet(random):
            _judge(tallies[regime], appliance)
    for regime, tally in tallies.items():
        print(
            f"{regime:38} precision {tally.precision:.3f} recall {tally.recall:.3f}"
            f" false overdue {1000 * tally.false_days / max(tally.days, 1):.2f} in 1,000 days"
            f" outages reported {tally.reported} of {tally.outages}"
        )
    return [*_findings(tallies)]


def _findings(tallies: dict[str, Tally]) -> Iterator[Finding]:
    kinds = (("scheduled", LEAST), ("learned", LEAST_LEARNED), ("changed", None), ("beside", None))
    for kind, wanted in kinds:
        whole = Tally()
        for regime, tally in tallies.items():
            if regime.startswith(kind):
                for name, value in vars(tally).items():
                    setattr(whole, name, getattr(whole, name) + value)
        false = 1000 * whole.false_days / max(whole.days, 1)
        most = None if wanted is None else MOST_FALSE
        yield Finding(f"missed, {kind}: precision", whole.precision, "", wanted)
        yield Finding(f"missed, {kind}: recall", whole.recall, "", wanted)
        yield Finding(
            f"overdue, {kind}: false in 1,000 appliance-days", false, "", most, at_most=True
        )
        reported = whole.reported / max(whole.outages, 1)
        yield Finding(f"outages, {kind}: reported by the next import", reported, "", wanted)


def _fleet(random: Random) -> Iterator[tuple[str, Appliance]]:
    for rhythm in SCHEDULED:
        yield (
            f"scheduled, {rhythm}",
            _appliance(random, rhythm, random.choice(_ZONES), scheduled=True),
        )
    for rhythm in RHYTHMS:
        yield f"learned, {rhythm}", _appliance(random, rhythm, "UTC")
    for rhythm in BESIDE:
        yield f"beside, {rhythm}", _beside(random, rhythm)
    for before, after in CHANGES:
        yield f"changed, {before} to {after}", _appliance(random, before, "UTC", after)


def _appliance(
    random: Random, rhythm: str, zone: str, after: str | None = None, *, scheduled: bool = False
) -> Appliance:
    of_zone = clock(zone)
    days = MONTHS if rhythm in ("monthly", "first Sunday") else DAYS
    minute = 5 * random.randrange(24 * 12)
    due = _due(of_zone, RHYTHMS[rhythm], minute, range(days // 2 if after else days))
    if after:
        due += _due(of_zone, RHYTHMS[after], minute, range(days // 2, days))
    due.sort()
    # Half of the appliances stop in the last days.
    outage = due[-1 - random.randrange(3)] if random.random() < 0.5 else None
    jobs, planned = _history(random, due, days, outage)
    return Appliance(jobs, planned, _known(rhythm, minute, zone, scheduled=scheduled), outage)


def _beside(random: Random, rhythm: str) -> Appliance:
    """Return an appliance with a nightly backup and a rarer one of another type."""
    minute = 5 * random.randrange(24 * 12)
    nightly = _due(clock("UTC"), RHYTHMS["daily"], minute, range(MONTHS))
    rare = _due(clock("UTC"), BESIDE[rhythm], minute, range(MONTHS))
    outage = nightly[-1 - random.randrange(3)] if random.random() < 0.5 else None
    jobs, planned = _history(random, sorted([*nightly, *rare]), MONTHS, outage, frozenset(rare))
    return Appliance(jobs, planned, _known(rhythm, minute, "UTC", scheduled=False), outage)


def _due(
    of_zone: Clock, hours: Callable[[date], tuple[int, ...]], minute: int, days: range
) -> list[int]:
    return [
        of_zone.at(FIRST + day * DAY + (minute * 60 + hour * HOUR) % DAY)
        for day in days
        for hour in hours(date.fromordinal(FIRST // DAY + day + EPOCH))
    ]


def _known(rhythm: str, minute: int, zone: str, *, scheduled: bool) -> Known:
    if not scheduled:
        return Known((), (), clock("UTC"), None, FIRST)
    monday = date(2024, 1, 1).toordinal()
    weekdays = tuple(day for day in range(7) if RHYTHMS[rhythm](date.fromordinal(monday + day)))
    hours = RHYTHMS[rhythm](date.fromordinal(monday + weekdays[0]))
    rows = tuple(
        Schedule(FIRST, None, enabled=True, minute=(minute + hour * 60) % 1440, weekdays=weekdays)
        for hour in hours
    )
    return Known(rows, (Zone(FIRST, zone),), clock("UTC"), None, FIRST)


def _history(
    random: Random,
    due: Sequence[int],
    days: int,
    outage: int | None,
    of_other_type: Collection[int] = (),
) -> tuple[list[Job], list[Planned]]:
    """Return jobs with failures, retries, manual runs and a pause, and what became of each due time."""
    pause = FIRST + random.randrange(days // 3, days // 2) * DAY
    paused = range(pause, pause + random.randrange(1, 5) * DAY)
    starts: list[tuple[int, str, bool]] = []
    for at in due:
        begin = at + random.randrange(_JITTER)
        if at in paused or (outage is not None and at >= outage) or random.random() < _SKIPPED:
            continue
        failed = random.random() < _FAILED
        starts.append((begin, "FAILED" if failed else "SUCCEEDED", at not in of_other_type))
        if failed and random.random() < _RETRIED:
            starts.append((begin + random.randrange(HOUR // 2, 2 * HOUR), "SUCCEEDED", False))
    for day in range(days):
        begin = FIRST + day * DAY + random.randrange(DAY)
        if random.random() < _MANUAL and (outage is None or begin < outage):
            starts.append((begin, "SUCCEEDED", False))
    starts.sort()
    jobs = [Job(at, number, status, kind) for number, (at, status, kind) in enumerate(starts)]
    successes = [job.at for job in jobs if job.status == "SUCCEEDED"]
    planned = []
    for at, following in zip(due, [*due[1:], due[-1] + DAY * 40], strict=True):
        until = min(following, at + _LATEST)
        planned.append(Planned(at, next((one for one in successes if at <= one < until), None)))
    return jobs, planned


def _judge(tally: Tally, one: Appliance) -> None:
    end = one.planned[-1].at + 4 * HOUR
    rows = judge(one.known, one.jobs, one.planned[0].at, end)
    missed = [
        row for row in rows if row.outcome not in (MET, CHANGED) and row.at + row.grace <= end
    ]
    truth = [row.at for row in one.planned if row.met is None and row.at >= rows[0].at - _NEAR]
    left = set(truth)
    for row in missed:
        near = _nearest(left, row.at)
        if near is not None and abs(near - row.at) <= _NEAR:
            left.discard(near)
            tally.found += 1
        else:
            tally.wrong += 1
    tally.lost += len(left)
    _look(tally, one, end)


def _nearest(instants: set[int], at: int) -> int | None:
    return min(instants, key=lambda one: abs(one - at), default=None)


def _look(tally: Tally, one: Appliance, end: int) -> None:
    """Look at the appliance after each daily import, as `rpo` does."""
    reported = False
    for number in range(_IMPORTS, -1, -1):
        now = end - number * DAY
        jobs = [job for job in one.jobs if job.at <= now]
        found = ahead(judge(one.known, jobs, now - 100 * DAY, now + 9 * DAY), now)
        is_overdue = standing.overdue_since(found, now) is not None
        latest = [row for row in one.planned if row.at <= now - 3 * HOUR][-1:]
        recent = [row for row in one.planned if now - 3 * HOUR < row.at <= now]
        is_met = all(row.met is not None and row.met <= now for row in latest)
        tally.days += 1
        tally.false_days += is_overdue and is_met and not recent
        reported |= is_overdue and one.outage is not None and now > one.outage
    if one.outage is not None:
        tally.outages += 1
        tally.reported += reported
