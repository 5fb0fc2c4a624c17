"""What monitoring waits for: `archive check` of a fleet and of one appliance, and `archive metrics`.

Whole processes, as Nagios and cron start them.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from bench import fleet
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Finding, progress
from tests.support.command import PROGRAM, environment

if TYPE_CHECKING:
    from bench.claim import Site

# Seconds that a plugin may take: by the guidelines' default, and at most with Nagios and Icinga.
WANTED_SECONDS, WANTED_SECONDS_OF_MANY = 10, 55
MANY_APPLIANCES = 1000


def _measure(site: Site) -> list[Finding]:
    number = fleet.appliances(site.jobs)
    wanted = WANTED_SECONDS if number <= MANY_APPLIANCES else WANTED_SECONDS_OF_MANY
    found = []
    for kind in KINDS:
        url = fleet.filled(site, kind).url.render_as_string(hide_password=False)
        options = ("--database", url, "--now", fleet.NOW)
        asked = {
            "archive check": (("check", "-t", "900", *options), wanted),
            "archive check of one appliance": (
                ("check", fleet.NAME.format(2), *options),
                WANTED_SECONDS,
            ),
            "archive metrics": (("metrics", *options), None),
        }
        for name, (arguments, most) in asked.items():
            progress(f"  {name} on {kind}")
            seconds = min(_seconds(*arguments) for _ in range(site.rounds))
            print(f"  {kind:<10}  {name:<30}  {seconds:6.1f} s")
            found.append(Finding(f"{name}, {kind}", seconds, "s", most, at_most=True))
    return found


def _seconds(*arguments: str) -> float:
    """Run the command; accept any state."""
    start = time.perf_counter()
    done = subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True, check=False, encoding="utf-8", env=environment(),
    )  # fmt: skip
    taken = time.perf_counter() - start
    if done.stderr or "(--timeout)" in done.stdout:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return taken


CLAIM = Claim(
    "monitoring",
    "`archive check` of a fleet with two years of 1000 jobs an appliance, and of one of them, and"
    " `archive metrics`; whole processes, the shortest of some rounds",
    f"a check within {WANTED_SECONDS} s, within {WANTED_SECONDS_OF_MANY} s of more than"
    f" {MANY_APPLIANCES:,} appliances",
    _measure,
    quick=1_000_000,
    full=10_000_000,
    rounds=2,
)
