"""Appliances with expected nightly backups: their facts, jobs, and reports on them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db, reports, timestamps
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule
from archive.render import delimited
from archive.store import fact_history, judged_backups, settings
from tests.support.archives import import_documents
from tests.support.copies import copied
from tests.support.samples import job

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Engine

    from archive.calendar import Calendar
    from archive.reports import Scope

DAILY = Schedule("default", True, 2, 0, None, None, None, None, None, None, None)  # noqa: FBT003 - as in the answer


def at(moment: str) -> str:
    """Return the instant of a UTC time to the minute, such as `2026-03-01T02:15`."""
    return f"{moment}:00.000000Z"


def night(start: str, status: str = "SUCCEEDED", end: str | None = None, **fields: Any) -> Any:
    """Return a key and a job that starts at a UTC time, and ends within its minute or at another."""
    ended = {"end_time": f"{end}:00.000Z" if end else f"{start}:30.000Z"}
    if status not in ("SUCCEEDED", "FAILED"):
        ended = {}
    key = f"{start[:10].replace('-', '')}-{start[11:13]}{start[14:16]}00-1"
    return key, job(status, **{"start_time": f"{start}:00.000Z", **ended, **fields})


def tell(
    engine: Engine, name: str, seen_at: str, schedules: tuple[Schedule, ...], zone: str | None
) -> None:
    """Record facts of an appliance that already has an import, and judge it by them."""
    with db.writing(engine) as connection:
        table = tables.appliance
        found = connection.execute(sa.select(table.c.id).where(table.c.name == name)).scalar_one()
        fact_history.record(connection, found, Facts(None, zone, schedules), seen_at)
        judged_backups.judge(connection, settings.calendar(connection), {found: 0})


def use(engine: Engine, calendar: Calendar) -> None:
    """Give an archive without jobs a calendar."""
    with db.writing(engine) as connection:
        settings.store_calendar(connection, calendar)


def ask(engine: Engine, name: str, scope: Scope) -> list[tuple[Any, ...]]:
    """Return the rows of a report."""
    with db.reading(engine) as connection:
        return [tuple(row) for row in reports.run(connection, name, scope)]


def notes(engine: Engine, name: str, scope: Scope) -> list[str]:
    """Return the notes of a report."""
    with db.reading(engine) as connection:
        return list(reports.find(name).notes(connection, scope))


def csv(engine: Engine, name: str, scope: Scope) -> str:
    """Return a report as CSV."""
    report, out = reports.find(name), io.StringIO()
    with db.reading(engine) as connection:
        rows = report.cells_of(scope, reports.run(connection, name, scope))
        delimited.write(report.columns_of(scope), rows, out)
    return out.getvalue()


def instant(moment: datetime) -> str:
    """Return a datetime as an instant."""
    return timestamps.from_datetime(moment)


SCHEDULED, CADENCED, UNTOLD = "vc1.example.com", "vc2.example.com", "vc3.example.com"
NOW = at("2026-03-11T08:00")


@copied
def load(engine: Engine) -> None:
    """Load a fleet of three: one with a schedule, one with a cadence, one without expected backups."""
    import_documents(
        engine,
        dict(
            [
                night("2026-03-02T01:00", end="2026-03-02T01:10"),
                night("2026-03-03T01:00", "FAILED"),
                night("2026-03-04T01:00", "FAILED"),
                night("2026-03-04T09:00", type="MANUAL"),
                # None on the 5th.
                night("2026-03-06T01:00"),
                night("2026-03-07T01:00", "FAILED"),
                # Late: after midnight, and before the next is due.
                night("2026-03-08T00:30", type="MANUAL"),
                night("2026-03-08T01:00"),
                night("2026-03-09T01:00", "RUNNING"),
                night("2026-03-10T01:00"),
                night("2026-03-11T01:00"),
            ]
        ),
        SCHEDULED,
        at("2026-03-11T06:00"),
    )
    tell(engine, SCHEDULED, at("2026-03-01T12:00"), (DAILY,), "Europe/Berlin")
    import_documents(
        engine,
        dict([night("2026-03-06T12:00"), night("2026-03-08T12:00")]),
        CADENCED,
        at("2026-03-08T13:00"),
    )
    few = [night(f"2026-03-0{day}T12:00") for day in (1, 2, 3)]
    import_documents(engine, dict(few), UNTOLD, at("2026-03-11T06:00"))
