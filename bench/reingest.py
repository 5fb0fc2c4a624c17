"""The same documents again, against their first load: nothing has changed, so little work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from bench import commands, documents, inprocess, measure
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding, Rows

WANTED = 10
_FIRST = datetime(2026, 10, 1, 6, tzinfo=UTC)


def _measure(site: Site) -> list[Finding]:
    folder = site.folder / "answers"
    folder.mkdir()
    answers = documents.write_answers(folder, site.jobs)
    found = []
    for kind in KINDS:
        sides = (site.databases.get(kind, "first"), site.databases.get(kind, "again"))
        for name, ingest, wanted in (
            ("JSON Lines, in process", partial(_whole, [site.lines]), WANTED),
            ("an answer an appliance, in process", partial(_whole, answers), WANTED),
            ("JSON Lines, command", partial(_lines, site), None),
        ):
            found.append(_compare(site, f"{name}, {kind}", *sides, ingest, wanted))
    return found


def _compare(
    site: Site,
    name: str,
    first: Database,
    again: Database,
    ingest: Callable[[str, str], Rows],
    wanted: float | None,
) -> Finding:
    # Every load sees the documents later than the one before, as in a year of nights.
    instants = (f"{_FIRST + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}" for day in count())
    done: dict[str, Rows] = {}

    def load(database: Database) -> None:
        done[database.url] = ingest(database.url, next(instants))

    def check(database: Database, outcome: str) -> Rows:
        counts = done[database.url]
        if counts[outcome] != site.jobs:
            raise SystemExit(f"{site.jobs} documents should be {outcome}: {counts}")
        return {"jobs": counts["seen"]}

    again.migrate()
    load(again)
    check(again, "new")
    sides = [
        Side("again", lambda: load(again), lambda: check(again, "unchanged")),
        Side("first", lambda: load(first), lambda: check(first, "new"), first.migrate),
    ]
    measured = measure.alternate(sides, site.rounds)
    print(f"  {name}")
    measure.show(measured, site.jobs)
    return measure.times_as_fast(name, measured, wanted)


def _lines(site: Site, url: str, seen_at: str) -> Rows:
    return commands.ingest(site.lines, url, "--seen-at", seen_at)


def _whole(paths: list[Path], url: str, seen_at: str) -> Rows:
    total: Rows = {}
    for path in paths:
        name = path.stem if path.suffix == ".json" else None
        counts = inprocess.ingest(path, url, name, seen_at.replace("Z", ".000000Z"))
        for name, value in vars(counts).items():
            total[name] = total.get(name, 0) + value
    return total


CLAIM = Claim(
    "reingest",
    "the same documents ingested again with nothing changed, against their first load, on both"
    " databases, in process: as JSON Lines, and as one answer an appliance; and by the command",
    f"{WANTED} times as fast",
    _measure,
    quick=10_000,
    full=100_000,
)
