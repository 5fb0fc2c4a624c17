"""What `archive check` says: of all the appliances that it is asked about, or of the archive itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import standing
from archive.monitoring.judgement import Judgement, Thresholds, judge, performance
from archive.monitoring.plugin import Datum, Level, badness, output, worst
from archive.monitoring.ranges import Range
from archive.monitoring.states import states
from archive.render.units import duration
from archive.reports import heard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope


class Verdict(NamedTuple):
    """A level, which is the exit code, and all that is printed."""

    level: Level
    text: str


def verdict(connection: Connection, scope: Scope, asked: Thresholds, stale_seconds: int) -> Verdict:
    """Return what is to be said of the appliances of a scope.

    It is UNKNOWN if the archive has heard of no appliance at all, of this scope or not, for longer
    than `stale_seconds`. Raises UsageError for a glob that no known appliance matches.
    """
    found = [judge(state, asked) for state in states(connection, scope)]
    found.sort(key=lambda one: (-badness(one.level), one.appliance))
    known = heard(connection, replace(scope, appliances=(), named=None))
    if known is None:
        return _verdict(Level.UNKNOWN, "nothing has been imported yet")
    # It may have been seen later than the instant as of which ages are told.
    age = max(standing.seconds_between(known.last, scope.now), 0)
    data = [Datum("archive", age, "s", Range(0, stale_seconds)), *performance(found)]
    if age > stale_seconds:
        said = f"the archive is out of date: nothing was imported for {duration(age)}"
        return _verdict(Level.UNKNOWN, said, data)
    if not found:
        return _verdict(Level.UNKNOWN, "none of these appliances is in the archive", data)
    worst_level = worst(one.level for one in found)
    if len(found) == 1:
        return _verdict(worst_level, _said(found[0]), data)
    lines = [f"[{one.level.name}] {_said(one)}" for one in found if one.level is not Level.OK]
    return _verdict(worst_level, _summary(found), data, lines)


def _verdict(
    level: Level, said: str, data: Sequence[Datum] = (), lines: Sequence[str] = ()
) -> Verdict:
    return Verdict(level, output(level, said, data, lines))


def _summary(found: Sequence[Judgement]) -> str:
    """Say how many there are of each level, and who is worst."""
    first = found[0]
    levels = sorted(Level, key=badness, reverse=True)
    numbers = {level: sum(one.level is level for one in found) for level in levels}
    told = ", ".join(f"{number:,} {level.name}" for level, number in numbers.items() if number)
    return told if first.level is Level.OK else f"{told} - {_said(first)}"


def _said(one: Judgement) -> str:
    if one.reasons:
        return f"{one.appliance}: {', '.join(one.reasons)}"
    age = one.figures[0].value
    return one.appliance if age is None else f"{one.appliance}: last success {duration(age)} ago"
