"""The result of `archive check`: the state of the selected appliances, or of the archive itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.monitoring.assessment import assess, counts, described
from archive.monitoring.plugin import Datum, Level, output, worst
from archive.monitoring.ranges import Range
from archive.monitoring.thresholds import Judgement, Thresholds, performance

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

    Appliances are listed worst first, then by name; an OK one has no line.
    """
    assessed = assess(connection, scope, thresholds, stale_seconds)
    found, age = assessed.appliances, assessed.age_seconds
    data: list[Datum] = []
    if age is not None:
        data = [Datum("archive", age, "s", Range(0, stale_seconds)), *performance(found)]
    # What is known of appliances is too old to alarm anybody about them.
    if assessed.problem is not None:
        return _verdict(Level.UNKNOWN, assessed.problem, data)
    if not found:
        return _verdict(Level.UNKNOWN, "no such appliance in the archive", data)
    worst_level = worst(one.level for one in found)
    if len(found) == 1:
        return _verdict(worst_level, described(found[0]), data)
    lines = [f"[{one.level.name}] {described(one)}" for one in found if one.level is not Level.OK]
    return _verdict(worst_level, _summary(found), data, lines)


def _verdict(
    level: Level, status: str, data: Sequence[Datum] = (), lines: Sequence[str] = ()
) -> Verdict:
    return Verdict(level, output(level, status, data, lines))


def _summary(found: Sequence[Judgement]) -> str:
    """Return the number of appliances at each level, and the worst appliance."""
    first = found[0]
    return counts(found) if first.level is Level.OK else f"{counts(found)} - {described(first)}"
