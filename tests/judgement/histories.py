"""Jobs of made-up appliances, to be judged; all instants are whole seconds since 1970."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from archive.judgement.due_times import Job, Known
from archive.judgement.expected import Expected, judge
from archive.judgement.local_time import clock, instant, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NOTHING = Known((), (), clock("UTC"), None, seconds("2026-01-01"))
# A Thursday; the clocks of Europe went back on 26 October, and go forward on 29 March.
FIRST = date(2026, 1, 1)


def dates(number: int, of: Callable[[date], bool] = lambda _: True) -> list[date]:
    """Return the first so many dates from FIRST on with a property."""
    found: list[date] = []
    day = FIRST
    while len(found) < number:
        found += [day] if of(day) else []
        day += timedelta(days=1)
    return found


def starts(days: Iterable[date], *times: str) -> list[int]:
    """Return the instants of times of some days, in order."""
    return [seconds(f"{day}T{time}") for day in days for time in times]


def jobs(at: Iterable[int], status: str = "SUCCEEDED", *, scheduled: bool = True) -> list[Job]:
    """Return jobs that start at some instants; the start is their id, too."""
    return [Job(start, start, status, scheduled) for start in at]


def judged(known: Known, of: list[Job], until: str) -> list[Expected]:
    """Return all expected backups before a time."""
    begun = min([known.first_seen, *(job.at for job in of)])
    return judge(known, sorted(of), begun, seconds(until))


def told(found: Iterable[Expected]) -> list[tuple[str, str | None]]:
    """Return the due times, to the minute, and the outcomes of expected backups."""
    return [(instant(one.at)[:16], one.outcome) for one in found]


def after(found: Iterable[Expected], at: str) -> list[Expected]:
    """Return the expected backups from a time on."""
    return [one for one in found if one.at >= seconds(at)]
