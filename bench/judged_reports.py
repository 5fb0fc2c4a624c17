"""The reports and monitoring of a large fleet: whole commands, each beside the time that is wanted."""

from __future__ import annotations

import resource
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from archive import db
from bench import fleet
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Finding, progress
from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from bench.claim import Site

_COUNT = (
    "SELECT appliance_id, outcome, count(*) FROM expected_backup GROUP BY appliance_id, outcome"
)
_LAST_MONTH = ("--since", fleet.SINCE)


class Asked(NamedTuple):
    """A command, and the seconds that it may take of the full number of jobs."""

    arguments: tuple[str, ...]
    wanted: float

    @property
    def name(self) -> str:
        """The command without the options that all have."""
        return " ".join(self.arguments)


ASKED = (
    *(
        Asked(("report", name), 1)
        for name in (
            "summary", "rpo", "streaks", "anomalies", "stuck", "collection", "growth", "success",
            "throughput", "locations", "builds",
        )
    ),
    Asked(("report", "missed", *_LAST_MONTH), 1),
    Asked(("check",), 1),
    Asked(("metrics",), 1),
    Asked(("report", "compliance", *_LAST_MONTH), 3),
    Asked(("report", "missed", "--by", "appliance"), 3),
    Asked(("report", "compliance"), 20),
    Asked(("dashboard",), 10),
)  # fmt: skip


def _measure(site: Site) -> list[Finding]:
    found = []
    for kind in KINDS:
        engine = fleet.filled(site, kind)
        found.append(Finding(f"plain SQL over all expected backups, {kind}", _plain(engine), "s"))
        print(f"  {found[-1]}", flush=True)
        url = engine.url.render_as_string(hide_password=False)
        for asked in ASKED:
            taken = min(
                (_taken(asked, url, site.folder) for _ in range(site.rounds)),
                key=lambda one: one.seconds,
            )
            name = f"{asked.name}, {kind}"
            progress(f"  {name}: {taken.seconds:.2f} s")
            print(
                f"  {name:54} {taken.seconds:7.2f} s, {taken.processor:6.2f} s of a processor,"
                f" {taken.lines:,} lines",
                flush=True,
            )
            found.append(Finding(name, taken.seconds, "s", asked.wanted, at_most=True))
    return found


def _plain(engine: Engine) -> float:
    """Return the seconds that the database takes to count by appliance and outcome: a measure of the machine."""
    with db.reading(engine) as connection:
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            connection.exec_driver_sql(_COUNT).all()
            seconds.append(time.perf_counter() - start)
    return min(seconds)


class _Taken(NamedTuple):
    """Seconds of a command, its own processor time (not that of a server), and the lines it wrote."""

    seconds: float
    processor: float
    lines: int


def _taken(asked: Asked, url: str, folder: Path) -> _Taken:
    """Run a command, and accept any state that a check reports."""
    path = folder / "output"
    arguments = [*asked.arguments, "--database", url, "--now", fleet.NOW]
    if asked.arguments[0] == "report":
        arguments += ["--format", "csv"]
    before = _processor()
    start = time.perf_counter()
    with path.open("wb") as out:
        done = subprocess.run(
            [*PROGRAM, *arguments],
            stdout=out, stderr=subprocess.PIPE, check=False, env=environment(),
        )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode and asked.arguments != ("check",):
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.decode()}")
    with path.open("rb") as written:
        return _Taken(seconds, _processor() - before, sum(1 for _ in written))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


CLAIM = Claim(
    "judged-reports",
    "reports over all time and of a month, `archive check`, `archive metrics` and the page, of a fleet"
    " of 1000 jobs an appliance; whole processes, the shortest of some rounds; and plain SQL over as many"
    " rows as a measure of the machine",
    "1 s for most of them at 10 million jobs, 20 s for 7 million rows of compliance",
    _measure,
    quick=1_000_000,
    full=10_000_000,
    rounds=2,
)
