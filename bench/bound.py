"""A first load, against the time that the driver alone takes to write the same rows."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

from bench import inprocess, measure, raw_postgresql, raw_sqlite
from bench.claim import Claim
from bench.databases import POSTGRESQL, SQLITE, count_archive
from bench.first_load import ingest_side
from bench.measure import Finding, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Measured

WANTED = 0.5


def _measure(site: Site) -> list[Finding]:
    found = []
    for measured in (_sqlite(site), _postgresql(site)):
        measure.show(measured, site.jobs)
        command, process, *bounds = measured
        kept = [bound for bound in bounds if "dropped" not in bound.name]
        fastest = min(kept, key=lambda bound: bound.median)
        found += [_share(command, fastest, WANTED), _share(process, fastest)]
        found += [_share(command, bound) for bound in bounds if bound is not fastest]
        gc.unfreeze()
    return found


def _sqlite(site: Site) -> list[Measured]:
    database = site.databases.get(SQLITE, "ours")
    raw = site.databases.get(SQLITE, "raw")
    rows = raw_sqlite.dump(_loaded(site, database).url, _migrated(raw).url)
    writers = {"driver alone, executemany": partial(raw_sqlite.write, raw.url, rows)}
    return _alternate(site, database, raw, writers)


def _postgresql(site: Site) -> list[Measured]:
    database = site.databases.get(POSTGRESQL, "ours")
    raw = site.databases.get(POSTGRESQL, "raw")
    loaded, empty = _loaded(site, database).url, _migrated(raw).url
    text = raw_postgresql.dump(loaded, empty, binary=False)
    binary = raw_postgresql.dump(loaded, empty, binary=True)
    write = partial(raw_postgresql.write, raw.url)
    writers = {
        "driver alone, text COPY": partial(write, text, binary=False),
        "driver alone, binary COPY": partial(write, binary, binary=True),
        "driver alone, text COPY, references dropped": partial(
            write, text, binary=False, drop=True
        ),
        "driver alone, binary COPY, references dropped": partial(
            write, binary, binary=True, drop=True
        ),
    }
    return _alternate(site, database, raw, writers)


def _alternate(
    site: Site, ours: Database, raw: Database, writers: Mapping[str, Callable[[], None]]
) -> list[Measured]:
    # The rows of the bounds are none of the loads' business when those run in this process.
    gc.collect()
    gc.freeze()

    def load() -> None:
        inprocess.ingest(site.lines, ours.url)

    sides = [
        ingest_side(site, ours),
        Side(
            f"in process, {ours.kind}",
            load,
            lambda: count_archive(ours),
            ours.migrate,
        ),
    ]
    for name, write in writers.items():
        sides.append(Side(name, write, lambda: count_archive(raw), raw.migrate))
    return measure.alternate(sides, site.rounds)


def _loaded(site: Site, database: Database) -> Database:
    inprocess.ingest(site.lines, _migrated(database).url)
    return database


def _migrated(database: Database) -> Database:
    database.migrate()
    return database


def _share(ours: Measured, bound: Measured, wanted: float | None = None) -> Finding:
    what = f"{ours.name}, against {bound.name.removeprefix('driver alone, ')}"
    pace, medians = bound.median / ours.median, measure.medians([ours, bound])
    return Finding(what, pace, "of the bound's pace", wanted, medians=medians)


CLAIM = Claim(
    "first-load-bound",
    "`archive ingest` of JSON Lines into an empty archive, on both databases, against the very rows"
    " that come of it written by the driver alone into the same empty tables, with their indexes"
    " and references, in one transaction: the faster of text and binary COPY on PostgreSQL,"
    " executemany on SQLite",
    f"{WANTED:g} of the bound's pace",
    _measure,
    quick=5_000,
    full=100_000,
)
