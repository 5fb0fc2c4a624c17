"""The filters of a scope, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, reports
from archive.db import tables
from archive.reports import Scope
from archive.reports.core import filters
from tests.reports import fleet
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def build(version: str, number: str) -> dict[str, str]:
    return {"version_name": "GA", "version": version, "build_number": number}


JOBS = {
    "20260301-021500-1": job(
        location="sftp://nas.example.com/Übung_1", build=build("8.0.3.00400", "24322831")
    ),
    "20260302-021500-1": job(
        location="sftp://nas.example.com/ÜbungX1", build=build("9.0.2.0", "25148086")
    ),
    "20260303-021500-1": job("FAILED", location="nfs://user:hidden@10.0.0.1/100%"),
}


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({}, 3),
        ({"locations": ("sftp://*",)}, 2),
        ({"locations": ("SFTP://NAS*",)}, 2),
        ({"locations": ("*übung_1",)}, 0),  # letters beyond ASCII have one case
        ({"locations": ("*ÜBUNG_1",)}, 1),  # and _ matches only itself
        ({"locations": ("*Übung?1",)}, 2),
        ({"locations": ("*100%",)}, 1),
        ({"locations": ("*hidden*",)}, 0),  # texts that are not shown are not searched
        ({"locations": ("sftp://*", "nfs://*")}, 3),
        ({"builds": ("8.0.*",)}, 1),
        ({"builds": ("25148086",)}, 1),
        ({"builds": ("9.0.2.0 (25148086)",)}, 1),
        ({"builds": ("8.*", "9.*")}, 2),
        ({"statuses": ("FAILED",)}, 1),
        ({"statuses": ("FAILED",), "locations": ("sftp://*",)}, 0),
        ({"named": frozenset({"vc01"})}, 3),
        ({"named": frozenset({"vc02"})}, 0),
    ],
)
def test_filter_selects_jobs(engine: Engine, asked: dict[str, Any], number: int) -> None:
    import_documents(engine, JOBS)
    with db.reading(engine) as connection:
        rows = reports.run(connection, "success", Scope(period="year", **asked))
        assert sum(row[2] for row in rows) == number


@pytest.mark.parametrize("name", ["builds", "locations", "success", "trends", "volume"])
def test_filter_on_one_outcome_leaves_no_success_rate(engine: Engine, name: str) -> None:
    """Without the successes, or the failures, there is no rate: neither 0 nor 100 %."""
    import_documents(engine, JOBS)
    place = [column.name for column in reports.find(name).columns_of(Scope())].index("success_rate")
    for statuses, has_rate in (
        (("FAILED",), False),
        (("SUCCEEDED", "RUNNING"), False),
        (("SUCCEEDED", "FAILED"), True),
        ((), True),
    ):
        scope = Scope(statuses=statuses)
        with db.reading(engine) as connection:
            report = reports.find(name)
            found = list(report.cells_of(scope, reports.run(connection, name, scope)))
        assert found
        assert all((row[place] is not None) is has_rate for row in found)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("builds", "appliance"),
        ("failures", "build"),
        ("locations", None),
        ("success", "build"),
        ("throughput", None),
    ],
)
def test_row_counts_do_not_depend_on_the_query_plan(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, by: str | None
) -> None:
    """However jobs are looked up, the rows of a report are the same."""
    fleet.load(engine)
    scope = Scope(since="2026-01-06", until="2026-03-01", by=by)
    results = []
    for days in (1, 10**9):
        monkeypatch.setattr(filters, "_MANY_DAYS", days)
        with db.reading(engine) as connection:
            results.append(list(reports.run(connection, name, scope)))
    assert results[0] == results[1]
    assert results[0]


@pytest.mark.parametrize(("until", "indexed"), [("2026-01-31", True), ("2026-12-31", False)])
def test_long_ranges_do_not_use_the_day_index(
    sqlite_archive: Engine, until: str, *, indexed: bool
) -> None:
    """SQLite assumes that any range of days is short, and would look up each job by day."""
    scope = Scope(since="2026-01-01", until=until)
    with db.reading(sqlite_archive) as connection:
        each = sa.select(tables.job.c.key).where(*filters.of_jobs(scope, None, each=True))
        query = each.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert any("ix_job_day" in row[3] for row in plan) == indexed
