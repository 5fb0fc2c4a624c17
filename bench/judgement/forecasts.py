"""Forecasts of fleets with known truth: their error against naive ones, and whether intervals hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import log
from statistics import fmean, median
from typing import TYPE_CHECKING

from archive.judgement.forecast import HISTORY_DAYS, Forecast, forecast, whole_weeks
from bench.judgement import fleets
from bench.measure import Finding, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.judgement.fleets import Appliance, Regime

HORIZON = 90
# The week around the horizon is the truth: forecasts are of medians of weeks.
_WEEK = 7
AHEAD = HORIZON + _WEEK // 2 + 1
WORST, WORST_OF_GROWTH = 1.1, 0.5
LEAST_HELD, MOST_HELD = 0.85, 0.95
_GROWING = ("linear", "exponential")


@dataclass
class Tally:
    """Of the appliances of a regime: the errors of forecasts and of naive ones, as ratios, and more."""

    errors: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    without: int = 0

    @property
    def against_naive(self) -> float:
        """The mean error as a multiple of the naive one."""
        return fmean(self.errors) / fmean(self.naive)

    def add(self, appliance: Appliance) -> None:
        """Add an appliance's forecast; the naive one is the median of its last seven sizes."""
        sizes = [(one.day, one.size) for one in appliance.successes][-HISTORY_DAYS:]
        found = forecast(whole_weeks(sizes))
        if not isinstance(found, Forecast):
            self.without += 1
            return
        week = slice(HORIZON - 1 - _WEEK // 2, HORIZON + _WEEK // 2)
        truth, real = median(appliance.truth[week]), median(appliance.ahead[week])
        ahead = found.on(sizes[-1][0] + HORIZON)
        naive = median(size for _, size in sizes[-_WEEK:])
        self.errors.append(abs(log(ahead.expected / truth)))
        self.naive.append(abs(log(naive / truth)))
        self.held.append(ahead.low <= real <= ahead.high)


def measure(number: int) -> list[Finding]:
    """Forecast the sizes of a number of fleets, and print and return the figures."""
    tallies: dict[Regime, Tally] = defaultdict(Tally)
    for seed in range(number):
        for appliance in fleets.fleet(seed, ahead=AHEAD):
            tallies[appliance.regime].add(appliance)
        progress(f"  forecasts: fleet {seed + 1} of {number}")
    print(f"  {'':51} error in {HORIZON} days   of   within   without")
    print(f"  {'noise':8} {'season':29} {'growth':12}   ours  naive  naive interval forecast")
    for regime, tally in tallies.items():
        print(_line(regime, tally))
    return list(_findings(tallies))


def _line(regime: Regime, tally: Tally) -> str:
    names = f"  {regime.noise:8} {regime.season:29} {regime.growth:12}"
    errors = f"{100 * fmean(tally.errors):5.1f} %{100 * fmean(tally.naive):5.1f} %"
    return f"{names} {errors} {tally.against_naive:6.2f} {fmean(tally.held):8.2f} {tally.without:8}"


def _findings(tallies: dict[Regime, Tally]) -> Iterator[Finding]:
    worst = max(tally.against_naive for tally in tallies.values())
    yield Finding("error of forecasts, worst regime", worst, "of the naive", WORST, at_most=True)
    growing = max(
        tally.against_naive for regime, tally in tallies.items() if regime.growth in _GROWING
    )
    what = "error of forecasts where there is growth, worst regime"
    yield Finding(what, growing, "of the naive", WORST_OF_GROWTH, at_most=True)
    held = fmean(one for tally in tallies.values() for one in tally.held)
    yield Finding("within the interval of 90 %", held, "of them", LEAST_HELD)
    yield Finding("within the interval of 90 %", held, "of them", MOST_HELD, at_most=True)
