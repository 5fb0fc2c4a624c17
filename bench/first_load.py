"""A first load against dlt: whole processes, on both databases."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from bench import commands, environment, measure
from bench.claim import Claim
from bench.databases import POSTGRESQL, SQLITE, count, count_archive
from bench.measure import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding, Rows


def ingest_side(site: Site, database: Database) -> Side:
    """Return the command's side of a first load, into an existing empty archive."""

    def load() -> None:
        commands.ingest(site.lines, database.url)

    name = f"archive ingest, {database.kind}"
    return Side(name, load, lambda: count_archive(database), database.migrate)


def _measure(kind: str, wanted: float, site: Site) -> list[Finding]:
    environment.prepare()
    sides = [
        ingest_side(site, site.databases.get(kind, "ours")),
        _dlt_side(site, site.databases.get(kind, "dlt"), "tuned"),
        _dlt_side(site, site.databases.get(kind, "dlt"), "plain"),
    ]
    ours, tuned, plain = measure.alternate(sides, site.rounds)
    measure.show([ours, tuned, plain], site.jobs)
    return [
        measure.times_as_fast(f"{kind}, against dlt tuned", [ours, tuned], wanted),
        measure.times_as_fast(f"{kind}, against dlt with nothing set", [ours, plain], None),
    ]


def _dlt_side(site: Site, database: Database, mode: str) -> Side:
    # On SQLite a dataset of another name is another file.
    dataset = "main" if database.kind == SQLITE else "fleet"
    state = site.folder / "dlt"
    url = database.url.replace("+psycopg", "").replace("postgres@", "postgres:unused@")

    def load() -> Mapping[str, float]:
        output = environment.peer("dlt_load.py", str(site.lines), url, dataset, str(state), mode)
        parts: dict[str, float] = commands.last_json(output)
        return parts

    def prepare() -> None:
        database.blank()
        shutil.rmtree(state, ignore_errors=True)

    return Side(
        f"dlt {mode}, {database.kind}", load, lambda: _count_dlt(database, dataset), prepare
    )


def _count_dlt(database: Database, dataset: str) -> Rows:
    jobs = f"{dataset}.jobs"
    return count(
        database,
        {
            "jobs": f"SELECT count(*) FROM {jobs}",
            "messages": f"SELECT count(*) FROM {jobs}__messages",
            "arguments": f"SELECT (SELECT count(*) FROM {jobs}__messages__args)"
            f" + (SELECT count(*) FROM {jobs}__progress__message__args)",
        },
    )


ON_POSTGRESQL = Claim(
    "first-load-postgresql",
    "`archive ingest` of JSON Lines into an empty archive on PostgreSQL, against dlt merging the"
    " same file on (appliance, job) into an empty dataset on the same server, tuned as its"
    " documentation advises, and as it comes; whole processes",
    "8 times as fast",
    partial(_measure, POSTGRESQL, 8),
    quick=20_000,
    full=100_000,
)
ON_SQLITE = Claim(
    "first-load-sqlite",
    "the same on SQLite, against dlt's sqlalchemy destination",
    "10 times as fast",
    partial(_measure, SQLITE, 10),
    quick=20_000,
    full=100_000,
)
