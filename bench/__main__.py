"""`python -m bench`: measure the named claims, or all."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import textwrap
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.claim import Site
from bench.claims import CLAIMS
from bench.databases import Databases
from bench.measure import progress

if TYPE_CHECKING:
    from bench.claim import Claim
    from bench.measure import Finding


def main() -> None:
    """Measure the claims, print the figures of each, and all findings again at the end."""
    arguments = _parse()
    # A package that pip installed is compiled. Without this, each command would compile this one.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    wanted = [claim for claim in CLAIMS if claim.name in arguments.claims or not arguments.claims]
    start = time.perf_counter()
    results: list[tuple[Claim, Site, list[Finding]]] = []
    with ExitStack() as stack:
        # On a disk: a file system in memory would make every side too fast.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="archive-bench-")))
        databases = Databases(folder, stack)
        for claim in wanted:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                jobs = claim.full if arguments.full else claim.quick
                if jobs and arguments.jobs:
                    jobs = arguments.jobs
                rounds = arguments.rounds or claim.rounds
                site = Site(Path(own), databases, jobs, rounds, arguments.scales)
                results.append((claim, site, _measure(claim, site)))
    _summarise(results, time.perf_counter() - start)
    if arguments.json:
        text = json.dumps([_plain(*result) for result in results], indent=2)
        arguments.json.write_text(f"{text}\n", encoding="utf-8")


def _measure(claim: Claim, site: Site) -> list[Finding]:
    over = f", {site.jobs:,} jobs" if site.jobs else ""
    progress(f"{claim.name}{over}: measuring")
    print(f"\n{claim.name}{over}\n{_wrapped(claim.compares, '  ')}", flush=True)
    findings = claim.measure(site)
    for finding in findings:
        print(f"  {finding}", flush=True)
    return findings


def _summarise(results: list[tuple[Claim, Site, list[Finding]]], seconds: float) -> None:
    print(f"\nAll that was wanted ({_machine()}; {seconds / 60:.1f} minutes in all)")
    for claim, _, findings in results:
        for finding in findings:
            if finding.wanted is not None:
                print(f"  {claim.name:22} {finding}")


def _plain(claim: Claim, site: Site, findings: list[Finding]) -> dict[str, Any]:
    return {
        "claim": claim.name,
        "machine": _machine(),
        "jobs": site.jobs,
        "rounds": site.rounds,
        "findings": [asdict(finding) | {"verdict": finding.verdict} for finding in findings],
    }


def _machine() -> str:
    return f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"


def _parse() -> argparse.Namespace:
    listing = "\n\n".join(
        f"{claim.name}\n{_wrapped(claim.compares, '    ')}\n    Wanted: {claim.wanted}.\n    {_amount(claim)}"
        for claim in CLAIMS
    )
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the claims about archive against what they compare it with.",
        epilog=f"Claims:\n\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [claim.name for claim in CLAIMS]
    parser.add_argument(
        "claims", nargs="*", metavar="CLAIM", help="claims to measure; default: all"
    )
    parser.add_argument("--full", action="store_true", help="measure with the full number of jobs")
    parser.add_argument("--jobs", type=int, metavar="N", help="measure with N jobs")
    parser.add_argument("--rounds", type=int, metavar="N", help="measure N rounds")
    parser.add_argument(
        "--scales",
        type=_scales,
        default=(),
        metavar="N,N,...",
        help="for `growth`: numbers of jobs; default: a tenth, three tenths and all of --jobs",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the findings as JSON")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.claims if name not in names]:
        parser.error(f"there is no claim {unknown[0]}; there are {', '.join(names)}")
    return arguments


def _scales(text: str) -> tuple[int, ...]:
    """Return numbers of jobs. Raises ValueError, which argparse explains, for anything else."""
    return tuple(int(part.replace("_", "")) for part in text.split(","))


def _amount(claim: Claim) -> str:
    rounds = "one round" if claim.rounds == 1 else f"{claim.rounds} rounds"
    if not claim.quick:
        return f"{rounds}.".capitalize()
    return f"{claim.quick:,} jobs, in full {claim.full:,}; {rounds}."


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, 96, initial_indent=indent, subsequent_indent=indent)


if __name__ == "__main__":
    main()
