"""The memory that a load takes, and whether it grows with the input; Linux only."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import documents
from bench.claim import Claim
from bench.databases import KINDS, count_archive
from bench.measure import Finding, progress
from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.databases import Database

WANTED = 300
_PROCESSES = Path("/proc")
_EVERY_SECONDS = 0.05
_MIB = 1024  # in KiB, the kernel's unit


def _measure(site: Site) -> list[Finding]:
    if not _PROCESSES.joinpath("self/status").exists():
        raise SystemExit("memory is read from /proc, which this system does not have")
    found = []
    for mix in (documents.FEW, documents.INTERLEAVED):
        files = {}
        for number in (site.jobs // 4, site.jobs):
            files[number] = path = site.folder / f"{number}.jsonl"
            documents.write_lines(path, number, mix=mix)
        for kind in KINDS:
            database = site.databases.get(kind, "ours")
            few, many = (_load(path, database, number) for number, path in files.items())
            name = f"{mix.name}, {kind}"
            found += [
                Finding(f"peak of {site.jobs:,} jobs, {name}", many, "MiB", WANTED, at_most=True),
                Finding(f"peak of {site.jobs // 4:,} jobs, {name}", few, "MiB"),
                Finding(f"growth over four times the jobs, {name}", many / few, "times"),
            ]
    return found


def _load(path: Path, database: Database, number: int) -> float:
    database.migrate()
    start = time.perf_counter()
    command = [*PROGRAM, "ingest", str(path), "--database", database.url]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
        peak = watch(process)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    if (jobs := count_archive(database)["jobs"]) != number:
        raise SystemExit(f"{number} jobs should be in the archive, and {jobs} are")
    seconds = time.perf_counter() - start
    progress(f"  {number:,} jobs, {database.kind}: {peak:.0f} MiB, {seconds:.1f} s")
    return peak


def peak() -> float:
    """Return the greatest resident size of this process since its program began, in MiB."""
    status = (_PROCESSES / "self/status").read_text(encoding="ascii")
    found = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(found.split()[1]) / _MIB


def watch(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory that a process and all below it took at once, in MiB.

    A page that processes share, as copies of a process do, counts once: each has its part of it.
    """
    most = 0
    while process.poll() is None:
        most = max(most, sum(map(_taken, _tree(process.pid))))
        time.sleep(_EVERY_SECONDS)
    return most / _MIB


def _taken(number: int) -> int:
    """Return the resident pages of a process in KiB, each divided by the processes that share it."""
    return _fields(number, "smaps_rollup").get("Pss", 0)


def _tree(root: int) -> list[int]:
    parents = {
        int(path.name): _fields(int(path.name), "status").get("PPid", 0)
        for path in _PROCESSES.iterdir()
        if path.name.isdigit()
    }
    tree = [root]
    for number in tree:  # grows while it is read
        tree += [child for child, parent in parents.items() if parent == number]
    return tree


def _fields(number: int, file: str) -> dict[str, int]:
    """Return the numbers in a file of a process; nothing if it has just ended."""
    try:
        text = (_PROCESSES / str(number) / file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    fields = (line.split() for line in text.splitlines())
    return {
        name.rstrip(":"): int(value)
        for name, value, *_ in (field for field in fields if len(field) > 1)
        if name in ("PPid:", "Pss:")
    }


CLAIM = Claim(
    "memory",
    "the most memory that `archive ingest` and all its processes take at once over JSON Lines of two kinds of"
    " documents, on both databases (the server's apart), and against that over a quarter of the lines; one"
    " run each",
    f"at most {WANTED} MiB, however many the lines",
    _measure,
    quick=50_000,
    full=1_000_000,
    rounds=1,
)
