"""Trends: the values of a figure over the days of a report, in few enough steps for one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.reports.core.sql import rate

if TYPE_CHECKING:
    from collections.abc import Mapping

# The maximum number of steps of a trend.
STEPS = 30


class Trend(NamedTuple):
    """A range of days (ordinals, both included), divided into steps of about equal length.

    Steps differ in length by a day at most.
    """

    first: int
    last: int

    @property
    def steps(self) -> int:
        """The number of steps: one for each day, but at most STEPS."""
        return min(self._days, STEPS)

    def sums(self, by_day: Mapping[int, int]) -> tuple[int, ...]:
        """Return the sum of the values by day for each step."""
        found = [0] * self.steps
        for day, value in by_day.items():
            if self.first <= day <= self.last:
                # Rounded so that the last step, the current one, is never one of the shorter ones.
                found[((day - self.first + 1) * self.steps - 1) // self._days] += value
        return tuple(found)

    def rates(
        self, parts: Mapping[int, int], wholes: Mapping[int, int]
    ) -> tuple[float | None, ...]:
        """Return the rate of parts to wholes for each step; None for steps without wholes."""
        return tuple(map(rate, self.sums(parts), self.sums(wholes)))

    @property
    def _days(self) -> int:
        return self.last - self.first + 1
