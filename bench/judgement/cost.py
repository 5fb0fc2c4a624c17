"""The cost of the judgement for imports and for the size of an archive, against none of it.

Processor time is that of this process, of the processes that it starts and of the database server: the
clock of a busy machine says little.
"""

from __future__ import annotations

import io
import os
from contextlib import ExitStack
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING
from unittest.mock import patch

from archive import db, timestamps
from archive.db import migrate
from archive.ingest.ingest import ingest
from archive.ingest.run import Source
from archive.store.anomalies import ChangedSuccesses
from archive.store.judged_backups import ChangedAppliances
from bench import documents, inprocess, measure
from bench.claim import Claim
from bench.databases import KINDS, count, count_archive
from bench.measure import Finding, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.claim import Site
    from bench.databases import Database
    from bench.documents import Mix
    from bench.measure import Measured, Rows

MOST_OF_LOAD, MOST_MILLISECONDS, MOST_OF_SIZE = 1.1, 1.0, 1.1
# An appliance has so many nights before the measured ones: enough for each rule of the judgement.
_NIGHTS = 120
# A week, as a forecast is made anew when a week is over.
_MEASURED = 7
_PROCESSOR = "processor time"
_SWITCHED_OFF = {
    ChangedSuccesses: ("add", "write"),
    ChangedAppliances: ("see", "change", "judge", "judge_later"),
}


def _measure(site: Site) -> list[Finding]:
    found: list[Finding] = []
    for mix in (documents.FEW, documents.INTERLEAVED):
        for kind in KINDS:
            found += _first_load(site, mix, kind)
    appliances = max(site.jobs // 20 // _MEASURED, 1)
    return [*found, *(_nightly(site, appliances, kind) for kind in KINDS)]


def _first_load(site: Site, mix: Mix, kind: str) -> list[Finding]:
    path = site.folder / "mix.jsonl"
    documents.write_lines(path, site.jobs, mix=mix)
    database = site.databases.get(kind, "ours")
    sizes: dict[bool, int] = {}

    def side(*, judged: bool) -> Side:
        def load() -> None:
            inprocess.ingest(path, database.url)

        def check() -> Rows:
            sizes[judged] = database.size()
            _check(database, "expected_backup", judged=judged)
            return count_archive(database)

        return Side(
            _name(judged=judged), _timed(database, load, judged=judged), check, database.migrate
        )

    name = f"first load, {mix.name}, {kind}"
    judged, without = _compared(name, [side(judged=True), side(judged=False)], site)
    return [
        Finding(
            name,
            _processor(judged) / _processor(without),
            "times the processor time",
            MOST_OF_LOAD,
            at_most=True,
            medians={each.name: _processor(each) for each in (judged, without)},
        ),
        Finding(
            f"size, {mix.name}, {kind}",
            sizes[True] / sizes[False],
            "times as large",
            MOST_OF_SIZE,
            at_most=True,
        ),
    ]


def _nightly(site: Site, appliances: int, kind: str) -> Finding:
    """Import one new job of each appliance in each night of a week, as answers."""
    before, database = (site.databases.get(kind, name) for name in ("before", "ours"))
    histories = list(_histories(appliances))
    before.migrate()
    # In two imports, so that the latest one of each appliance is as small as the next.
    for seen_at, nights in (
        (_seen(_MEASURED + 1), slice(-_MEASURED - 1)),
        (_seen(_MEASURED), slice(-_MEASURED - 1, -_MEASURED)),
    ):
        path = site.folder / "history.jsonl"
        with path.open("w", encoding="ascii") as file:
            for name, lines in histories:
                for _, key, info in lines[nights]:
                    file.write(f'{{"appliance":"{name}","job":"{key}","info":{info}}}\n')
        inprocess.ingest(path, before.url, seen_at=seen_at)

    def load() -> None:
        # As a collection does.
        with db.keeping(migrate.connect(database.url), 1) as engine:
            for night in range(_MEASURED, 0, -1):
                for name, lines in histories:
                    line = lines[-night]
                    answer = io.BytesIO(f'{{"{line.key}":{line.info}}}'.encode("ascii"))
                    source = Source(name, io.BufferedReader(answer), name, _seen(night - 1))
                    ingest(engine, source)

    def side(*, judged: bool) -> Side:
        return Side(
            _name(judged=judged),
            _timed(database, load, judged=judged),
            lambda: count_archive(database),
            lambda: database.copy(before),
        )

    name = f"import of one new job, {kind}"
    judged, without = _compared(name, [side(judged=True), side(judged=False)], site)
    imports = appliances * _MEASURED
    milliseconds = (_processor(judged) - _processor(without)) / imports * 1000
    print(f"  of {_processor(judged) / imports * 1000:.1f} ms of processor time an import")
    return Finding(
        name,
        milliseconds,
        "ms of processor time",
        MOST_MILLISECONDS,
        at_most=True,
        medians={each.name: _processor(each) for each in (judged, without)},
    )


def _seen(nights: int) -> str:
    """Return the instant of the import so many nights before the last one."""
    return timestamps.from_datetime(documents.END + timedelta(hours=6) - timedelta(days=nights))


def _histories(appliances: int) -> Iterator[tuple[str, list[documents.Line]]]:
    nights = _NIGHTS + _MEASURED
    lines = documents.lines(appliances * nights, per_appliance=nights)
    for name, theirs in groupby(lines, key=attrgetter("appliance")):
        yield name, list(theirs)


def _name(*, judged: bool) -> str:
    return "with the judgement" if judged else "without"


def _compared(name: str, sides: list[Side], site: Site) -> list[Measured]:
    print(f"  {name}")
    measured = measure.alternate(sides, site.rounds)
    measure.show(measured, 0)
    return measured


def _timed(
    database: Database, load: Callable[[], None], *, judged: bool
) -> Callable[[], dict[str, float]]:
    """Return a load that also tells its processor time, in seconds."""

    def run() -> dict[str, float]:
        with ExitStack() as stack:
            for changed, methods in _SWITCHED_OFF.items() if not judged else ():
                for method in methods:
                    stack.enter_context(patch.object(changed, method, lambda *_: None))
            before = sum(os.times()[:4]) + database.processor_seconds()
            load()
            return {_PROCESSOR: sum(os.times()[:4]) + database.processor_seconds() - before}

    return run


def _processor(side: Measured) -> float:
    # Other work on the machine only ever adds to it.
    return min(side.parts[_PROCESSOR])


def _check(database: Database, table: str, *, judged: bool) -> None:
    rows = count(database, {table: f"SELECT count(*) FROM {table}"})[table]
    if bool(rows) != judged:
        raise SystemExit(f"{_name(judged=judged)} there should not be {rows} rows of {table}")


CLAIM = Claim(
    "judgement-cost",
    "a first load of two kinds of documents, and the imports of one new job a night of each of many"
    " appliances with a history of 120 nights over a week, in process, on both databases, against the same without the judgement:"
    " processor time of the command and of the server, and the size of the archive",
    f"at most {MOST_OF_LOAD:g} times the processor time and {MOST_OF_SIZE:g} times the size of a first load;"
    f" at most {MOST_MILLISECONDS:g} ms more for the import of one job",
    _measure,
    quick=20_000,
    full=100_000,
)
