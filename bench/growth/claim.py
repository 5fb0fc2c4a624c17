"""How each figure of an archive grows with its jobs: several archives, made by the real import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.claim import Claim
from bench.databases import KINDS
from bench.growth import history, law
from bench.growth.history import NIGHTS
from bench.growth.steps import PROCESSOR, Meter
from bench.measure import Finding, progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.claim import Site
    from bench.growth.steps import Figure

# The archive that figures are extrapolated to.
LARGE = 10_000_000
# The last tenth of a load, compared with the first.
LEAST_PACE = 0.8
_PACE = "load, last tenth of the first"

_Figures = dict[str, "Figure"]


def _measure(site: Site) -> list[Finding]:
    scales = site.scales or (site.jobs // 10, site.jobs * 3 // 10, site.jobs)
    found: list[Finding] = []
    for kind in KINDS:
        start = _start(site, kind)
        measured = {}
        for jobs in scales:
            number, figures = _archive(site, kind, jobs, start)
            measured[number] = figures
        print(f"\n  {kind}: {_described(list(measured))}")
        for line in table(measured, start):
            print(f"  {line}", flush=True)
        pace = measured[max(measured)][_PACE].value
        found.append(Finding(f"{_PACE}, {kind}", pace, "times as fast", LEAST_PACE))
    return found


def _start(site: Site, kind: str) -> float:
    """Return what a report takes of an archive without jobs, which does not grow: the start-up."""
    database = site.databases.get(kind, "growth")
    database.migrate()
    meter = Meter(database)
    meter.ask([("report", "success")])
    return meter.figures["report success"].value


def _archive(site: Site, kind: str, jobs: int, start: float) -> tuple[int, _Figures]:
    """Make an archive and measure it; return its number of jobs and its figures."""
    progress(f"  {kind}: about {jobs:,} jobs")
    found = history.write(site.folder, jobs)
    database = site.databases.get(kind, "growth")
    database.migrate()
    meter = Meter(database, start)
    meter.load(found)
    meter.collect(found)
    meter.sizes(found.jobs)
    meter.ask()
    meter.maintain()
    return found.jobs, meter.figures


def table(measured: Mapping[int, _Figures], start: float) -> list[str]:
    """Return the lines of the growth table: the figures, the exponent, and the extrapolated figure.

    `start` is the processor time of each command before it does anything, which does not grow.
    """
    scales = sorted(measured)
    last = measured[scales[-1]]
    heads = "".join(f"{jobs:>12,}" for jobs in scales)
    lines = [f"{'jobs':40}{heads}{'exponent':>10}{f'{LARGE:,}*':>14}"]
    for name, figure in last.items():
        values = {
            jobs: figures[name].value for jobs, figures in measured.items() if name in figures
        }
        own = law.fit(values, start if figure.unit == PROCESSOR else 0)
        shown = "".join(
            f"{values[jobs]:12,.2f}" if jobs in values else f"{'':12}" for jobs in scales
        )
        lines.append(f"{name:40}{shown}{own.exponent:10.2f}{own.at(LARGE):14,.2f}  {figure.unit}")
    lines.append(f"* extrapolated by the exponent from {scales[-1]:,} jobs, not measured")
    return lines


def _described(scales: Sequence[int]) -> str:
    fleets = ", ".join(f"{jobs // NIGHTS:,}" for jobs in scales)
    return f"fleets of {fleets} appliances, a job a night for three years"


CLAIM = Claim(
    "growth",
    "archives of several sizes, made by the real import of three years, night by night: load rate in"
    " tenths, size by table, a collection where nothing is new and one with a new job of each appliance,"
    " each report, `db verify`, `db prune`; processor time of the command and of the server, and the"
    " exponent by which each figure grows with the jobs",
    f"the last tenth of a load at least {LEAST_PACE:g} times as fast as the first",
    _measure,
    quick=20_000,
    full=1_000_000,
    rounds=1,
)
