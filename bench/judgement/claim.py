"""The claim about judgement: how well what the archive says of fleets with known truth is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.claim import Claim
from bench.judgement import fleets, unlike

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.measure import Finding


def _measure(site: Site) -> list[Finding]:
    return unlike.measure(max(site.rounds, fleets.FLEETS))


CLAIM = Claim(
    "judgement",
    "anomalies of made-up fleets, with seasons, growth, noise and changes of level, against what is"
    " known of them",
    f"at most {unlike.MOST_FALSE:g} false alarms in 1,000 jobs; 98 % found of what lacks half or"
    " more, 60 % of half at the greatest noise; one alarm a change of level",
    _measure,
    quick=0,
    full=0,
    rounds=fleets.FLEETS,
)
