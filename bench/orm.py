"""A first load, against a session of SQLAlchemy's ORM: whole processes, on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import commands, measure
from bench.claim import Claim
from bench.databases import POSTGRESQL, count
from bench.first_load import ingest_side
from bench.measure import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.claim import Site
    from bench.databases import Database
    from bench.measure import Finding, Rows

WANTED = 30
_SCRIPT = str(Path(__file__).parent / "peers" / "orm_load.py")


def _measure(site: Site) -> list[Finding]:
    sides = [
        ingest_side(site, site.databases.get(POSTGRESQL, "ours")),
        _orm_side(site, site.databases.get(POSTGRESQL, "orm")),
    ]
    measured = measure.alternate(sides, site.rounds)
    measure.show(measured, site.jobs)
    return [measure.times_as_fast("PostgreSQL, against an ORM session", measured, WANTED)]


def _orm_side(site: Site, database: Database) -> Side:
    def load() -> Mapping[str, float]:
        output = commands.python(_SCRIPT, "load", database.url, str(site.lines))
        parts: dict[str, float] = commands.last_json(output)
        return parts

    def prepare() -> None:
        database.blank()
        commands.python(_SCRIPT, "prepare", database.url)

    return Side(f"ORM session, {database.kind}", load, lambda: _count(database), prepare)


def _count(database: Database) -> Rows:
    return count(
        database,
        {
            "jobs": "SELECT count(*) FROM orm_job",
            "messages": "SELECT count(*) FROM orm_message WHERE role = 'message'",
            "arguments": "SELECT count(*) FROM orm_arg",
        },
    )


CLAIM = Claim(
    "first-load-orm",
    "`archive ingest` of JSON Lines into an empty archive on PostgreSQL, against a script with"
    " classes of SQLAlchemy's ORM, `add_all` and one commit for each appliance; whole processes",
    f"{WANTED} times as fast",
    _measure,
    quick=3_000,
    full=50_000,
)
