from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import given

from archive import calendar, db
from archive.db import tables
from archive.maintenance import verify
from archive.maintenance.change_calendar import change_calendar
from archive.store import appliance_months, totals
from tests.store.test_day_totals import IMPORTS, shared
from tests.support.archives import each, import_documents, rows
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

MONTH = tables.appliance_month.c
NAS = "sftp://nas.example.com/backup"


def on(day: str, status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a job that starts in the night before noon of a day."""
    return job(status, start_time=f"{day}T02:15:00.000Z", **fields)


def differences(engine: Engine) -> int:
    """Return the number of rows of wrong stored totals."""
    with db.reading(engine) as connection:
        return len(appliance_months.differences(connection))


@shared
@given(IMPORTS)
def test_totals_equal_those_of_the_jobs(engines: list[Engine], imports: list[Any]) -> None:
    """After any imports, in any order, repeated or changed, the totals are those of the jobs."""
    for engine in each(engines):
        for appliance, hour, jobs in imports:
            import_documents(engine, jobs, appliance, f"2026-07-2{hour}T00:00:00.000000Z")
            assert differences(engine) == 0


def test_row_has_the_totals_of_a_month(engine: Engine) -> None:
    """Jobs that are alike in type, status, target and build share a row; sums exceed 64 bits."""
    documents = {
        "a": on("2026-03-01", size=2**63 - 1, duration=60, location=NAS),
        "b": on("2026-03-31", size=2**63 - 1, duration=30, location=NAS),
        "c": on("2026-03-31", "FAILED", size=None, duration=None, location=None, type=None),
        "d": on("2026-04-01", size=5, duration=5, location=NAS),
    }
    import_documents(engine, documents)
    columns = ("month", "seq", "type", "status", "jobs", "sized", "timed", "first_day", "last_day",
               "days")  # fmt: skip
    found = rows(
        engine, sa.select(*(MONTH[name] for name in columns)).order_by(MONTH.month, MONTH.seq)
    )
    assert found == [
        ("2026-03", 1, None, "FAILED", 1, 0, 0, "2026-03-31", "2026-03-31", 1 << 30),
        (
            "2026-03",
            2,
            "SCHEDULED",
            "SUCCEEDED",
            2,
            2,
            2,
            "2026-03-01",
            "2026-03-31",
            1 + (1 << 30),
        ),
        ("2026-04", 1, "SCHEDULED", "SUCCEEDED", 1, 1, 1, "2026-04-01", "2026-04-01", 1),
    ]
    sums = sa.select(MONTH.size_high, MONTH.size_low, MONTH.duration_low).where(MONTH.jobs == 2)
    ((high, low, seconds),) = rows(engine, sums)
    assert ((high << 32) + low, seconds) == (2 * (2**63 - 1), 90)


def test_changed_status_leaves_no_row_behind(engine: Engine) -> None:
    """The row of a status that no job has any more is gone."""
    for status in ("RUNNING", "SUCCEEDED"):
        import_documents(engine, {"a": on("2026-03-01", status)})
        assert rows(engine, sa.select(MONTH.status, MONTH.jobs)) == [(status, 1)]


def test_changed_calendar_moves_the_totals(engine: Engine) -> None:
    """When jobs get days of another month, their totals follow."""
    import_documents(engine, {"a": on("2026-03-01")})
    change_calendar(engine, calendar.Calendar("UTC", "16:00"))
    assert differences(engine) == 0
    assert rows(engine, sa.select(MONTH.month)) == [("2026-02",)]


def test_wrong_totals_are_found_and_rebuilt(engine: Engine) -> None:
    """A wrong row is reported, and rebuilding fixes it."""
    import_documents(engine, {"a": on("2026-03-01"), "b": on("2026-04-01", "FAILED")})
    with db.writing(engine) as connection:
        connection.execute(sa.update(tables.appliance_month).values(jobs=7))
    assert list(verify.verify(engine)) == [
        f"appliance_month (appliance_id 1, month {month}, seq 1): wrong jobs: run `archive db rebuild`"
        for month in ("2026-03", "2026-04")
    ]
    with db.writing(engine) as connection:
        assert totals.rebuild(connection) == 2
    assert list(verify.verify(engine)) == []
