"""The claim about judgement: how well what the archive says of fleets with known truth is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.claim import Claim
from bench.judgement import due_times, fleets, forecasts, unlike

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.measure import Finding


def _measure(site: Site) -> list[Finding]:
    number = max(site.rounds, fleets.FLEETS)
    # The error of a regime is the mean of one forecast a fleet, so it needs more of them.
    return [
        *due_times.measure(number),
        *unlike.measure(number),
        *forecasts.measure(5 * number),
    ]


CLAIM = Claim(
    "judgement",
    "missed backups, anomalies and forecasts of made-up fleets, with rhythms, with seasons, growth, noise and changes of level,"
    " against what is known of them, and against the present size as a forecast",
    f"precision and recall of missed backups 1 with schedules, {due_times.LEAST_LEARNED:g} learned; at"
    f" most {due_times.MOST_FALSE:g} false overdue in 1,000 appliance-days; outages reported by the next"
    f" import; at most {unlike.MOST_FALSE:g} false alarms in 1,000 jobs; 98 % found of what lacks half or"
    " more, 60 % of half at the greatest noise; one alarm a change of level; the error of forecasts"
    f" at most {forecasts.WORST:g} times the naive one, where there is growth"
    f" {forecasts.WORST_OF_GROWTH:g} times; 85 to 95 % within an interval of 90 %",
    _measure,
    quick=0,
    full=0,
    rounds=fleets.FLEETS,
)
