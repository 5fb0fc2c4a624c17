"""The ages of the last successes, and the share of time within the RPO."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.laws.recomputed import expected
from tests.laws.recomputed.missed import instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.laws.recomputed.expected import Judged
    from tests.laws.recomputed.jobs import Asked, Exported, Row

_DAY = timedelta(days=1)
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
ORDER BY day, coalesce(start_time, first_seen), key
"""


class _Job(NamedTuple):
    status: str
    day: date
    vague: bool
    start: datetime
    end: datetime


def rpo(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `rpo`."""
    found = []
    for name, judged in expected.judged(exported, asked).items():
        ((last_seen,),) = exported.rows(
            "SELECT last_seen FROM last_import WHERE appliance = $name", name=name
        )
        jobs = [_Job._make(row) for row in exported.rows(_JOBS, name=name)]
        found.append(_row(asked, name, last_seen, judged, jobs))
    return sorted(found, key=_worst_first)


def _worst_first(row: Row) -> Row:
    return ("never", "overdue", "no recent data", "ok").index(row[1]), -(row[2] or 0), row[0]


def _row(asked: Asked, name: str, last_import: datetime, judged: Judged, jobs: list[_Job]) -> Row:
    now = datetime.fromisoformat(asked.now).replace(tzinfo=None)
    limit, origin = judged.rpo, judged.rpo_from
    if asked.rpo is not None:
        limit, origin = asked.rpo, "rpo"
    good = [job for job in jobs if job.status == "SUCCEEDED"]
    last = good[-1] if good else None
    age = None if last is None else now - last.end
    is_old = (
        last is not None
        and limit is not None
        and origin in ("rpo", "irregular")
        and min(last_import, now) - last.end > timedelta(seconds=limit)
    )
    if last is None:
        state = "never"
    elif judged.overdue_since is not None or is_old:
        state = "overdue"
    elif expected.seconds(now) > judged.last_import + judged.import_limit:
        state = "no recent data"
    else:
        state = "ok"
    attempt = jobs[-1] if jobs else None
    return (
        name,
        state,
        None if age is None else age // timedelta(seconds=1),
        limit,
        origin,
        _instant(last and last.start),
        _instant(last and last.end),
        _instant(attempt and attempt.start),
        attempt and attempt.status,
        instant(judged.overdue_since),
        *_next_due(judged.next_due, state, expected.seconds(now)),
        _instant(last_import),
        *_rates(asked, now, last_import, limit, jobs),
    )


def _next_due(due: int | None, state: str, now: int) -> tuple[str | None, str | None]:
    """Return when the next backup is due; a time that has passed only as long as all is well."""
    if due is None or due > now or state == "ok":
        return instant(due), None
    return None, "unknown" if state == "no recent data" else "overdue"


def _rates(
    asked: Asked, now: datetime, last_import: datetime, limit: int | None, jobs: list[_Job]
) -> tuple[float | None, float | None]:
    """Return the share of the time, and of the days, within the RPO."""
    if not jobs or limit is None:
        return None, None
    objective = timedelta(seconds=limit)
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
