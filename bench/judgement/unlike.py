"""Anomalies in fleets with known truth: what is found, and false alarms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from archive.judgement import outliers
from archive.judgement.outliers import Job
from bench.judgement import fleets
from bench.measure import Finding, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.judgement.fleets import Appliance, Regime

MOST_FALSE = 1.5
LEAST_FOUND = {("-50 %", "10/25 %"): 0.6}
_LEAST_FOUND = 0.98
# One, apart from what comes by chance while the new level is not known.
MOST_ALARMS = 1.05
# At the greatest noise half of a size is within what comes by chance.
_CERTAIN = ("2/8 %", "5/15 %")


class Tally(NamedTuple):
    """What was counted of appliances, by a word for each number."""

    regime: Regime
    counts: Counter[str]


def judged(appliance: Appliance) -> Tally:
    """Judge an appliance's successes, and count what was said of them."""
    jobs = [
        Job(number, day, str(number), "SCHEDULED", size, duration, None, None, None)
        for number, (day, size, duration, *_) in enumerate(appliance.successes)
    ]
    flagged = {found.job.id for found in outliers.findings(jobs)}
    counts: Counter[str] = Counter()
    for number, success in enumerate(appliance.successes):
        is_flagged = number in flagged
        if success.planted is not None:
            counts[f"planted {success.planted}"] += 1
            counts[f"found {success.planted}"] += is_flagged
        elif success.settles:
            counts["changes"] += success.begins_level
            counts["alarms of changes"] += is_flagged
        else:
            phase = "learning" if number < fleets.LEARNING else "known"
            counts[phase] += 1
            counts[f"false {phase}"] += is_flagged
    return Tally(appliance.regime, counts)


def measure(number: int) -> list[Finding]:
    """Judge a number of fleets, print the figures of each regime, and return the worst."""
    totals: dict[Regime, Counter[str]] = {}
    for seed in range(number):
        for appliance in fleets.fleet(seed):
            regime, counts = judged(appliance)
            totals.setdefault(regime, Counter()).update(counts)
        progress(f"  anomalies: fleet {seed + 1} of {number}")
    ways = "".join(f"{way:>7}" for way in fleets.PLANTED)
    print(f"  {'':51} false in 1,000  {'found':>26}   alarms")
    print(f"  {'noise':8} {'season':29} {'growth':12} known learning {ways} a change")
    for regime, counts in totals.items():
        print(_line(regime, counts))
    return list(_findings(totals))


def _line(regime: Regime, counts: Counter[str]) -> str:
    found = "".join(f"{_share(counts, way):7.2f}" for way in fleets.PLANTED)
    changes = f"{_alarms(counts):9.2f}" if counts["changes"] else ""
    names = f"  {regime.noise:8} {regime.season:29} {regime.growth:12}"
    return f"{names} {_false(counts):5.2f} {_false(counts, 'learning'):8.2f} {found}{changes}"


def _findings(totals: dict[Regime, Counter[str]]) -> Iterator[Finding]:
    worst = max(_false(counts) for counts in totals.values())
    yield Finding("false alarms, worst regime", worst, "per 1,000 jobs", MOST_FALSE, at_most=True)
    learning = max(_false(counts, "learning") for counts in totals.values())
    what = f"the same, in the first {fleets.LEARNING} days of a pattern"
    yield Finding(what, learning, "per 1,000 jobs")
    for noise in fleets.NOISES:
        of_noise: Counter[str] = Counter()
        for regime, counts in totals.items():
            if regime.noise == noise:
                of_noise.update(counts)
        for way in fleets.PLANTED:
            wanted = LEAST_FOUND.get((way, noise), _LEAST_FOUND)
            least = wanted if way.startswith("-") else None
            yield Finding(f"{way} found, noise {noise}", _share(of_noise, way), "of them", least)
        bound = MOST_ALARMS if noise in _CERTAIN else None
        what = f"alarms a change of level, noise {noise}"
        yield Finding(what, _alarms(of_noise), "", bound, at_most=True)


def _false(counts: Counter[str], phase: str = "known") -> float:
    return 1000 * counts[f"false {phase}"] / max(counts[phase], 1)


def _share(counts: Counter[str], way: str) -> float:
    return counts[f"found {way}"] / max(counts[f"planted {way}"], 1)


def _alarms(counts: Counter[str]) -> float:
    return counts["alarms of changes"] / max(counts["changes"], 1)
