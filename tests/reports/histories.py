"""Histories of single appliances, for the reports that walk them."""

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
    """A job that starts at a time to the minute, and ends at once if it has ended."""
    times = {"start_time": f"{start}:00.000Z"}
    if status in ("SUCCEEDED", "FAILED"):
        times["end_time"] = times["start_time"]
    return job(status, **(times | fields))


def rows(engine: Engine, name: str, scope: Scope | None = None) -> list[Any]:
    """Return what a report says as of `NOW`, unless a scope says of when."""
    with db.reading(engine) as connection:
        return list(reports.run(connection, name, scope or Scope(now=NOW)))


def csv(engine: Engine, name: str, scope: Scope | None = None) -> str:
    """Return what a report says as CSV."""
    asked = scope or Scope(now=NOW)
    report = reports.find(name)
    out = io.StringIO()
    with db.reading(engine) as connection:
        cells = report.cells_of(asked, reports.run(connection, name, asked))
        delimited.write(report.columns_of(asked), cells, out)
    return out.getvalue()


def both(engines: list[Engine], fleet: dict[str, Jobs], name: str, scope: Scope) -> list[Any]:
    """Return what a report says of a fleet, after checking that both databases say the same."""
    said = []
    for engine in each(engines):
        for appliance, jobs in fleet.items():
            import_documents(engine, jobs, appliance)
        said.append((rows(engine, name, scope), csv(engine, name, scope)))
    assert said[0] == said[1]
    return said[0][0]
