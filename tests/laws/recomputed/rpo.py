"""The ages of the last successes, and the share of time within the RPO."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.laws.recomputed import imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.laws.recomputed.jobs import Asked, Exported, Row

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Within a day, jobs without a start are neither the last nor the first.
_JOBS = """
SELECT
    status,
    day,
    start_time IS NULL,
    made,
    CASE
        WHEN end_time < made THEN made
        WHEN end_time > now THEN now
        ELSE coalesce(end_time, made)
    END
FROM past, asked
WHERE appliance = $name AND made <= now
ORDER BY day, start_time NULLS FIRST, key
"""


class _Job(NamedTuple):
    status: str
    day: date
    vague: bool
    start: datetime
    end: datetime


def rpo(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `rpo`."""
    exported.ask(asked)
    last_import = exported.rows("SELECT appliance, last_seen FROM last_import ORDER BY appliance")
    recent = imports.recent(exported, asked)
    found = []
    for name, last_seen in last_import:
        jobs = [_Job._make(row) for row in exported.rows(_JOBS, name=name)]
        usual = recent[name].usual if name in recent else None
        found.append(_row(asked, name, last_seen, usual, jobs))
    return sorted(found, key=_worst_first)


def _worst_first(row: Row) -> Row:
    return ("never", "overdue", "no recent data", "ok").index(row[1]), -(row[2] or 0), row[0]


def _row(
    asked: Asked, name: str, last_import: datetime, usual: int | None, jobs: list[_Job]
) -> Row:
    now = datetime.fromisoformat(asked.now).replace(tzinfo=None)
    cadence = dict(asked.cadences).get(name)
    if asked.rpo is not None:
        objective, origin = timedelta(seconds=asked.rpo), "rpo"
    elif cadence is not None:
        objective, origin = timedelta(seconds=cadence) + _HOUR, "cadence"
    else:
        objective, origin = timedelta(hours=25), "default"
    good = [job for job in jobs if job.status == "SUCCEEDED"]
    last = good[-1] if good else None
    age = None if last is None else now - last.end
    limit = max(timedelta(hours=50), objective)
    if usual is not None:
        limit = timedelta(seconds=usual * 3 // 2)
    if last is None:
        state = "never"
    elif min(last_import, now) - last.end > objective:
        state = "overdue"
    else:
        state = "no recent data" if now - last_import > limit else "ok"
    attempt = jobs[-1] if jobs else None
    return (
        name,
        state,
        None if age is None else age // timedelta(seconds=1),
        objective // timedelta(seconds=1),
        origin,
        _instant(last and last.start),
        _instant(last and last.end),
        _instant(attempt and attempt.start),
        attempt and attempt.status,
        _instant(last_import),
        *_rates(asked, now, last_import, objective, jobs),
    )


def _rates(
    asked: Asked, now: datetime, last_import: datetime, objective: timedelta, jobs: list[_Job]
) -> tuple[float | None, float | None]:
    """Return the share of the time, and of the days, within the RPO."""
    if not jobs:
        return None, None
    last = min(now.date(), date.fromisoformat(asked.until or "9999-12-30"))
    first = date.fromisoformat(asked.since) if asked.since else last - 29 * _DAY
    ended = min(jobs, key=lambda job: (job.day, job.vague)).end
    start = max(datetime.combine(first, datetime.min.time()), ended)
    end = min(datetime.combine(last, datetime.min.time()) + _DAY, last_import, now)
    if end <= start:
        return None, None
    covers = sorted((job.end, job.end + objective) for job in jobs if job.status == "SUCCEEDED")
    gaps = list(_gaps(start, end, covers))
    bad = sum((until - since for since, until in gaps), timedelta())
    days = [start.date() + place * _DAY for place in range((end.date() - start.date()).days + 1)]
    edges = [max(start, datetime.combine(day, datetime.min.time())) for day in days]
    parts = [part for part in pairwise([*edges, end]) if part[0] < part[1]]
    whole = sum(not any(since < to and until > at for since, until in gaps) for at, to in parts)
    time_rate = (end - start - bad) / (end - start)
    return time_rate, whole / len(parts)


def _gaps(
    start: datetime, end: datetime, covers: list[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a time that are not covered."""
    reached = start
    for since, until in covers:
        if since > reached and reached < end:
            yield reached, min(since, end)
        reached = max(reached, until)
    if reached < end:
        yield reached, end


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds") + "Z"
