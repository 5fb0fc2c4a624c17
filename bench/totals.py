"""The cost of the stored totals and anomalies for a load, against the same load without them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from archive.store.anomalies import ChangedSuccesses
from archive.store.appliance_months import ChangedMonths
from archive.store.build_sketches import BuildSketches
from archive.store.day_totals import Totals
from bench import inprocess, measure
from bench.claim import Claim
from bench.databases import KINDS, count, count_archive
from bench.measure import Side

if TYPE_CHECKING:
    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding


class _Part(NamedTuple):
    """A kind of totals that can be switched off: the class that keeps them, and a table to check."""

    kept: type
    table: str | None
    wanted: float


_PARTS = {
    "day totals": _Part(Totals, "day_total", 1.15),
    "month totals": _Part(ChangedMonths, "appliance_month", 1.05),
    "build sketches": _Part(BuildSketches, None, 1.05),
    "anomalies": _Part(ChangedSuccesses, None, 1.1),
}


def _measure(site: Site) -> list[Finding]:
    found = []
    for kind in KINDS:
        database = site.databases.get(kind, "ours")
        sides = [_side(site, database, ""), *(_side(site, database, off) for off in _PARTS)]
        whole, *without = measure.alternate(sides, site.rounds)
        measure.show([whole, *without], site.jobs)
        for (name, part), side in zip(_PARTS.items(), without, strict=True):
            found.append(measure.times_as_long(f"{name}, {kind}", [whole, side], part.wanted))
    return found


def _side(site: Site, database: Database, off: str) -> Side:
    """Return a load without one kind of totals, or with all of them if `off` is empty."""

    def load() -> None:
        with ExitStack() as stack:
            if off:
                for method in ("add", "write"):
                    stack.enter_context(patch.object(_PARTS[off].kept, method, lambda *_: None))
            inprocess.ingest(site.lines, database.url)

    def check() -> dict[str, int]:
        for name, (_, table, _) in _PARTS.items():
            if table is None:
                continue
            query = {"jobs": f"SELECT coalesce(sum(jobs), 0) FROM {table}"}
            jobs = count(database, query)["jobs"]
            if jobs != (name != off) * site.jobs:
                raise SystemExit(f"the {name} should not count {jobs} jobs")
        return count_archive(database)

    name = f"without {off}" if off else "with all totals"
    return Side(f"{name}, {database.kind}", load, check, database.migrate)


CLAIM = Claim(
    "totals-cost",
    "a first load in process, on both databases, against the same with the day totals, the month totals,"
    " the sketches of builds or the anomalies switched off",
    "at most 1.15 times as long by the day totals, 1.1 by the anomalies, 1.05 by each of the others",
    _measure,
    quick=5_000,
    full=100_000,
)
