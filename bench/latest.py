"""The latest job of every appliance: `sql/latest_jobs.sql` against a window function over all jobs.

Each has run once, untimed, just before it is timed, on the same connection: both find what
they read in the caches.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import dialects, queries
from bench import fleet, measure

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

# What is wanted of ten million jobs; fewer need only be faster.
ALL = 10_000_000
WANTED = 50
# Of appliances that have jobs: joined with them, SQLite would store all that are ranked first.
_WINDOW = """
SELECT
    (SELECT name FROM appliance WHERE id = appliance_id) AS appliance,
    day, key, status, type, start_time, duration_seconds, size_bytes
FROM (
    SELECT
        appliance_id, day, key, status, type, start_time, duration_seconds, size_bytes,
        row_number() OVER (PARTITION BY appliance_id ORDER BY day DESC, key DESC) AS place
    FROM job
) AS ranked
WHERE place = 1
ORDER BY day NULLS FIRST, appliance
"""


def main(jobs: int = ALL, rounds: int = measure.ROUNDS) -> None:
    """Make the archives, and measure on each."""
    with fleet.archives(jobs) as engines:
        for engine in engines:
            compare(engine, jobs, rounds)


def compare(engine: Engine, jobs: int, rounds: int) -> float:
    """Measure on one archive, and return how many times faster it is to walk the appliances."""
    walk, window = queries.find("latest_jobs").text, _WINDOW
    with dialects.reading(engine) as connection:
        if _rows(connection, walk) != _rows(connection, window):
            raise SystemExit(f"{engine.dialect.name}: the two ways do not agree")
        sides = [
            measure.Side(name, partial(_number, connection, text), partial(_warm, connection, text))
            for name, text in (("latest_jobs", walk), ("window function", window))
        ]
        ours, other = measure.alternate(sides, rounds)
    claim = f"{engine.dialect.name}: latest job of each appliance, of {jobs:,} jobs"
    return measure.tell(claim, WANTED if jobs >= ALL else 1, ours, other, "appliances")


def _rows(connection: Connection, text: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(sa.text(text))]


def _number(connection: Connection, text: str) -> int:
    return len(_rows(connection, text))


def _warm(connection: Connection, text: str) -> None:
    _rows(connection, text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=int, nargs="?", default=ALL)
    parser.add_argument("rounds", type=int, nargs="?", default=measure.ROUNDS)
    given = parser.parse_args()
    main(given.jobs, given.rounds)
