"""`archive serve` of a large fleet: the first page, many readers at once, and memory over many requests.

The server is a process of its own, asked over kept connections. While 20 readers ask for everything that
it has, another process imports, and this one measures how long a writer waits for its lock.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from archive import db
from bench import fleet
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Finding, progress
from tests.support.command import PROGRAM, environment
from tests.support.configurations import written
from tests.support.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from bench.claim import Site
    from tests.support.served import Served

READERS, SECONDS = 20, 10
REQUESTS = 10_000
# What readers ask for in turn, and what programs ask for again and again.
_ADDRESSES = ("", "reports/rpo.csv", "reports/summary", "reports/trends.json", "metrics", "healthz")
_FREQUENT = (
    "",
    "reports",
    "reports/rpo.csv?top=20",
    "metrics",
    "reports/trends.json?since=30d",
    "healthz",
)
_MIB = 1 << 20


class Answered(NamedTuple):
    """The seconds of each answer, and how many were no success."""

    seconds: list[float]
    failed: int


def _measure(site: Site) -> list[Finding]:
    found = []
    config = written(site.folder, "")
    for kind in KINDS:
        engine = fleet.filled(site, kind)
        place = engine.url.render_as_string(hide_password=False)
        progress(f"  starting the server on {kind}")
        start = time.perf_counter()
        with served("--database", place, "--config", str(config)) as server:
            ready = time.perf_counter() - start
            first = _ask(server, iter(("",))).seconds[0]
            progress(f"  {READERS} readers on {kind}")
            alone = _read(server, SECONDS)
            progress(f"  {READERS} readers, and imports, on {kind}")
            waits, busy = _with_imports(server, engine, site.folder)
            progress(f"  {REQUESTS:,} requests on {kind}")
            grown = _memory(server)
            code, log = server.end()
        print(f"  {kind}: ready after {ready:.1f} s, first page {first * 1000:.1f} ms")
        for name, one in (("alone", alone), ("with imports", busy)):
            print(f"  {kind}: {READERS} readers {name}: {len(one.seconds) / SECONDS:,.0f} answers/s,"
                  f" median {statistics.median(one.seconds):.3f} s, {one.failed} failed")  # fmt: skip
        if code or log:
            raise SystemExit(f"the server ended with {code}: {log}")
        found += [
            Finding(f"first page, {kind}", first, "s", 0.5, at_most=True),
            Finding(f"start, with the page, {kind}", ready, "s"),
            Finding(f"95 % of answers to {READERS} readers, {kind}", _most(alone), "s"),
            Finding(f"the same while imports write, {kind}", _most(busy), "s"),
            Finding(f"answers that failed, {kind}", alone.failed + busy.failed, "", 0, at_most=True),
            Finding(f"longest wait of a writer, {kind}", max(waits), "s", 1, at_most=True),
            Finding(f"memory after {REQUESTS:,} requests, {kind}", grown[1], "MiB"),
            Finding(f"the same, of that after 1,000, {kind}", grown[1] / grown[0], "times", 1.1, at_most=True),
        ]  # fmt: skip
    return found


def _most(answered: Answered) -> float:
    return statistics.quantiles(answered.seconds, n=20)[-1]


def _ask(server: Served, addresses: Iterator[str]) -> Answered:
    """Ask for addresses one after the other."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    seconds, failed = [], 0
    for address in addresses:
        start = time.perf_counter()
        connection.request("GET", f"/{address}", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - start)
        failed += answer.status != 200
    connection.close()
    return Answered(seconds, failed)


def _read(server: Served, seconds: float) -> Answered:
    """Let all readers ask for so many seconds."""
    deadline = time.monotonic() + seconds

    def addresses(first: int) -> Iterator[str]:
        for number in count(first):
            if time.monotonic() > deadline:
                return
            yield _ADDRESSES[number % len(_ADDRESSES)]

    return _together(server, [addresses(number) for number in range(READERS)])


def _together(server: Served, readers: list[Iterator[str]]) -> Answered:
    found: list[Answered] = []
    threads = [
        threading.Thread(target=lambda asked=asked: found.append(_ask(server, asked)))
        for asked in readers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Answered([one for each in found for one in each.seconds], sum(one.failed for one in found))  # fmt: skip


def _with_imports(server: Served, engine: Engine, folder: Path) -> tuple[list[float], Answered]:
    """Return how long a writer waited each time, and the answers, while another process imports."""
    path = folder / "import.json"
    path.write_text("{}", encoding="utf-8")
    place = engine.url.render_as_string(hide_password=False)
    ended = threading.Event()
    waits: list[float] = []

    def write() -> None:
        while not ended.is_set():
            arguments = ("ingest", str(path), "--appliance", fleet.NAME.format(1), "-d", place)
            subprocess.run(
                [*PROGRAM, *arguments], check=True, capture_output=True, env=environment()
            )
            start = time.perf_counter()
            with db.writing(engine) as connection:
                connection.exec_driver_sql("UPDATE setting SET value = value")
            waits.append(time.perf_counter() - start)

    writer = threading.Thread(target=write)
    writer.start()
    answered = _read(server, SECONDS)
    ended.set()
    writer.join()
    return waits, answered


def _memory(server: Served) -> tuple[float, float]:
    """Return the resident size in MiB after the first 1,000 requests, and after all."""
    sizes = []
    for number in (1000, REQUESTS - 1000):
        each = [_FREQUENT[place % len(_FREQUENT)] for place in range(number)]
        _together(server, [iter(each[first::4]) for first in range(4)])
        sizes.append(server.memory / _MIB)
    return sizes[0], sizes[1]


CLAIM = Claim(
    "serve",
    f"`archive serve` of a fleet with two years of 1000 jobs an appliance: the first page; {READERS} readers"
    f" at once, alone and while imports write; memory over {REQUESTS:,} requests",
    "the first page within 0.5 s, no answer that fails, no writer that waits for a second, and memory that"
    " stays the same within a tenth",
    _measure,
    quick=500_000,
    full=10_000_000,
    rounds=1,
)
