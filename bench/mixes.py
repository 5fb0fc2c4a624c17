"""A first load of each kind of documents, against `json.loads` of each line alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench import commands, documents, measure
from bench.claim import Claim
from bench.databases import KINDS, SQLITE, count_archive
from bench.measure import Side

if TYPE_CHECKING:
    from pathlib import Path

    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding, Rows

WANTED = 12


def _measure(site: Site) -> list[Finding]:
    found = []
    for mix in documents.MIXES:
        path = site.folder / "mix.jsonl"
        documents.write_lines(path, site.jobs, mix=mix)
        for kind in KINDS:
            database = site.databases.get(kind, "ours")
            wanted = WANTED if (mix, kind) == (documents.INTERLEAVED, SQLITE) else None
            found.append(_compare(site, f"{kind}, {mix.name}", path, database, wanted))
    return found


def _compare(
    site: Site, name: str, path: Path, database: Database, wanted: float | None
) -> Finding:
    rows: list[Rows] = []

    def load() -> None:
        commands.ingest(path, database.url)

    def count() -> Rows:
        rows[:] = [count_archive(database)]
        return rows[0]

    def parse() -> None:
        with path.open("rb") as file:
            for line in file:
                json.loads(line)

    measured = measure.alternate(
        [
            Side(f"archive ingest, {database.kind}", load, count, database.migrate),
            Side("json.loads", parse, lambda: rows[0]),
        ],
        site.rounds,
    )
    print(f"  {name}: {database.size() / site.jobs:,.0f} bytes a job")
    measure.show(measured, site.jobs)
    return measure.times_as_long(name, measured, wanted)


CLAIM = Claim(
    "first-load-mixes",
    "`archive ingest` of three kinds of documents as JSON Lines into an empty archive, on both"
    " databases, against `json.loads` of each line alone: few distinct messages; half of them"
    " distinct, 300 appliances interleaved, a double in 30 % of the documents; all of them distinct",
    f"at most {WANTED} times as long for the second kind on SQLite",
    _measure,
    quick=20_000,
    full=100_000,
)
