"""Imports, against those of the commit before messages were stored once: loads, one new job, nothing new.

Both are whole commands, each with an archive of its own. The earlier commit has neither the judgement
nor the chain of evidence, and runs with the same versions of all dependencies.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from bench import commands, documents, measure
from bench.claim import Claim
from bench.databases import KINDS, SQLITE, count
from bench.measure import Finding, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.claim import Site
    from bench.databases import Database
    from bench.documents import Mix
    from bench.measure import Rows

BEFORE = "e7ec9f3"
ROOT = Path(__file__).parent.parent
WANTED = {documents.FEW: 1.8, documents.INTERLEAVED: 1.6, documents.DISTINCT: 0.87}
_SEEN = ("2026-09-29T06:00:00.000000Z", "2026-09-30T06:00:00.000000Z")
_JOBS = {"jobs": "SELECT count(*) FROM job"}


class _Version(NamedTuple):
    """A version of the package: its name, that of its databases, and the root of its checkout."""

    name: str
    database: str
    root: Path

    def run(self, *arguments: str) -> None:
        """Run the command of this version."""
        added = {"PYTHONPATH": str(self.root), "PYTHONSAFEPATH": "1"}  # not that of this folder
        commands.run([sys.executable, "-m", "archive", *arguments], added)


def _measure(site: Site) -> list[Finding]:
    found: list[Finding] = []
    with _checkout(site.folder / "before") as root:
        versions = (
            _Version("now", "ours", ROOT),
            _Version(f"commit {BEFORE}", "earlier", root),
        )
        for mix in documents.MIXES:
            path = site.folder / "mix.jsonl"
            documents.write_lines(path, site.jobs, mix=mix)
            for kind in KINDS:
                found += _first_load(site, versions, mix, path, kind)
        for kind in KINDS:
            found += _later(site, versions, kind)
    return found


def _first_load(
    site: Site, versions: tuple[_Version, ...], mix: Mix, path: Path, kind: str
) -> list[Finding]:
    sizes: dict[str, int] = {}

    def side(version: _Version) -> Side:
        database = site.databases.get(kind, version.database)

        def prepare() -> None:
            database.blank()
            version.run("db", "upgrade", "--database", database.url)
            sizes[version.name] = -_size(database)

        def load() -> None:
            version.run("ingest", str(path), "--database", database.url)

        def counted() -> Rows:
            sizes[version.name] += _size(database)
            return count(database, _JOBS)

        return Side(version.name, load, counted, prepare)

    name = f"{mix.name}, {kind}"
    print(f"  first load, {name}")
    measured = measure.alternate([side(version) for version in versions], site.rounds)
    measure.show(measured, site.jobs)
    ours, before = sizes.values()
    print(f"  bytes a job: {ours / site.jobs:,.0f} now, {before / site.jobs:,.0f} before")
    wanted = 0.75 if mix is documents.FEW else 1.15 if mix is documents.DISTINCT else None
    return [
        measure.times_as_fast(f"first load, {name}", measured, WANTED[mix]),
        Finding(f"bytes a job, {name}", ours / before, "times as many", wanted, at_most=True),
    ]


def _later(site: Site, versions: tuple[_Version, ...], kind: str) -> list[Finding]:
    """Import a night's jobs of all appliances, then the whole history again."""
    appliances = max(site.jobs // 20, 1)
    history, night, whole = (
        site.folder / f"{name}.jsonl" for name in ("history", "night", "whole")
    )
    with history.open("w") as old, night.open("w") as new, whole.open("w") as every:
        mix = documents.FEW._replace(appliances=appliances)
        for place, (name, key, info) in enumerate(documents.lines(appliances * 20, mix=mix)):
            line = f'{{"appliance":"{name}","job":"{key}","info":{info}}}\n'
            every.write(line)
            (old if place < appliances * 19 else new).write(line)
    found = []
    for what, first, then in (
        (f"a new job of {appliances:,} appliances", history, night),
        ("an unchanged history", whole, whole),
    ):

        def side(version: _Version, first: Path = first, then: Path = then) -> Side:
            database = site.databases.get(kind, version.database)

            def prepare() -> None:
                database.blank()
                version.run("db", "upgrade", "--database", database.url)
                where = ("--database", database.url, "--seen-at")
                version.run("ingest", str(first), *where, _SEEN[0])

            def load() -> None:
                version.run("ingest", str(then), "--database", database.url, "--seen-at", _SEEN[1])

            return Side(version.name, load, lambda: count(database, _JOBS), prepare)

        print(f"  {what}, {kind}")
        measured = measure.alternate([side(version) for version in versions], site.rounds)
        measure.show(measured, 0)
        found.append(measure.times_as_fast(f"{what}, {kind}", measured, 1))
    return found


def _size(database: Database) -> int:
    if database.kind == SQLITE:
        place = sa.make_url(database.url).database
        return Path(str(place)).stat().st_size
    query = "SELECT pg_database_size(current_database())"
    return count(database, {"bytes": query})["bytes"]


@contextmanager
def _checkout(folder: Path) -> Iterator[Path]:
    """Check out the earlier commit into a folder, for a while."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), BEFORE], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


CLAIM = Claim(
    "first-load-before",
    f"imports of commit {BEFORE}, which stored each message with each job and had no judgement: a first load"
    " of three kinds of documents, and later imports of one new job of each appliance and of nothing new;"
    " whole processes, and the bytes of a job",
    "1.8, 1.6 and 0.87 times as fast a first load, later ones not slower; 25 % fewer bytes of the first kind,"
    " at most 15 % more of the last",
    _measure,
    quick=20_000,
    full=100_000,
)
