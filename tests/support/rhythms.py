"""Fleets with known rhythms, some of them scheduled, imported up to now."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from archive import timestamps
from archive.document.appliance_facts import Facts, Schedule
from archive.ingest.answer_run import ingest_answer
from archive.ingest.ingest import Source
from tests.support.archives import import_documents, stream
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

DAYS = 70
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
# Weekdays and times of the backups of each rhythm.
_EVERY_DAY = frozenset(range(7))
_RHYTHMS = {
    "daily": (_EVERY_DAY, ((2, 15),)),
    "twice": (_EVERY_DAY, ((2, 15), (14, 30))),
    "weekdays": (frozenset(range(5)), ((22, 0),)),
    "weekly": (frozenset({6}), ((3, 0),)),
    "midnight": (_EVERY_DAY, ((23, 58),)),
}
# How the last days of an appliance went: days that failed, days without a backup, days without an import.
_ENDS = ((0, 0, 0), (0, 0, 0), (4, 0, 0), (0, 4, 0), (0, 0, 12), (3, 0, 12))


class Plan(NamedTuple):
    """An appliance: its rhythm, whether its schedule is collected, and how its last days went."""

    name: str
    rhythm: str
    is_scheduled: bool
    failed_days: int
    idle_days: int
    silent_days: int


def load(engine: Engine, seed: int, appliances: int) -> None:
    """Archive a fleet, and two more appliances: one without a success, and one that went silent."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    now = timestamps.to_datetime(timestamps.now()).replace(second=0, microsecond=0)
    for number in range(appliances):
        rhythm = chance.choice(sorted(_RHYTHMS))
        plan = Plan(f"vc-{number}-{rhythm}", rhythm, chance.random() < 0.5, *chance.choice(_ENDS))
        _import(engine, plan, list(_history(plan, now, chance)), now)
    days = (2, 3, 5)
    failed = {f"failed-{day}": _job(now - timedelta(day), "FAILED") for day in days}
    import_documents(engine, failed, "vc-never", _instant(now))
    old = {"old": _job(now - timedelta(9), "SUCCEEDED")}
    import_documents(engine, old, "vc-old", _instant(now - timedelta(8)))


def _history(plan: Plan, now: datetime, chance: random.Random) -> Iterator[tuple[datetime, str]]:
    """Yield the starts and statuses of an appliance's jobs."""
    weekdays, times = _RHYTHMS[plan.rhythm]
    end = now - timedelta(plan.silent_days)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    for number in range(DAYS, -1, -1):
        day = midnight - timedelta(number)
        if day.weekday() not in weekdays:
            continue
        for hour, minute in times:
            at = day + timedelta(hours=hour, minutes=minute, seconds=chance.randrange(200))
            if at > end or at > end - timedelta(plan.idle_days) or chance.random() < 0.04:
                continue
            is_failed = at > end - timedelta(plan.failed_days) or chance.random() < 0.05
            yield at, "FAILED" if is_failed else "SUCCEEDED"


def _import(engine: Engine, plan: Plan, jobs: list[tuple[datetime, str]], now: datetime) -> None:
    """Import the jobs in answers of four days: the first with the whole history, then the latest jobs."""
    end = now - timedelta(plan.silent_days)
    for day in range(3, -1, -1):
        seen = end - timedelta(day)
        documents = {
            at.strftime("%Y%m%d-%H%M%S-1"): _job(at, status, seen)
            for at, status in jobs
            if at <= seen and (day == 3 or at > seen - timedelta(2))
        }
        data = stream(json.dumps(documents).encode())
        with ingest_answer(engine, Source("answer", data, plan.name, _instant(seen))) as answered:
            if plan.is_scheduled:
                answered.record_facts(_facts(plan), _instant(seen))


def _facts(plan: Plan) -> Facts:
    weekdays, times = _RHYTHMS[plan.rhythm]
    days = None if weekdays == _EVERY_DAY else tuple(WEEK[day] for day in sorted(weekdays))
    schedules = tuple(
        Schedule(f"at-{hour}", True, hour, minute, days, 7, None, None, None, None, None)  # noqa: FBT003 - enabled
        for hour, minute in times
    )
    return Facts(None, "UTC", schedules)


def _job(at: datetime, status: str, seen: datetime | None = None) -> dict[str, Any]:
    end = at + timedelta(minutes=30)
    if seen is not None and seen < end:
        return job("RUNNING", start_time=_instant(at), type="SCHEDULED")
    return job(
        status, start_time=_instant(at), end_time=_instant(end), duration=1800, type="SCHEDULED"
    )


def _instant(moment: datetime) -> str:
    return timestamps.from_datetime(moment)
