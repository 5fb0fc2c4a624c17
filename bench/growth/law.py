"""The law by which a figure grows with the number of jobs, and what it says of a larger archive."""

from __future__ import annotations

from math import exp, log
from statistics import linear_regression
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Law(NamedTuple):
    """A figure is `fixed + factor * jobs ** exponent`."""

    fixed: float
    factor: float
    exponent: float

    def at(self, jobs: int) -> float:
        """Return the figure for a number of jobs."""
        return self.fixed + self.factor * float(jobs**self.exponent)


def fit(figures: Mapping[int, float], fixed: float = 0) -> Law:
    """Return the law of figures by the number of jobs: a straight line between their logarithms.

    `fixed` is the figure without any job. Figures that do not exceed it show no growth. The law meets
    the figure of the largest archive, from which it is extrapolated.
    """
    known = {jobs: figure - fixed for jobs, figure in figures.items() if figure > fixed}
    if len(known) < 2:
        return Law(max(figures.values()), 0, 0)
    exponent = linear_regression(list(map(log, known)), list(map(log, known.values()))).slope
    largest = max(known)
    return Law(fixed, exp(log(known[largest]) - exponent * log(largest)), exponent)
