"""The cost of the day totals for a load, against the same load without them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

from archive.store.day_totals import Totals
from bench import inprocess, measure
from bench.claim import Claim
from bench.databases import KINDS, count, count_archive
from bench.measure import Side

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding

WANTED = 1.15


def _measure(site: Site) -> list[Finding]:
    found = []
    for kind in KINDS:
        measured = measure.alternate(_sides(site, site.databases.get(kind, "ours")), site.rounds)
        measure.show(measured, site.jobs)
        found.append(measure.times_as_long(f"day totals, {kind}", measured, WANTED))
    return found


def _sides(site: Site, database: Database) -> list[Side]:
    def load() -> None:
        inprocess.ingest(site.lines, database.url)

    def load_without() -> None:
        with (
            patch.object(Totals, "add", lambda *_: None),
            patch.object(Totals, "write", lambda *_: None),
        ):
            load()

    def check(*, counted: bool) -> dict[str, int]:
        jobs = count(database, {"jobs": "SELECT coalesce(sum(jobs), 0) FROM day_total"})["jobs"]
        if jobs != counted * site.jobs:
            raise SystemExit(f"the day totals should not count {jobs} jobs")
        return count_archive(database)

    kind, make = database.kind, database.migrate
    return [
        Side(f"with day totals, {kind}", load, lambda: check(counted=True), make),
        Side(f"without day totals, {kind}", load_without, lambda: check(counted=False), make),
    ]


CLAIM = Claim(
    "totals-cost",
    "a first load in process, on both databases, against the same with the day totals switched off",
    f"at most {WANTED:g} times as long",
    _measure,
    quick=5_000,
    full=100_000,
)
