"""How a figure went over the days of a report, in steps few enough for one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.reports.core.sql import rate

if TYPE_CHECKING:
    from collections.abc import Mapping

# Steps of a trend at most.
STEPS = 30


class Trend(NamedTuple):
    """Days by ordinal, both included, that are told in as many steps of (nearly) as many days each."""

    first: int
    last: int

    @property
    def steps(self) -> int:
        """A step is a day, of up to so many days."""
        return min(self._days, STEPS)

    def sums(self, by_day: Mapping[int, int]) -> tuple[int, ...]:
        """Return the sum of each step, of what there is by day."""
        found = [0] * self.steps
        for day, value in by_day.items():
            if self.first <= day <= self.last:
                found[((day - self.first + 1) * self.steps - 1) // self._days] += value
        return tuple(found)

    def rates(
        self, parts: Mapping[int, int], wholes: Mapping[int, int]
    ) -> tuple[float | None, ...]:
        """Return the share of each step, None where there is nothing to have a share of."""
        return tuple(map(rate, self.sums(parts), self.sums(wholes)))

    @property
    def _days(self) -> int:
        return self.last - self.first + 1
