"""Anomalies: each success is compared with those before it, by the definitions and one at a time."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

from archive.columns import Kind
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.laws.recomputed.jobs import Asked, Exported, Row

_SUCCESSES = """
SELECT
    appliance,
    day,
    key,
    type,
    size,
    duration,
    regexp_replace(location, '(://[^:/@]*):[^@/]*@', '\\1:***@'),
    info->>'location_user',
    build,
    (since IS NULL OR day >= since) AND (until IS NULL OR day <= until) AND is_past AS is_in_scope,
    is_begun
FROM (
    SELECT
        theirs.*,
        start_time IS NULL OR (start_time <= now AND start_time <= last_seen) AS is_past,
        start_time IS NULL OR start_time <= now AS is_begun
    FROM theirs, asked
), asked
WHERE status = 'SUCCEEDED'
ORDER BY appliance, place
"""
_SEVERITIES = {"empty": 3, "tiny": 3, "location": 2, "user": 1, "type": 1, "build": 1}
_QUARTER = log(1.28)


class Success(NamedTuple):
    """A success of an appliance."""

    day: date
    key: str
    type: str | None
    size: int | None
    duration: int | None
    location: str | None
    user: str | None
    build: str | None
    is_in_scope: bool = True
    is_begun: bool = True


class Value(NamedTuple):
    """A measure of a success; `log` is 0 for the values 0 and 1."""

    day: date
    value: int
    is_begun: bool

    @property
    def log(self) -> float:
        """The logarithm."""
        return log(max(self.value, 1))


class Expectation(NamedTuple):
    """What was expected of a value, and whether it was met."""

    figures: tuple[int, int, int]
    is_met: bool
    is_ordinary: bool
    alike: float
    tolerance: float
    level: float
    weekdays: dict[int, float]

    def above(self, one: Value) -> float:
        """Return how far a value is above the level, apart from what its weekday adds."""
        return one.log - self.weekdays[one.day.weekday()] - self.level


def anomalies(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `anomalies`."""
    exported.ask(asked)
    histories: dict[str, list[Success]] = {}
    for name, *fields in exported.rows(_SUCCESSES):
        histories.setdefault(name, []).append(Success(*fields))
    found = [(name, *row) for name, history in histories.items() for row in of_history(history)]
    # Sorts are stable: first by the second key.
    found.sort(key=lambda row: row[1], reverse=True)
    return sorted(found, key=lambda row: -row[3])


def of_history(history: Sequence[Success]) -> Iterator[Row]:
    """Yield the anomalies of the successes of an appliance in scope."""
    for place, success in enumerate(history):
        if not success.is_in_scope:
            continue
        before = [one for one in history[:place] if one.day >= success.day - timedelta(days=400)]
        alike = [one for one in before if one.type == success.type]
        after = [one for one in history[place + 1 :] if one.type == success.type]
        for measure in ("size", "duration"):
            rows = _of_measure(
                measure,
                *(_values(measure, some) for some in (alike, [success], after)),
            )
            for row in rows:
                yield (success.day.isoformat(), success.key, *_with_kind(row))
        for row in _changes(success, alike, before):
            yield (success.day.isoformat(), success.key, *_with_kind(row))


def _with_kind(row: Row) -> Row:
    """Return a row (severity, what, figures, reason) with the kind of its figures."""
    kinds = {"empty": "bytes", "tiny": "bytes", "size": "bytes", "duration": "seconds"}
    return (*row[:2], kinds.get(row[1], "text"), *row[2:])


def _values(measure: str, successes: Sequence[Success]) -> list[Value]:
    values = [(one, getattr(one, measure)) for one in successes]
    return [
        Value(one.day, value, one.is_begun)
        for one, value in values
        if value is not None and value >= 0
    ]


def _of_measure(
    measure: str, before: list[Value], own: list[Value], after: list[Value]
) -> Iterator[Row]:
    before = before[-200:]
    least = 2**20 if measure == "size" else 60
    for one in own:
        expectation = expectation_of(one, before, least) if len(before) >= 7 else None
        if measure == "size" and one.value == 0:
            zeros = sum(other.value <= 1 for other in before)
            if not before or zeros * 2 < len(before):
                yield (
                    3,
                    "empty",
                    0,
                    *(expectation.figures if expectation else [None] * 3),
                    "nothing was backed up",
                )
        elif expectation is None or expectation.is_ordinary:
            continue
        else:
            expected, lower, upper = figures = expectation.figures
            kind = {"size": Kind.BYTES, "duration": Kind.SECONDS}[measure]
            share = (
                f"{readable(kind, one.value)} instead of {readable(kind, expected)}"
                f" ({100 * one.value // max(expected, 1)} %)"
            )
            if measure == "size" and one.value * 10 < expected and expected - one.value > least:
                yield (3, "tiny", one.value, *figures, share)
            elif not expectation.is_met and not lower <= one.value <= upper:
                if len(after) >= 2 and all(
                    _confirms(expectation, one, next_) for next_ in after[:2]
                ):
                    share += ", a new level"
                worse = one.value * 2 < expected if measure == "size" else one.value > 2 * expected
                yield (2 if worse else 1, measure, one.value, *figures, share)


def _confirms(expectation: Expectation, own: Value, other: Value) -> bool:
    """Say whether a following value is on the level that a value has begun."""
    above = expectation.above(other)
    near = abs(expectation.above(own) - above) <= expectation.alike
    near = near and other.day <= own.day + timedelta(days=31)
    return near and abs(above) > expectation.tolerance


def expectation_of(one: Value, before: list[Value], least: int) -> Expectation:
    """Compare a value with at least seven before it; `least` more or less is never too much."""
    every = before
    before, beside = _one_a_day(every)
    above = _above(before)
    recent = list(zip(before, above, strict=True))[-98:]
    rough = _spread([off for _, off in recent])
    weekdays = {
        weekday: _real([off for other, off in recent if other.day.weekday() == weekday][-9:], rough)
        for weekday in range(7)
    }
    noise = _spread([off - weekdays[other.day.weekday()] for other, off in recent])
    noise *= 1 + 7 / len(recent)
    level = _middle([other.log - weekdays[other.day.weekday()] for other in before[-14:]])
    tolerance, alike = max(5 * noise, _QUARTER), max(4 * noise, _QUARTER)
    if one.day - before[0].day < timedelta(days=21):
        tolerance, alike = max(tolerance, log(2)), max(alike, log(2))
    last_of = {
        other.day: off - weekdays[other.day.weekday()]
        for other, off in zip(before, above, strict=True)
    }
    known_days = [[day for day in days if day in last_of] for days in _repeated(one.day)]
    specials = []
    for days in known_days[1:]:
        offs = [last_of[day] for day in days[:3]]
        if (real := _real(offs, noise)) and all(abs(off - real) <= alike for off in offs):
            specials.append((days, real))
    special = specials[0][1] if specials else 0.0
    if specials and not beside:
        known_days = [specials[0][0]]
    repeats = [
        [[last_of[day], *(last_of[day] + more for more in beside.get(day, ()))] for day in days]
        for days in known_days
    ]
    base = level + weekdays[one.day.weekday()]
    expected = base + special
    is_met = (
        abs(one.log - expected) <= tolerance
        or any(
            abs(one.log - expected - (other.log - weekdays[other.day.weekday()] - level)) <= alike
            for other in before[-2:]
        )
        or any(
            sum(any(abs(one.log - base - off) <= alike for off in offs) for offs in of_days[:3])
            >= 2
            for of_days in repeats
        )
    )
    whole, lower, upper = (
        round(exp(one)) for one in (expected, expected - tolerance, expected + tolerance)
    )
    whole = min(whole, 2**63 - 1)
    return Expectation(
        (
            whole,
            max(min(lower, whole - least), 0),
            min(max(upper, whole + least), 2**63 - 1),
        ),
        is_met,
        _is_ordinary(one, every),
        alike,
        tolerance,
        level,
        weekdays,
    )


def _one_a_day(values: list[Value]) -> tuple[list[Value], dict[date, list[float]]]:
    """Return the most usual value of each day, and by day how far its other values are above it."""
    days: dict[date, list[tuple[float, Value]]] = {}
    for value, above in zip(values, _above(values), strict=True):
        days.setdefault(value.day, []).append((abs(above), value))
    chosen = {day: min(of_day, key=lambda one: one[0])[1] for day, of_day in days.items()}
    beside: dict[date, list[float]] = {}
    for value in values:
        if value is not chosen[value.day]:
            beside.setdefault(value.day, []).append(value.log - chosen[value.day].log)
    return list(chosen.values()), beside


def _is_ordinary(one: Value, before: list[Value]) -> bool:
    """Say whether a value other than 0 is near recent ones, those of its weekday and of its date."""
    first = one.day - timedelta(days=70)
    last = [other for other in before[-2:] if other.day >= first]
    if one.value == 0 or not last:
        return False
    last_of = {other.day: other for other in before if other.day >= first}
    weeks, *months = _repeated(one.day)
    groups = [
        last,
        *(
            [last_of[day] for day in days if day in last_of]
            for days in (weeks[:3], *(days[:2] for days in months))
        ),
    ]
    return all(
        not group or any(abs(one.log - other.log) <= _QUARTER for other in group)
        for group in groups
    )


@cache
def _repeated(day: date) -> list[list[date]]:
    """Return the days before of the same weekday, date, distance to the month's end, and ordinal weekday."""
    weeks = [day - timedelta(days=7 * number) for number in range(1, 10)]
    years = [day - timedelta(days=number) for number in range(1, 430)]
    months = {(one.year, one.month) for one in years} - {(day.year, day.month)}
    latest = set(sorted(months)[-13:])
    within = [one for one in years if (one.year, one.month) in latest]

    def to_end(one: date) -> int:
        return monthrange(one.year, one.month)[1] - one.day

    def nth(one: date) -> tuple[int, int]:
        return one.weekday(), (one.day - 1) // 7

    return [
        weeks,
        [one for one in within if one.day == day.day],
        [one for one in within if to_end(one) == to_end(day)],
        [one for one in within if nth(one) == nth(day)],
    ]


def _above(values: list[Value]) -> list[float]:
    """Return how far values are above the median of their fourteen; the first of them may be more.

    With four medians or more, the median of how much they grow is taken out.
    """
    number = max(len(values) // 14, 1)
    cuts = [0, *(len(values) - 14 * left for left in range(number - 1, -1, -1))]
    blocks = [[one.log for one in values[start:end]] for start, end in pairwise(cuts)]
    growth = 0.0
    if number >= 4:
        growth = _middle([_middle(after) - _middle(before) for before, after in pairwise(blocks)])
    found = []
    for logs in blocks:
        centre = (len(logs) - 1) // 2
        for place, one in enumerate(logs):
            found.append(one - _middle(logs) - growth / 14 * (place - centre))
    return found


def _middle(values: list[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def _spread(values: list[float]) -> float:
    """Return what 68 % of the values do not exceed, by nearest rank."""
    ordered = sorted(abs(one) for one in values)
    return ordered[-(-len(ordered) * 68 // 100) - 1]


def _real(offs: list[float], noise: float) -> float:
    """Return the median of three or more, if it is above three standard errors."""
    if len(offs) < 3 or abs(_middle(offs)) <= 3 * noise / sqrt(len(offs)):
        return 0.0
    return _middle(offs)


def _changes(success: Success, alike: list[Success], before: list[Success]) -> Iterator[Row]:
    compared = dict.fromkeys(("location", "user"), alike) | {"build": before}
    if not alike:
        compared = {"type": before, "build": before}
    for what, others in compared.items():
        if others:
            now, then = getattr(success, what), getattr(others[-1], what)
            if None not in (now, then) and now != then:
                yield (_SEVERITIES[what], what, *[None] * 4, f"from {then} to {now}")
