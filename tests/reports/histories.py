"""Histories of single appliances, for reports that go through jobs in order."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from archive import db, reports
from archive.render import delimited
from archive.reports import Scope
from tests.support.archives import each, import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    Jobs = dict[str, dict[str, Any]]

NOW = "2026-07-24T12:00:00.000000Z"


def began(start: str, status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a job that starts at a time to the minute, and ends at once if it has ended."""
    times = {"start_time": f"{start}:00.000Z"}
    if status in ("SUCCEEDED", "FAILED"):
        times["end_time"] = times["start_time"]
    return job(status, **(times | fields))


def rows(engine: Engine, name: str, scope: Scope | None = None) -> list[Any]:
    """Return the rows of a report as of `NOW`, unless the scope has its own time."""
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, scope or Scope(now=NOW)))


def csv(engine: Engine, name: str, scope: Scope | None = None) -> str:
    """Return a report as CSV."""
    asked = scope or Scope(now=NOW)
    report = reports.find(name)
    out = io.StringIO()
    with db.reading(engine) as connection:
        cells = report.cells_of(asked, reports.run(connection, name, asked))
        delimited.write(report.columns_of(asked), cells, out)
    return out.getvalue()


def both(engines: list[Engine], fleet: dict[str, Jobs], name: str, scope: Scope) -> list[Any]:
    """Return the rows of a report on a fleet, after checking that both databases give the same."""
    said = []
    for engine in each(engines):
        for appliance, jobs in fleet.items():
            import_documents(engine, jobs, appliance)
        said.append((rows(engine, name, scope), csv(engine, name, scope)))
    assert said[0] == said[1]
    return said[0][0]
