"""The latest job of every appliance: `sql/latest_jobs.sql` against a window function over all jobs.

Each has run once, untimed, just before it is timed, on the same connection: both find what they read
in the caches.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.reports import sql_files
from bench import fleet, measure
from bench.claim import Claim
from bench.databases import KINDS
from bench.measure import Side

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

    from bench.claim import Site
    from bench.measure import Finding

# The target at ten million jobs; with fewer jobs it only has to be faster.
ALL = 10_000_000
WANTED = 50
_WINDOW = """
SELECT appliance, day, key, status, type, start_time, duration_seconds, size_bytes
FROM (
    SELECT
        appliance.name AS appliance, job.day, job.key, job.status, job.type, job.start_time,
        job.duration_seconds, job.size_bytes, job.place
    FROM appliance
    LEFT JOIN (
        SELECT
            job.*,
            row_number() OVER (PARTITION BY appliance_id ORDER BY day DESC, key DESC) AS place
        FROM job
    ) AS job ON appliance.id = job.appliance_id
) AS ranked
WHERE place = 1 OR place IS NULL
ORDER BY day NULLS FIRST, appliance
"""


def _measure(site: Site) -> list[Finding]:
    return [_compare(kind, fleet.filled(site, kind), site) for kind in KINDS]


def _compare(kind: str, engine: Engine, site: Site) -> Finding:
    walk, window = sql_files.find("latest_jobs", "sqlite").text, _WINDOW
    with db.reading(engine) as connection:
        if _rows(connection, walk) != _rows(connection, window):
            raise SystemExit(f"{kind}: the two ways do not agree")
        sides = [
            Side(f"{kind}: {name}", ask, partial(_count, connection), ask)
            for name, text in (("latest_jobs", walk), ("window function", window))
            for ask in (partial(_ask, connection, text),)
        ]
        measured = measure.alternate(sides, site.rounds)
    measure.show(measured, 0)
    least = WANTED if site.jobs >= ALL else 1
    return measure.times_as_fast(f"latest job of each appliance, {kind}", measured, least)


def _ask(connection: Connection, text: str) -> None:
    _rows(connection, text)


def _count(connection: Connection) -> dict[str, int]:
    return {"appliances": _rows(connection, "SELECT count(*) FROM appliance")[0][0]}


def _rows(connection: Connection, text: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(sa.text(text))]


CLAIM = Claim(
    "latest-jobs",
    "the latest job of every appliance by `archive sql latest_jobs`, in process,"
    " against a window function over all jobs",
    "50 times as fast, at 10 million jobs",
    _measure,
    quick=300_000,
    full=ALL,
)
