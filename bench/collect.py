"""`archive collect` over a fleet, against the same one appliance at a time."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bench import commands, measure
from bench.claim import Claim
from bench.databases import KINDS, SQLITE, count_archive
from bench.measure import Finding, Side, progress
from bench.memory import watch
from bench.vcenters import JOBS, LATENCY_MS, VARIABLE, Fleet, listening
from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.databases import Database

WANTED = 8
CONCURRENCY = 16


def _measure(site: Site) -> list[Finding]:
    appliances = max(4, site.jobs // JOBS)
    with listening(appliances) as fleet:
        found = [finding for kind in KINDS for finding in _compare(site, fleet, kind, appliances)]
        return found + _memory(site, fleet, appliances)


def _compare(site: Site, fleet: Fleet, kind: str, appliances: int) -> list[Finding]:
    runs = [_Run(site, fleet, kind, appliances, concurrency) for concurrency in (CONCURRENCY, 1)]
    first = [Side(f"{run.name}, first run", run.collect, run.count, run.prepare) for run in runs]
    # These runs find the jobs already archived by the last first run.
    again = [Side(f"{run.name}, unchanged", run.collect, run.count) for run in runs]
    found = []
    for what, sides in (("first run", first), ("unchanged", again)):
        measured = measure.alternate(sides, site.rounds)
        measure.show(measured, appliances, "appliances")
        found.append(measure.times_as_fast(f"{what} of {appliances:,}, {kind}", measured, WANTED))
    return found


class _Run:
    """The command with a concurrency, and its database."""

    def __init__(
        self, site: Site, fleet: Fleet, kind: str, appliances: int, concurrency: int
    ) -> None:
        self.name = f"{concurrency} at a time, {kind}"
        path = site.folder / f"fleet-{appliances}-{concurrency}.toml"
        self.config = fleet.configure(path, concurrency, appliances)
        self.database: Database = site.databases.get(kind, f"collect{concurrency}")
        self.password = {VARIABLE: fleet.password}
        self.command = [
            *PROGRAM, "--config", str(self.config), "collect", "--database", self.database.url,
            "--format", "json",
        ]  # fmt: skip

    def prepare(self) -> None:
        self.database.migrate()

    def collect(self) -> None:
        commands.run(self.command, self.password)

    def count(self) -> dict[str, int]:
        return count_archive(self.database)


def _memory(site: Site, fleet: Fleet, appliances: int) -> list[Finding]:
    peaks = []
    for number in (appliances // 4, appliances):
        run = _Run(site, fleet, SQLITE, number, CONCURRENCY)
        run.prepare()
        env = environment() | run.password
        with subprocess.Popen(run.command, env=env, stdout=subprocess.DEVNULL) as process:
            peaks.append(watch(process))
        if process.returncode:
            raise SystemExit(f"{' '.join(run.command)}: exit code {process.returncode}")
        progress(f"  {number:,} appliances: {peaks[-1]:.0f} MiB")
    few, many = peaks
    return [
        Finding(f"peak of {appliances:,} appliances", many, "MiB"),
        Finding("growth over four times the appliances", many / few, "times", 1.15, at_most=True),
    ]


CLAIM = Claim(
    "collect",
    f"`archive collect`, {CONCURRENCY} appliances at a time, against one at a time, on both databases:"
    f" {JOBS} jobs an appliance, {LATENCY_MS} ms before each answer, into an empty archive and again"
    " unchanged; and the greatest resident size against that over a quarter of the appliances",
    f"{WANTED} times as fast; memory flat",
    _measure,
    quick=6_000,
    full=60_000,
    rounds=1,
)
