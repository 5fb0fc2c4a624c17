"""Fleet-wide trends by day: the reports, against plain SQL on `job`, and against DuckDB.

`volume` answers counts and sums, `trends` percentiles as well; the time of opening the connection is
theirs. Plain SQL has the indexes made that suit it best, and its connection open.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import dialects, reports
from bench import fleet, measure, servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

# What is wanted of ten million jobs; fewer need only be faster than plain SQL.
# DuckDB is quick over few, where most of a report's time is the opening of its connection.
ALL = 10_000_000
WANTED = {"counts": 300, "percentiles": 20}
REPORTS = {"counts": "volume", "percentiles": "trends"}
PEER = Path(__file__).parent / "peers" / "duckdb_trends.py"
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
    """Whom the reports are compared with, and how it answers each question."""

    name: str
    ask: Callable[[str], Rows]


def main(jobs: int = ALL, rounds: int = measure.ROUNDS, python: str = sys.executable) -> None:
    """Make the archives, and measure on each; `python` is one that has DuckDB."""
    with servers.folder() as folder, fleet.archives(jobs) as engines:
        fleet.write_csv(folder / "jobs.csv", jobs)
        with duckdb(python, folder / "jobs.csv") as peer:
            for engine in engines:
                compare(engine, peer, jobs, rounds)


def compare(engine: Engine, peer: Other, jobs: int, rounds: int) -> None:
    """Measure on one archive, after making its indexes for plain SQL."""
    with dialects.writing(engine) as connection:
        for index in INDEXES:
            connection.exec_driver_sql(f"CREATE INDEX {index}")
        connection.exec_driver_sql("ANALYZE job")
    fleet.tidy(engine)
    with dialects.reading(engine) as connection:
        plain = Other("plain SQL on job", partial(_plain, connection))
        for question, wanted in WANTED.items():
            ask = partial(_report, engine, question)
            for other in (plain, peer):
                _same(other.name, question, ask(), other.ask(question))
            sides = [
                measure.Side(name, partial(_number, answer))
                for name, answer in (
                    (f"archive report {REPORTS[question]}", ask),
                    (plain.name, partial(plain.ask, question)),
                    (peer.name, partial(peer.ask, question)),
                )
            ]
            ours, *others = measure.alternate(sides, rounds)
            claim = f"{engine.dialect.name}: {question} by day, of {jobs:,} jobs, against "
            least = wanted if jobs >= ALL else 1
            measure.tell(claim + plain.name, least, ours, others[0], "days")
            measure.tell(claim + peer.name, int(jobs >= ALL), ours, others[1], "days")


@contextmanager
def duckdb(python: str, source: Path) -> Iterator[Other]:
    """Run DuckDB over a table of its own, filled from a CSV file."""
    command = [python, str(PEER), str(source)]
    with subprocess.Popen(  # noqa: S603 - our own script
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


def _report(engine: Engine, question: str) -> Rows:
    scope = reports.Scope(period="day")
    with dialects.reading(engine) as connection:
        return list(reports.run(connection, REPORTS[question], scope))


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


def _number(answer: Callable[[], Rows]) -> int:
    return len(answer())


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=int, nargs="?", default=ALL)
    parser.add_argument("rounds", type=int, nargs="?", default=measure.ROUNDS)
    parser.add_argument("--python", default=sys.executable, help="one that has DuckDB")
    given = parser.parse_args()
    main(given.jobs, given.rounds, given.python)
