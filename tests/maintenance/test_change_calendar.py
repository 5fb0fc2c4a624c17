from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar
from archive.db import tables
from archive.maintenance import change_calendar, verify
from archive.store import settings
from tests.support.archives import content, import_documents, rows
from tests.support.laws import some
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

JOBS = {
    "20260301-000000-1": job(start_time="2026-03-01T23:30:00.000Z"),
    "20260302-233000-1": job("PENDING"),
    "never": job("PENDING"),
}
SEEN = "2026-03-03T15:59:59.999999Z"


def days(engine: Engine) -> dict[str, str]:
    columns = tables.job.c
    return dict(rows(engine, sa.select(columns.key, columns.day)))


def stored(engine: Engine) -> Calendar:
    with db.reading(engine) as connection:
        return settings.calendar(connection)


def test_default_calendar(engine: Engine) -> None:
    """By default days are those of UTC, from midnight."""
    assert stored(engine) == Calendar("UTC", "00:00")


@pytest.mark.parametrize(
    ("chosen", "moved", "expected"),
    some(
        [
            (Calendar(), 0, ("2026-03-01", "2026-03-02", "2026-03-03")),
            (Calendar("Europe/Berlin"), 2, ("2026-03-02", "2026-03-03", "2026-03-03")),
            (Calendar("UTC", "16:00"), 1, ("2026-03-01", "2026-03-02", "2026-03-02")),
            (Calendar("Asia/Kathmandu", "16:00"), 0, ("2026-03-01", "2026-03-02", "2026-03-03")),
        ],
        2,
    ),
)
def test_changed_calendar_dates_all_jobs_again(
    engine: Engine, chosen: Calendar, moved: int, expected: tuple[str, ...]
) -> None:
    """Each job gets the day that it would have had from the start, and the changed ones are counted."""
    import_documents(engine, JOBS, seen_at=SEEN)
    assert change_calendar.change_calendar(engine, chosen) == moved
    assert stored(engine) == chosen
    assert days(engine) == dict(zip(JOBS, expected, strict=True))
    starts = sa.select(tables.calendar.c.start_time).where(tables.calendar.c.day == "2026-03-29")
    assert rows(engine, starts) == [(chosen.start("2026-03-29"),)]
    assert list(verify.verify(engine)) == []
    assert change_calendar.change_calendar(engine, chosen) == 0
    change_calendar.change_calendar(engine, Calendar())
    assert days(engine) == dict(zip(JOBS, ("2026-03-01", "2026-03-02", "2026-03-03"), strict=True))


def test_order_of_change_and_import_does_not_matter(engines: list[Engine]) -> None:
    """Jobs imported after a change have the same days as jobs imported before it."""
    chosen = Calendar("Pacific/Chatham", "16:00")
    contents = []
    for engine in engines:
        import_documents(engine, SAMPLES)
        change_calendar.change_calendar(engine, chosen)
        import_documents(engine, SAMPLES, "vc02")
        found = content(engine)["days"]
        assert [row[1:] for row in found if row[0] == "vc01"] == [
            row[1:] for row in found if row[0] == "vc02"
        ]
        contents.append(content(engine))
    assert contents[0] == contents[1]


def test_long_histories_are_dated_in_batches(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any number of jobs, of any number of appliances, are each dated once."""
    monkeypatch.setattr(change_calendar, "_CHUNK", 4)
    for name in ("vc01", "vc02", "vc03"):
        import_documents(engine, {f"{number:08d}": job() for number in range(6)}, name)
    assert change_calendar.change_calendar(engine, Calendar("UTC", "16:00")) == 18
    assert list(verify.verify(engine)) == []


def test_new_day_may_be_in_a_new_year(engine: Engine) -> None:
    """If the new day is in a year that the calendar table lacks, the year is added."""
    import_documents(engine, {"x": job(start_time="1969-01-01T01:00:00.000Z")})
    change_calendar.change_calendar(engine, Calendar("UTC", "16:00"))
    assert days(engine) == {"x": "1968-12-31"}
    year = (tables.calendar.c.year == "1968", tables.calendar.c.day < "1968-01-03")
    assert rows(engine, sa.select(tables.calendar.c.start_time).where(*year)) == [
        ("1968-01-01T16:00:00.000000Z",),
        ("1968-01-02T16:00:00.000000Z",),
    ]
    assert list(verify.verify(engine)) == []
