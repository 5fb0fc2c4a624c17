"""The summary of the fleet: figures of the other reports, now and before."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.render.units import readable
from tests.laws.recomputed import expected, imports
from tests.laws.recomputed.jobs import instant, seconds
from tests.laws.recomputed.missed import outcomes
from tests.laws.recomputed.rpo import rpo
from tests.laws.recomputed.streaks import streaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.laws.recomputed.jobs import Asked, Exported, Row

_DAY = timedelta(days=1)
_FIGURES = """
WITH good AS (SELECT * FROM scoped WHERE status = 'SUCCEEDED')
SELECT
    count(DISTINCT appliance),
    count(*) FILTER (status IN ('SUCCEEDED', 'FAILED')) AS finished,
    count(*) FILTER (status = 'FAILED'),
    count(*) FILTER (status IN ('PENDING', 'BLOCKED', 'RUNNING')),
    count(*) FILTER (status = 'SUCCEEDED') / nullif(finished, 0),
    (SELECT CAST(sum(size) AS BIGINT) FROM good),
    (SELECT quantile_disc(size, 0.5) FROM good),
    (SELECT quantile_disc(size, 0.95) FROM good),
    (SELECT quantile_disc(duration, 0.5) FROM good),
    (SELECT quantile_disc(duration, 0.95) FROM good)
FROM scoped
"""
_DAYS = """
SELECT
    day,
    count(*) FILTER (status IN ('SUCCEEDED', 'FAILED')),
    count(*) FILTER (status = 'FAILED'),
    CAST(coalesce(sum(size) FILTER (status = 'SUCCEEDED'), 0) AS BIGINT)
FROM scoped
GROUP BY day
"""
_NAMES = (
    ("backups", "appliances", "count"),
    ("backups", "finished", "count"),
    ("backups", "failed", "count"),
    ("backups", "open", "count"),
    ("backups", "success rate", "ratio"),
    ("data", "transferred", "bytes"),
    ("data", "median", "bytes"),
    ("data", "p95", "bytes"),
    ("time", "median", "seconds"),
    ("time", "p95", "seconds"),
)
# In progress for longer than any success took, and than an hour, or no longer listed by its appliance.
_STUCK = f"""
WITH reported AS (SELECT appliance, max(last_seen) AS last_import FROM job GROUP BY appliance),
longest AS (
    SELECT appliance, max(duration) AS took
    FROM job
    WHERE status = 'SUCCEEDED' AND duration >= 0
    GROUP BY appliance
)
SELECT scoped.appliance
FROM scoped
INNER JOIN reported ON scoped.appliance = reported.appliance
LEFT JOIN longest ON scoped.appliance = longest.appliance
CROSS JOIN asked
WHERE
    scoped.status IN ('PENDING', 'BLOCKED', 'RUNNING')
    AND (
        scoped.last_seen < reported.last_import
        OR (
            scoped.made <= now
            AND {seconds("scoped.made", "scoped.last_seen")} > greatest(longest.took, 3600)
        )
    )
"""
_SLOWEST = """
SELECT appliance, duration, key
FROM scoped
WHERE status = 'SUCCEEDED' AND duration IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY appliance ORDER BY duration DESC, day DESC, key) = 1
ORDER BY duration DESC, appliance
LIMIT 2
"""
_LAST_SIZES = """
SELECT size
FROM past, asked
WHERE appliance = $name AND made <= now AND status = 'SUCCEEDED'
ORDER BY place DESC
LIMIT 1
"""
_FAILURES = f"""
SELECT
    appliance,
    CASE WHEN start_time <= now THEN {seconds("start_time", "now")} END,
    coalesce(
        json_extract_string(info, '$.messages[0].default_message'),
        json_extract_string(info, '$.error.messages[0].default_message'),
        json_extract_string(info, '$.error.value.messages[0].default_message'),
        key
    )
FROM scoped, asked
WHERE status = 'FAILED'
ORDER BY day DESC, start_time DESC NULLS FIRST, appliance, key DESC
LIMIT 2
"""
_LAST_IMPORTS = f"""
SELECT appliance, last_seen, greatest({seconds("last_seen", "now")}, 0)
FROM last_import, asked
ORDER BY last_seen, appliance
"""


def summary(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `summary`."""
    now = _within(asked)
    trends = _trends(exported, now)
    is_low = _is_low(_figures(exported, now), _figures(exported, _before(now)))
    return [
        (
            *row[:6],
            None if row[3] is None else trends.get(row[:2]),
            row[6],
            is_low if row[1] == "success rate" else _is_wrong(row),
        )
        for row in _rows(exported, now)
    ]


def _is_low(now: Row, before: Row) -> bool:
    """Return whether so many failures would be three standard deviations more than before."""
    (finished, failed), (finished_before, failed_before) = now[1:3], before[1:3]
    if failed < 3 or not finished_before:
        return False
    chance = (failed_before + 1) / (finished_before + 2)
    above = failed - finished * chance
    return bool(
        above > 0
        and above**2 > 9 * finished * chance * (1 - chance)
        and failed / finished - failed_before / finished_before >= 0.05
    )


def _rows(exported: Exported, now: Asked) -> list[Row]:
    then = _before(now)
    states = rpo(exported, now)
    failures, failures_before = (_failures(exported, one) for one in (now, then))
    repeated, repeated_before = (
        sum(number >= 3 for number in one.values()) for one in (failures, failures_before)
    )
    stuck = [*_stuck(exported, now)]
    return [
        *_attention(states, repeated, repeated_before),
        *stuck,
        *_last_good(exported, now, states, failures, 8 - len(stuck)),
        *_compared(_NAMES, _figures(exported, now), _figures(exported, then)),
        *_expected(exported, now, then),
        *_listed(exported, now, "slowest", _SLOWEST),
        *_listed(exported, now, "newest failures", _FAILURES),
        *_collection(exported, now),
    ]  # fmt: skip


def _is_wrong(row: Row) -> bool:
    counted = {
        "attention": {"overdue", "never", "no recent data", "consecutive failures", "stuck"},
        "expected": {"missed"},
        "collection": {"not reporting"},
    }
    return row[1] in counted.get(row[0], ()) and row[3] not in (0, None)


def _trends(exported: Exported, asked: Asked) -> dict[Row, Row]:
    """Return the trends by section and name, in 30 steps at most, of the days until today."""
    since, until = (date.fromisoformat(day or "") for day in (asked.since, asked.until))
    until = max(since, min(until, date.fromisoformat(asked.now[:10])))
    exported.ask(asked)
    days = {row[0]: row[1:] for row in exported.rows(_DAYS)}
    expected = [one for found in outcomes(exported, asked).values() for one in found]
    length = (until - since).days + 1
    number = min(length, 30)
    steps: list[list[int]] = []
    for step in range(number):
        first, after = step * length // number, (step + 1) * length // number
        within = [since + n * _DAY for n in range(first, after)]
        sums = [sum(days.get(day, (0, 0, 0))[place] for day in within) for place in range(3)]
        of_step = [one.outcome for one in expected if one.day in within]
        steps.append([*sums, len(of_step), len(of_step) - of_step.count("met")])
    finished, failed, moved, wanted, missing = zip(*steps, strict=True)
    return {
        ("backups", "finished"): finished,
        ("backups", "failed"): failed,
        ("backups", "success rate"): _without(finished, failed),
        ("data", "transferred"): moved,
        ("expected", "backups"): wanted,
        ("expected", "missed"): missing,
        ("expected", "schedule compliance"): _without(wanted, missing),
    }


def _without(wholes: Row, parts: Row) -> Row:
    """Return the shares that remain without some parts."""
    pairs = zip(wholes, parts, strict=True)
    return tuple((whole - part) / whole if whole else None for whole, part in pairs)


def _within(asked: Asked) -> Asked:
    until = date.fromisoformat(asked.until or asked.now[:10])
    since = date.fromisoformat(asked.since) if asked.since else until - 29 * _DAY
    return asked._replace(since=since.isoformat(), until=until.isoformat())


def _before(asked: Asked) -> Asked:
    """Return the scope of the previous period: that of the calendar, or as many days."""
    first, last = (date.fromisoformat(day or "") for day in (asked.since, asked.until))
    after = last + _DAY
    if (first.month, first.day, after) == (1, 1, date(first.year + 1, 1, 1)):
        since = date(first.year - 1, 1, 1)
    elif first.day == after.day == 1 and (after - first).days < 32:
        since = (first - _DAY).replace(day=1)
    elif (
        first.day == after.day == 1
        and first.month % 3 == after.month % 3 == 1
        and (after - first).days < 93
    ):
        since = (first - 80 * _DAY).replace(day=1)
    else:
        since = first - (after - first)
    return asked._replace(since=since.isoformat(), until=(first - _DAY).isoformat())


def _attention(states: list[Row], failing: int, failing_before: int) -> Iterator[Row]:
    details = {
        "overdue": "last success older than the RPO",
        "never": "no success yet",
        "no recent data": "no import recent enough to judge",
    }
    for state, detail in details.items():
        number = sum(row[1] == state for row in states)
        yield "attention", state, "count", number, None, None, detail
    change = failing - failing_before
    detail = "3 or more in a row"
    yield "attention", "consecutive failures", "count", failing, failing_before, change, detail


def _stuck(exported: Exported, asked: Asked) -> Iterator[Row]:
    exported.ask(asked._replace(since=None, until=None))
    names = [row[0] for row in exported.rows(_STUCK)]
    if names:
        detail = ", ".join(sorted(set(names))[:5])
        yield "attention", "stuck", "count", len(names), None, None, detail


def _failures(exported: Exported, asked: Asked) -> dict[str, int]:
    """Return the consecutive failures of each appliance at the end of the given days."""
    return {row[0]: row[1] for row in streaks(exported, asked._replace(since=None))}


def _figures(exported: Exported, asked: Asked) -> Row:
    exported.ask(asked)
    return exported.rows(_FIGURES)[0]


def _compared(names: Any, values: Row, before: Row) -> Iterator[Row]:
    for name, value, earlier in zip(names, values, before, strict=True):
        change = None if value is None or earlier is None else value - earlier
        yield (*name, value, earlier, change, None)


def _expected(exported: Exported, now: Asked, then: Asked) -> Iterator[Row]:
    days, before = (
        [one.outcome for found in outcomes(exported, asked).values() for one in found]
        for asked in (now, then)
    )
    ways = ", ".join(
        f"{days.count(way):,} {way}"
        for way in ("failed", "running", "did not run", "no data")
        if way in days
    )
    names = (
        ("expected", "backups", "count"),
        ("expected", "missed", "count"),
        ("expected", "schedule compliance", "ratio"),
    )
    for row in _compared(names, _met(days), _met(before)):
        yield (*row[:-1], ways or None) if row[1] == "missed" else row


def _met(days: list[str]) -> Row:
    met = days.count("met")
    return len(days), len(days) - met, met / len(days) if days else None


def _last_good(
    exported: Exported, asked: Asked, states: list[Row], failures: dict[str, int], most: int
) -> Iterator[Row]:
    """Yield the last success of the worst appliances, and the number of others if there are two or more."""
    exported.ask(asked)

    def badness(row: Row) -> Row:
        number = failures.get(row[0], 0)
        if row[1] in ("overdue", "never") or number >= 3:
            place = 0
        elif row[1] == "no recent data":
            place = 2
        else:
            place = 1 if number else 3
        return place, row[2] is not None, -(row[2] or 0), -number, row[0]

    ordered = sorted(states, key=badness)
    most += len(ordered) == most + 1
    for row in ordered[:most]:
        number = failures.get(row[0], 0)
        detail = f"{row[1]}, {number} failed: " if number else f"{row[1]}: "
        if row[6] is None:
            detail += "no success yet"
        else:
            ((size,),) = exported.rows(_LAST_SIZES, name=row[0])
            detail += "" if size is None else f"{readable(Kind.BYTES, size)}, "
            detail += f"{row[6][:10]} {row[6][11:16]}Z"
        yield "last good backup", row[0], "seconds", row[2], None, None, detail
    others = Counter(row[1] for row in ordered[most:])
    if others:
        detail = ", ".join(f"{number} {state}" for state, number in others.items())
        yield "last good backup", "others", "count", others.total(), None, None, detail


def _listed(exported: Exported, asked: Asked, section: str, query: str) -> Iterator[Row]:
    exported.ask(asked)
    for name, value, detail in exported.rows(query):
        yield section, name, "seconds", value, None, None, detail


def _collection(exported: Exported, asked: Asked) -> Iterator[Row]:
    exported.ask(asked)
    gaps = imports.long_gaps(exported, asked)
    judged = expected.judged(exported, asked)
    rows = exported.rows(_LAST_IMPORTS)
    last = exported.rows(f"SELECT {instant('max(last_seen)')} FROM last_import")[0][0]
    age = min(row[2] for row in rows)
    not_reporting = []
    for name, _, seconds_ago in rows:
        if seconds_ago > judged[name].import_limit:
            not_reporting.append(name)
    names = ", ".join(not_reporting[:5]) or None
    yield "collection", "last import", "seconds", age, None, None, _moment(last)
    yield "collection", "not reporting", "count", len(not_reporting), None, None, names
    yield "collection", "long gaps", "count", gaps, None, None, "between imports"


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:19]}Z"
