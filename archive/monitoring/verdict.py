"""The result of `archive check`: the state of the selected appliances, or of the archive itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import standing
from archive.monitoring.plugin import Datum, Level, badness, output, worst
from archive.monitoring.ranges import Range
from archive.monitoring.states import states
from archive.monitoring.thresholds import Judgement, Thresholds, judge, performance
from archive.render.units import duration
from archive.reports import import_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope


class Verdict(NamedTuple):
    """A level, which is the exit code, and the complete output."""

    level: Level
    text: str


def verdict(
    connection: Connection, scope: Scope, thresholds: Thresholds, stale_seconds: int
) -> Verdict:
    """Return the verdict on the appliances in scope.

    It is UNKNOWN if the archive is stale: the last import of any appliance, in scope or not, is older
    than `stale_seconds`. Raises UsageError for a glob that matches no known appliance.

    `stale_seconds` is in seconds. Appliances are listed worst first, then by name; an OK one has no
    line.
    """
    found = [judge(state, thresholds) for state in states(connection, scope)]
    found.sort(key=lambda one: (-badness(one.level), one.appliance))
    span = import_span(connection, replace(scope, appliances=(), named=None))
    if span is None:
        return _verdict(Level.UNKNOWN, "nothing has been imported yet")
    # The last import can be later than `now`.
    age = max(standing.seconds_between(span.last, scope.now), 0)
    data = [Datum("archive", age, "s", Range(0, stale_seconds)), *performance(found)]
    if age > stale_seconds:
        status = f"the archive is stale: last import {duration(age)} ago"
        return _verdict(Level.UNKNOWN, status, data)
    if not found:
        return _verdict(Level.UNKNOWN, "no such appliance in the archive", data)
    worst_level = worst(one.level for one in found)
    if len(found) == 1:
        return _verdict(worst_level, _described(found[0]), data)
    lines = [f"[{one.level.name}] {_described(one)}" for one in found if one.level is not Level.OK]
    return _verdict(worst_level, _summary(found), data, lines)


def _verdict(
    level: Level, status: str, data: Sequence[Datum] = (), lines: Sequence[str] = ()
) -> Verdict:
    return Verdict(level, output(level, status, data, lines))


def _summary(found: Sequence[Judgement]) -> str:
    """Return the number of appliances at each level, and the worst appliance."""
    first = found[0]
    levels = sorted(Level, key=badness, reverse=True)
    numbers = {level: sum(one.level is level for one in found) for level in levels}
    counts = ", ".join(f"{number:,} {level.name}" for level, number in numbers.items() if number)
    return counts if first.level is Level.OK else f"{counts} - {_described(first)}"


def _described(one: Judgement) -> str:
    """Return an appliance in words: its reasons, or the age of its last success."""
    if one.reasons:
        return f"{one.appliance}: {', '.join(one.reasons)}"
    age = one.figures[0].value
    return one.appliance if age is None else f"{one.appliance}: last success {duration(age)} ago"
