"""Fleet-wide trends by day: the reports, against plain SQL on `job`, and against DuckDB.

`volume` answers counts and sums, `trends` percentiles as well. Every side has its connection open, and
plain SQL has the indexes made that suit it best.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from functools import partial
from json import loads
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import reports
from bench import environment, fleet, measure
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

    from bench.claim import Site
    from bench.measure import Finding

# The target at ten million jobs; with fewer jobs it only has to be faster than plain SQL.
ALL = 10_000_000
WANTED = {"counts": 300, "percentiles": 20}
REPORTS = {"counts": "volume", "percentiles": "trends"}
INDEXES = (
    "bench_cover ON job (day, status, size_bytes, duration_seconds)",
    "bench_sizes ON job (status, day, size_bytes)",
    "bench_durations ON job (status, day, duration_seconds)",
)

_COUNTS = """
    day,
    sum(CASE WHEN status IN ('SUCCEEDED', 'FAILED') THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END),
    sum(CASE WHEN status = 'SUCCEEDED' THEN size_bytes END)
"""
_BY_DAY = "FROM job GROUP BY day ORDER BY day"
_DURATIONS = ", sum(CASE WHEN status = 'SUCCEEDED' THEN duration_seconds END)"
_DISC = "percentile_disc({}) WITHIN GROUP (ORDER BY {}) FILTER (WHERE status = 'SUCCEEDED')"
_RANKED = """
SELECT
    day,
    max(CASE WHEN place = (number * 50 + 99) / 100 THEN value END),
    max(CASE WHEN place = (number * 95 + 99) / 100 THEN value END)
FROM (
    SELECT
        day,
        {0} AS value,
        row_number() OVER (PARTITION BY day ORDER BY {0}) AS place,
        count(*) OVER (PARTITION BY day) AS number
    FROM job INDEXED BY {1}
    WHERE status = 'SUCCEEDED'
)
GROUP BY day
ORDER BY day
"""

Rows = list[tuple[Any, ...]]


class Other(NamedTuple):
    """A peer of the reports, and how it answers each question."""

    name: str
    ask: Callable[[str], Rows]


def _measure(site: Site) -> list[Finding]:
    environment.prepare()
    source = site.folder / "jobs.csv"
    fleet.write_csv(fleet.filled(site, KINDS[0]), source)
    found: list[Finding] = []
    with duckdb(source) as peer:
        for kind in KINDS:
            found += _compare(kind, fleet.filled(site, kind), peer, site)
    return found


def _compare(kind: str, engine: Engine, peer: Other, site: Site) -> list[Finding]:
    """Measure on one archive, after making its indexes for plain SQL."""
    found: list[Finding] = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for index in INDEXES:
            connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {index}")
        analyse = "VACUUM ANALYZE job" if engine.dialect.name == "postgresql" else "ANALYZE job"
        connection.exec_driver_sql(analyse)
        plain = Other("plain SQL on job", partial(_plain, connection))
        for question, wanted in WANTED.items():
            ask = partial(_report, connection, question)
            for other in (plain, peer):
                _same(other.name, question, ask(), other.ask(question))
            sides = [
                Side(f"{kind}: {name}, {question}", _running(answer), partial(_days, ask))
                for name, answer in (
                    (f"archive report {REPORTS[question]}", ask),
                    (plain.name, partial(plain.ask, question)),
                    (peer.name, partial(peer.ask, question)),
                )
            ]
            ours, by_sql, by_peer = measure.alternate(sides, site.rounds)
            measure.show([ours, by_sql, by_peer], 0)
            least = wanted if site.jobs >= ALL else 1
            what = f"{question} by day, {kind}, against"
            found.append(measure.times_as_fast(f"{what} plain SQL", [ours, by_sql], least))
            not_slower = 1 if site.jobs >= ALL else 0
            found.append(measure.times_as_fast(f"{what} DuckDB", [ours, by_peer], not_slower))
        for index in INDEXES:
            connection.exec_driver_sql(f"DROP INDEX {index.split()[0]}")
    return found


def _running(answer: Callable[[], Rows]) -> Callable[[], None]:
    return lambda: _ignore(answer())


def _ignore(_rows: Rows) -> None:
    """Ignore an answer: its rows were compared before."""


def _days(ask: Callable[[], Rows]) -> dict[str, int]:
    return {"days": len(ask())}


@contextmanager
def duckdb(source: Path) -> Iterator[Other]:
    """Run DuckDB over a table of its own, filled from a CSV file."""
    command = environment.command("duckdb_trends.py", str(source))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        to, back = process.stdin, process.stdout
        if to is None or back is None or back.readline() != "ready\n":
            raise SystemExit("DuckDB has not started")

        def ask(question: str) -> Rows:
            print(question, file=to, flush=True)
            return [tuple(row) for row in loads(back.readline())]

        yield Other("DuckDB", ask)
        to.close()


def _report(connection: Connection, question: str) -> Rows:
    return list(reports.run(connection, REPORTS[question], reports.Scope(period="day")))


def _plain(connection: Connection, question: str) -> Rows:
    if question == "counts":
        return _all(connection, f"SELECT {_COUNTS}{_DURATIONS} {_BY_DAY}")
    if connection.dialect.name == "postgresql":
        discs = (
            _DISC.format("0.5", "size_bytes"),
            _DISC.format("ARRAY[0.5, 0.95]", "duration_seconds"),
        )
        found = _all(connection, f"SELECT {_COUNTS}, {', '.join(discs)} {_BY_DAY}")
        return [(*row[:-1], *(row[-1] or (None, None))) for row in found]
    # Each measure is ranked in the order of an index of its own.
    counts = _all(connection, f"SELECT {_COUNTS} {_BY_DAY}")
    sizes, durations = (
        {row[0]: row[1:] for row in _all(connection, _RANKED.format(value, index))}
        for value, index in (
            ("size_bytes", "bench_sizes"),
            ("duration_seconds", "bench_durations"),
        )
    )
    nothing = (None, None)
    return [
        (*row, sizes.get(row[0], nothing)[0], *durations.get(row[0], nothing)) for row in counts
    ]


def _all(connection: Connection, text: str) -> Rows:
    return [tuple(row) for row in connection.execute(sa.text(text))]


def _same(name: str, question: str, ours: Rows, theirs: Rows) -> None:
    """Compare a report's rows with another's: day, counts and sums exactly, percentiles within 1 %."""
    if len(ours) != len(theirs):
        raise SystemExit(f"{name}: {len(theirs)} days instead of {len(ours)}")
    for report, row in zip(ours, theirs, strict=True):
        exact = report[0], *report[2:5], *report[8:]
        number = 5 if question == "percentiles" else len(exact)
        same = (str(row[0]), *row[1:number]) == exact[:number] and all(
            one == other or (one and other and abs(one - other) * 100 <= abs(other))
            for one, other in zip(exact[number:], row[number:], strict=True)
        )
        if not same:
            raise SystemExit(f"{name} does not agree on {question}: {report} and {row}")


CLAIM = Claim(
    "trends",
    "`archive report volume` (counts and sums) and `archive report trends` (percentiles as well) by"
    " day, all time, in process, against plain SQL on `job` with the indexes"
    " that suit it best, and against DuckDB over its own table of the same rows",
    "300 times as fast as plain SQL, 20 with percentiles, at 10 million jobs; not slower than DuckDB",
    _measure,
    quick=300_000,
    full=ALL,
)
