"""The problems of the archive and of each appliance, by default thresholds or given ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.judgement import standing
from archive.monitoring.plugin import Level, badness
from archive.monitoring.states import states
from archive.monitoring.thresholds import Judgement, Thresholds, judge
from archive.render.units import duration
from archive.reports import import_span
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from archive.reports import Scope


@dataclass(frozen=True)
class Assessment:
    """The judgements of appliances, worst first, and the age of the archive's last import in seconds.

    The age is None if nothing was imported yet. Beyond `stale_seconds` the archive is stale.
    """

    appliances: Sequence[Judgement]
    age_seconds: int | None
    stale_seconds: int

    @property
    def problem(self) -> str | None:
        """Why nothing can be said about the appliances; None if the archive is recent."""
        if self.age_seconds is None:
            return "nothing has been imported yet"
        if self.age_seconds > self.stale_seconds:
            return f"the archive is stale: last import {duration(self.age_seconds)} ago"
        return None


def assess(
    connection: Connection, scope: Scope, thresholds: Thresholds, stale_seconds: int
) -> Assessment:
    """Return the assessment of the appliances in scope.

    The last import counts, of any appliance, in scope or not. Raises UsageError for a glob that matches
    no known appliance.
    """
    zone = settings.calendar(connection).zone
    found = [judge(state, thresholds, zone) for state in states(connection, scope)]
    found.sort(key=lambda one: (-badness(one.level), one.appliance))
    span = import_span(connection, replace(scope, appliances=(), named=None))
    # The last import can be later than `now`.
    age = None if span is None else max(standing.seconds_between(span.last, scope.now), 0)
    return Assessment(found, age, stale_seconds)


def described(one: Judgement) -> str:
    """Return an appliance and the reasons for its level, or the age of its last success."""
    if one.reasons:
        return f"{one.appliance}: {', '.join(one.reasons)}"
    age = one.figures[0].value
    return one.appliance if age is None else f"{one.appliance}: last success {duration(age)} ago"


def counts(found: Sequence[Judgement]) -> str:
    """Return the number of appliances at each level, worst first, and of retired ones.

    Empty without appliances.
    """
    levels = sorted(Level, key=badness, reverse=True)
    expected = [one for one in found if not one.is_retired]
    numbers = {level.name: sum(one.level is level for one in expected) for level in levels}
    numbers[standing.RETIRED] = len(found) - len(expected)
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
