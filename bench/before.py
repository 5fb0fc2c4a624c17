"""Reports that read stored totals, against the same reports of an earlier commit, which read all jobs.

Both read the same archive: the earlier commit ignores the tables that it does not know. Each report
runs as a whole command, and in process, in turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import commands, fleet
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Finding, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.claim import Site

# The last commit without totals by appliance, month and build.
BEFORE = "98fca01"
ROOT = Path(__file__).parent.parent
_TIMED = Path(__file__).parent / "timed_report.py"
# A report, and its group if it has one.
_CASES = (
    ("success",),
    ("success", "appliance"),
    ("volume", "build"),
    ("throughput",),
    ("locations",),
    ("builds",),
)
WANTED = 10


class _Taken(NamedTuple):
    """Seconds of a whole command, and of its report in process."""

    command: float
    report: float

    def __str__(self) -> str:
        return f"{self.command:.3f} s, in process {self.report:.3f} s"


def _measure(site: Site) -> list[Finding]:
    found = []
    with _checkout(site.folder / "before") as before:
        for kind in KINDS:
            url = fleet.filled(site, kind).url.render_as_string(hide_password=False)
            print(f"  {kind:22}{'now':36}commit {BEFORE}")
            for case in _CASES:
                taken: dict[Path, list[_Taken]] = {ROOT: [], before: []}
                for _ in range(site.rounds):
                    for root, rounds in taken.items():
                        rounds.append(_run(root, url, case))
                ours, earlier = map(_median, taken.values())
                name = " by ".join(case)
                print(f"  {name:22}{ours!s:36}{earlier}", flush=True)
                found.append(
                    Finding(
                        f"{name}, {kind}", earlier.report / ours.report, "times as fast", WANTED
                    )
                )
    return found


def _run(root: Path, url: str, case: tuple[str, ...]) -> _Taken:
    """Run a report with the package of a checkout."""
    name, *by = case
    added = {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}  # not the package of this folder
    options = [part for group in by for part in ("--by", group)]
    command = ["-m", "archive", "report", name, *options, "--format", "csv", "--database", url]
    start = time.perf_counter()
    commands.run([sys.executable, *command], added)
    whole = time.perf_counter() - start
    printed = commands.run([sys.executable, str(_TIMED), url, *case], added)
    taken = _Taken(whole, float(printed))
    progress(f"    {' by '.join(case)}, {root.name}: {taken}")
    return taken


def _median(rounds: list[_Taken]) -> _Taken:
    return _Taken(
        statistics.median(taken.command for taken in rounds),
        statistics.median(taken.report for taken in rounds),
    )


@contextmanager
def _checkout(folder: Path) -> Iterator[Path]:
    """Check out the earlier commit into a folder, for a while."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), BEFORE], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


CLAIM = Claim(
    "report-totals",
    f"reports that read stored totals, against the same reports of commit {BEFORE}, which read all jobs",
    f"{WANTED} times as fast in process, at 1 million jobs",
    _measure,
    quick=200_000,
    full=1_000_000,
    rounds=3,
)
