"""The days on which a backup was expected, and their outcomes."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.laws.recomputed.jobs import Asked, Exported, Row

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_WAYS = ("failed", "running", "did not run", "no data")
_JOBS = """
SELECT
    status, type, day, made,
    CASE WHEN status = 'FAILED' THEN coalesce(
        json_extract_string(info, '$.messages[0].default_message'),
        json_extract_string(info, '$.error.messages[0].default_message'),
        json_extract_string(info, '$.error.value.messages[0].default_message')
    ) END
FROM past, asked
WHERE appliance = $name AND made <= now
ORDER BY made, key
"""


class _Job(NamedTuple):
    status: str
    type: str
    day: date
    made: datetime
    message: str | None


class _Expected(NamedTuple):
    """A day, the earliest start of its backup, and how many days later the next one is."""

    day: date
    since: datetime
    gap: int


class Outcome(NamedTuple):
    """The outcome of an expected day."""

    day: date
    basis: str
    outcome: str
    attempts: int
    message: str | None


def missed(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `missed`."""
    today = _now(asked).date()
    found = outcomes(exported, asked)
    if asked.by == "appliance":
        return [(name, *_counts(judged)) for name, judged in found.items()]
    return [
        (name, one.day.isoformat(), None, *one[1:], (today - one.day).days)
        for name, judged in found.items()
        for one in judged
        if one.outcome != "met"
    ]


def outcomes(exported: Exported, asked: Asked) -> dict[str, list[Outcome]]:
    """Return the outcomes of the expected days in scope, in order, by appliance."""
    exported.ask(asked)
    found = {}
    for name, last_import in exported.rows(
        "SELECT appliance, last_seen FROM last_import ORDER BY appliance"
    ):
        judged = _of(exported, name, last_import, _now(asked), dict(asked.cadences).get(name))
        found[name] = [
            one
            for one in judged
            if (asked.since or "") <= one.day.isoformat() <= (asked.until or "9999")
        ]
    return found


def _of(
    exported: Exported, name: str, last_import: datetime, now: datetime, cadence: int | None
) -> list[Outcome]:
    """Return the outcomes of all expected days of an appliance; `now` is that of the scope."""
    asked = (name, now, cadence)
    if asked not in exported.outcomes:
        jobs = [_Job._make(row) for row in exported.rows(_JOBS, name=name)]
        exported.outcomes[asked] = list(_judged(jobs, now, last_import, cadence))
    return exported.outcomes[asked]


def _now(asked: Asked) -> datetime:
    return datetime.fromisoformat(asked.now).replace(tzinfo=None)


def _counts(judged: Sequence[Outcome]) -> Row:
    ways = Counter(one.outcome for one in judged)
    met = ways["met"]
    rate = met / len(judged) if judged else None
    return (len(judged), met, len(judged) - met, *(ways[way] for way in _WAYS), rate)


def _judged(
    jobs: list[_Job], now: datetime, last_import: datetime, cadence: int | None
) -> Iterator[Outcome]:
    days = list(_expected(jobs, now.date(), cadence))
    basis = "learned" if cadence is None else "cadence"
    made = [job.made for job in jobs]
    good = [job.status == "SUCCEEDED" for job in jobs]
    # The indexes of the jobs that start on each day.
    windows = []
    for one, later in zip_longest(days, days[1:]):
        if later is not None and later.day <= one.day + one.gap * _DAY:
            until = later.since
        else:
            until = one.since + one.gap * _DAY
            until = until if later is None else min(later.since, until)
        windows.append(range(bisect_left(made, one.since), bisect_left(made, until)))
    used: set[int] = set()
    for number, (one, window) in enumerate(zip(days, windows, strict=True)):
        following = windows[number + 1] if number + 1 < len(windows) else range(0)
        own = [place for place in window if good[place] and place not in used]
        on_it = range(_begin(made, one.day), _begin(made, one.day + _DAY))
        spare = [
            place
            for place in on_it
            if good[place]
            and place not in used
            and (place not in following or any(good[other] for other in following if other > place))
        ]
        tried = [jobs[place] for place in window if not good[place]]
        over = _midnight(one.day + _DAY) + _HOUR
        if own or spare:
            used.add((own or spare)[0])
            yield Outcome(one.day, basis, "met", len(tried), None)
        elif over <= now:
            yield Outcome(one.day, basis, *_way(tried, has_data=last_import >= over))


def _way(tried: list[_Job], *, has_data: bool) -> tuple[str, int, str | None]:
    """Return why a day was missed, the number of attempts, and the message of the last one."""
    if not tried:
        return "did not run" if has_data else "no data", 0, None
    last = tried[-1]
    way = "running" if last.status in ("PENDING", "BLOCKED", "RUNNING") else "failed"
    return way, len(tried), last.message


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def _begin(made: list[datetime], day: date) -> int:
    return bisect_left(made, _midnight(day))


def _expected(jobs: list[_Job], today: date, cadence: int | None) -> Iterator[_Expected]:
    """Yield the expected days up to the day after today, whose backup may start today."""
    if not jobs:
        return
    starts: dict[date, list[_Job]] = {}
    for job in jobs:
        starts.setdefault(job.day, []).append(job)
    known = sorted(starts)
    first = known[0]
    for place in range((today - first).days + 3):
        day = first + place * _DAY
        before = known[: bisect_left(known, day)][-16:]
        scheduled = [one for one in before if _scheduled(starts[one])]
        learned = scheduled if len(scheduled) >= 4 else before
        if cadence is None:
            gap = _rhythm(day, learned)
        else:
            step = max(1, math.floor(cadence / 86400 + 0.5))
            gap = None if place % step else step
        if gap is not None:
            yield _Expected(day, _since(day, learned, starts), gap)


def _scheduled(jobs: list[_Job]) -> list[_Job]:
    return [job for job in jobs if job.type == "SCHEDULED"]


def _rhythm(day: date, learned: list[date]) -> int | None:
    """Return the usual gap if a day keeps the rhythm of the days before it."""
    if len(learned) < 4:
        return None
    gap = _median([(later - one).days for one, later in pairwise(learned)])
    if gap > 31:
        return None
    if gap == 1:
        return _daily(day, learned)
    # Of equally common gaps, the latest.
    steps = Counter(one.toordinal() % gap for one in reversed(learned))
    usual = max(steps, key=lambda step: steps[step])
    return gap if day.toordinal() % gap == usual else None


def _daily(day: date, learned: list[date]) -> int | None:
    """Return when the next backup is expected after one that is not on a day off."""
    off = set()
    for weekday in range(7):
        between = (
            learned[0] + number * _DAY for number in range((learned[-1] - learned[0]).days + 1)
        )
        came = sum(one.weekday() == weekday for one in between)
        if came >= 2 and all(one.weekday() != weekday for one in learned):
            off.add(weekday)
    if day.weekday() in off:
        return None
    later = day + _DAY
    while later.weekday() in off:
        later += _DAY
    return (later - day).days


def _since(day: date, learned: list[date], starts: dict[date, list[_Job]]) -> datetime:
    """Return the earliest start of a day's backup."""
    if len(learned) < 4:
        return _midnight(day)
    first = [(_scheduled(starts[one]) or starts[one])[0] for one in learned]
    quarter = timedelta(minutes=15)
    usual = _median([(job.made - _midnight(job.day)) // quarter for job in first])
    return _midnight(day) + usual * quarter - 3 * _HOUR


def _median(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]
