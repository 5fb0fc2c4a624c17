"""Every report, of all jobs and of the last 30 days, beside the plain SQL that somebody would write.

The SQL in `plain/` answers less: the question without its hard parts, in one statement, by the tables
and indexes that are there. Each side runs in a process of its own, which tells its time and its
greatest resident size. What it reads is in the system's caches. A side that takes too long is ended.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, reports
from archive.db import migrate
from bench import fleet
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Finding, progress
from bench.memory import peak

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.claim import Site

PLAIN = Path(__file__).parent / "plain"
WANTED_MIB = 300
LONGEST_SECONDS = 600


class Question(NamedTuple):
    """A query: a report by name, for all days or since one, or the plain SQL instead."""

    report: str
    since: str | None = None
    plain: bool = False


class Taken(NamedTuple):
    """A side's figures; `rows` is None if it was stopped."""

    seconds: float
    mib: float
    rows: int | None

    def __str__(self) -> str:
        if self.rows is None:
            return f"more than {self.seconds:,.0f} s"
        return f"{self.seconds:.3f} s  {self.mib:.0f} MiB  {self.rows:,} rows"


def _measure(site: Site) -> list[Finding]:
    return [finding for kind in KINDS for finding in _of_kind(kind, site)]


def _of_kind(kind: str, site: Site) -> list[Finding]:
    url = fleet.filled(site, kind).url.render_as_string(hide_password=False)
    found: list[Finding] = []
    every: list[Taken] = []
    print(f"  {kind:10}  {'all jobs':34}{'the last 30 days':34}plain SQL, all jobs")
    for name, report in reports.REPORTS.items():
        ours, plain = _taken(url, Question(name)), _taken(url, Question(name, plain=True))
        every.append(ours)
        if "since" in report.takes:
            every.append(_taken(url, Question(name, fleet.SINCE)))
        recent = every[-1] if "since" in report.takes else ""
        print(f"  {name:10}  {ours!s:34}{recent!s:34}{plain}", flush=True)
        ratio = plain.seconds / ours.seconds
        found.append(Finding(f"{name}, {kind}", ratio, "times as fast as plain SQL"))
    for seconds in (0.1, 1, 10):
        number = sum(taken.rows is not None and taken.seconds <= seconds for taken in every)
        found.append(
            Finding(f"of {len(every)} answers within {seconds:g} s, {kind}", number, "answers")
        )
    greatest = max(taken.mib for taken in every)
    return [*found, Finding(f"greatest peak, {kind}", greatest, "MiB", WANTED_MIB, at_most=True)]


def _taken(url: str, question: Question) -> Taken:
    """Run a query in a separate process. Raises SystemExit if it fails."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_ask, args=(url, question, there))
    process.start()
    there.close()
    try:
        if here.poll(LONGEST_SECONDS):
            taken = Taken(*here.recv())
        else:
            taken = Taken(LONGEST_SECONDS, 0, None)
            process.kill()
    except EOFError:
        raise SystemExit(f"{question} has failed") from None
    finally:
        process.join()
    progress(f"    {question}: {taken}")
    return taken


def _ask(url: str, question: Question, answer: Any) -> None:
    engine = migrate.connect(url)
    with db.reading(engine) as connection:
        start = time.perf_counter()
        if question.plain:
            text = (PLAIN / f"{question.report}.sql").read_text(encoding="utf-8")
            rows = _number(connection.execute(sa.text(text), execution_options={"yield_per": 1000}))
        else:
            scope = reports.Scope(since=question.since, now=fleet.NOW)
            rows = _number(reports.run(connection, question.report, scope))
        seconds = time.perf_counter() - start
    answer.send((seconds, peak(), rows))


def _number(rows: Iterable[Any]) -> int:
    last = deque(enumerate(rows, 1), maxlen=1)
    return last[0][0] if last else 0


CLAIM = Claim(
    "reports",
    "every report, in process, of all jobs and of the last 30 days, beside plain SQL for the heart of"
    " its question; and the greatest resident size that any of them takes",
    f"at most {WANTED_MIB} MiB at 10 million jobs",
    _measure,
    quick=100_000,
    full=10_000_000,
    rounds=1,
)
