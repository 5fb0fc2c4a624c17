"""What is measured of one archive: its load, size, collections, reports, verification and pruning."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from archive import db, reports
from archive.db import migrate
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from bench import commands
from bench.growth import history
from bench.growth.history import NIGHTS
from bench.measure import progress
from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.store.counts import Counts
    from bench.databases import Database
    from bench.growth.history import History

PROCESSOR, SIZE, RATE, MEMORY = "s of processor time", "MB", "jobs/s of processor time", "MiB"
EACH = "ms of processor time an appliance"
_KEPT = "2y"
# Reports are asked two hours after the last collection, of all days or of the last month.
_NOW = ("--now", history.after(NIGHTS, hours=8))
_MONTH = ("--since", history.after(NIGHTS - 29)[:10])
ASKED = (
    *(("report", name) for name in reports.REPORTS),
    ("report", "missed", "--by", "appliance"),
    ("report", "missed", *_MONTH),
    ("report", "compliance", *_MONTH),
    ("check", "--timeout", "900"),
    ("metrics",),
    ("dashboard",),
)
# Nothing has been imported for long as of now, or something is missed: states of a check, no failure.
_STATES = range(4)


class Figure(NamedTuple):
    """A figure and its unit."""

    value: float
    unit: str


class _Taken(NamedTuple):
    """Processor time of a command with its server, in seconds, and its greatest resident size in MiB."""

    seconds: float
    mib: float


class Meter:
    """Measures one archive; `figures` has what was found, by name.

    `start` is the processor time of each command before it does anything. Rates are without it.
    """

    def __init__(self, database: Database, start: float = 0) -> None:
        self._database = database
        self._start = start
        self.figures: dict[str, Figure] = {}

    def load(self, found: History) -> None:
        """Import a history in tenths by `archive ingest`, and record the rate of each."""
        rates, peaks = [], []
        for number, tenth in enumerate(found.tenths, 1):
            taken = self._run("ingest", str(tenth.path), "--seen-at", tenth.seen_at)
            # Never nothing: the start-up varies, and few jobs take less.
            rates.append(tenth.jobs / max(taken.seconds - self._start, 0.01))
            peaks.append(taken.mib)
            progress(f"    tenth {number}: {rates[-1]:,.0f} jobs/s")
            self._add(f"load, tenth {number}", rates[-1], RATE)
        self._add("load, last tenth of the first", rates[-1] / rates[0], "times as fast")
        self._add("load, memory of the largest process", max(peaks), MEMORY)

    def collect(self, found: History) -> None:
        """Import an answer of each appliance: all of it known, again an hour later, and with a new job."""
        self._answers(found, 7, new=False)
        unchanged = self._answers(found, 8, new=False)
        changed = self._answers(found, 24 + 6, new=True)
        for name, seconds in (("nothing new", unchanged), ("a new job each", changed)):
            self._add(f"collection, {name}", 1000 * seconds / found.appliances, EACH)

    def sizes(self, jobs: int) -> None:
        """Record the size of the archive, and of its tables from the largest on."""
        self._add("size", self._database.size() / 1e6, SIZE)
        self._add("size of a job", self._database.size() / jobs, "bytes")
        text = commands.archive(
            "sql", "archive_size", "--format", "json", "--database", self._database.url
        )
        for row in json.loads(text):
            if row["size_bytes"] >= 1e6:
                self._add(f"size of {row['table_name']}", row["size_bytes"] / 1e6, SIZE)

    def ask(self, asked: Iterable[tuple[str, ...]] = ASKED) -> None:
        """Record what each report takes, as a command."""
        for arguments in asked:
            shown = [*arguments, *_NOW]
            if arguments[0] == "report":
                shown += ["--format", "csv"]
            taken = self._run(*shown, codes=_STATES if arguments[0] == "check" else (0,))
            name = " ".join(word for word in arguments if word not in ("--timeout", "900"))
            self._add(name.replace(" ".join(_MONTH), "of 30 days"), taken.seconds, PROCESSOR)

    def maintain(self) -> None:
        """Record what it takes to verify the archive, and then to prune a third of it."""
        taken = self._run("db", "verify")
        self._add("db verify", taken.seconds, PROCESSOR)
        self._add("db verify, memory", taken.mib, MEMORY)
        self._add(
            f"db prune --keep {_KEPT}",
            self._run("db", "prune", "--keep", _KEPT, "--yes").seconds,
            PROCESSOR,
        )

    def _answers(self, found: History, hours: int, *, new: bool) -> float:
        """Import an answer of each appliance in this process, and return the processor time."""
        seen_at = history.after(NIGHTS - 1, hours)
        seen: list[Counts] = []
        with self._timed() as taken, db.keeping(migrate.connect(self._database.url), 1) as engine:
            for name, lines in found.answers.items():
                own = lines[1:] if new else lines[:-1]
                text = ",".join(f'"{key}":{info}' for _, key, info in own)
                content = io.BufferedReader(io.BytesIO(f"{{{text}}}".encode("ascii")))
                with ingest_answer(engine, Source("collect", content, name, seen_at)) as answered:
                    seen.append(answered.counts)
        if sum(counts.new for counts in seen) != new * found.appliances:
            raise SystemExit(f"a collection {hours} hours later has other new jobs than it should")
        return taken[0]

    @contextmanager
    def _timed(self) -> Iterator[list[float]]:
        """Give a list, to which the processor time of the block is added in seconds."""
        before = sum(os.times()[:4]) + self._database.processor_seconds()
        taken: list[float] = []
        yield taken
        taken.append(sum(os.times()[:4]) + self._database.processor_seconds() - before)

    def _run(self, *arguments: str, codes: Sequence[int] = (0,)) -> _Taken:
        """Run a command. Raises SystemExit if it ends with another code than these."""
        command = [*PROGRAM, *arguments, "--database", self._database.url]
        before, start = self._database.processor_seconds(), time.perf_counter()
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
        server = self._database.processor_seconds() - before
        progress(f"    {' '.join(arguments)}: {time.perf_counter() - start:.1f} s")
        return _Taken(used.ru_utime + used.ru_stime + server, used.ru_maxrss / 1024)

    def _add(self, name: str, value: float, unit: str) -> None:
        self.figures[name] = Figure(value, unit)
