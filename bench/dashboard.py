"""The dashboard of a fleet: the size of its page, the time to write it, and to open it in Chromium.

A page is open when all of its charts are drawn. Each page is written by its own process, as by the
command, and opened several times by one browser.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from bench import commands, fleet
from bench.claim import Claim
from bench.databases import SQLITE
from bench.measure import Finding
from docs.browser import launched, opened

if TYPE_CHECKING:
    from pathlib import Path

    from bench.claim import Site

# Up to this many appliances, the page shows each one, within this size; beyond, it summarises.
EACH_UP_TO = 1000
WANTED_MB, WANTED_MB_SUMMED_UP = 5, 10
WANTED_SECONDS = 2


def _measure(site: Site) -> list[Finding]:
    url = fleet.filled(site, SQLITE).url.render_as_string(hide_password=False)
    path = site.folder / "fleet.html"
    start = time.perf_counter()
    commands.archive("dashboard", "--database", url, "--now", fleet.NOW, "-o", str(path))
    made = time.perf_counter() - start
    size = path.stat().st_size / 1e6
    times = _opened(path, site.rounds)
    number = fleet.appliances(site.jobs)
    wanted = WANTED_MB if number <= EACH_UP_TO else WANTED_MB_SUMMED_UP
    print(f"  {number:,} appliances: {size:.2f} MB, made in {made:.1f} s")
    print(f"  opened in {', '.join(f'{seconds:.2f}' for seconds in times)} s")
    return [
        Finding("size of the page", size, "MB", wanted, at_most=True),
        Finding("time to make it", made, "s"),
        Finding("time to open it", statistics.median(times), "s", WANTED_SECONDS, at_most=True),
    ]


def _opened(path: Path, rounds: int) -> list[float]:
    times = []
    with launched() as browser:
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            opened(page, path)
            times.append(time.perf_counter() - start)
            page.close()
    return times


CLAIM = Claim(
    "dashboard",
    "the size of a fleet's dashboard with two years of 1000 jobs an appliance, the time to make it, and"
    " the time until a Chromium has drawn it",
    f"at most {WANTED_MB} MB up to {EACH_UP_TO:,} appliances and {WANTED_MB_SUMMED_UP} MB of more, open"
    f" within {WANTED_SECONDS} s",
    _measure,
    quick=500_000,
    full=10_000_000,
)
