"""What a clock that is far off may cause, and that it heals when the clock is right again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import CALENDAR_YEARS
from archive.db import tables
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.maintenance import verify
from tests.store.test_judged_backups import NEVER, answer, differences, instant, schedule
from tests.support.archives import count, import_documents, rows, stream

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FAR = "2999-01-01T06:00:00.000000Z"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
NOW = BEGIN + timedelta(60, hours=6)
DAILY = [
    (BEGIN + timedelta(day, hours=2, minutes=15), "SCHEDULED", "SUCCEEDED") for day in range(62)
]
# Two years of a daily backup, and what is due ahead.
MOST = 60 + 731 + 10


def collect(engine: Engine, seen_at: str, documents: dict[str, Any], name: str = "vc01") -> None:
    """Import an answer with a daily schedule, as a collection does."""
    source = Source("collect", stream(json.dumps(documents).encode()), name, seen_at)
    with ingest_answer(engine, source) as answered:
        answered.record_facts(schedule(2, None, enabled=True), seen_at)


def years(engine: Engine) -> set[str]:
    """Return the years in the calendar beyond the usual ones."""
    usual = {str(year) for year in CALENDAR_YEARS}
    found = rows(engine, sa.select(tables.calendar.c.year).distinct())
    return {year for (year,) in found} - usual


@pytest.mark.parametrize("scheduled", [True, False])
@pytest.mark.parametrize("later", [NOW, NOW + timedelta(1)])
def test_a_clock_far_ahead_expects_a_bounded_number_and_heals(
    engine: Engine, later: datetime, *, scheduled: bool
) -> None:
    """Also if the import with the right clock has no new job."""

    def load(seen_at: str, documents: dict[str, Any]) -> None:
        if scheduled:
            collect(engine, seen_at, documents)
        else:
            import_documents(engine, documents, seen_at=seen_at)

    load(instant(NOW), answer(DAILY, NOW, 400, NEVER))
    before = rows(engine, sa.select(tables.expected_backup))
    load(FAR, answer(DAILY, NOW, 400, NEVER))
    assert count(engine, tables.expected_backup) <= MOST
    assert years(engine) == set()
    assert differences(engine) == 0
    load(instant(later), answer(DAILY, later, 400, NEVER))
    assert differences(engine) == 0
    assert years(engine) == set()
    if later == NOW:
        assert rows(engine, sa.select(tables.expected_backup)) == before
    assert list(verify.verify(engine)) == []


def test_an_appliance_without_jobs_leaves_no_year_behind(engine: Engine) -> None:
    """What is due shortly after a wrong clock's time needs that year only until it heals."""
    collect(engine, FAR, {})
    assert count(engine, tables.expected_backup) <= 10
    collect(engine, instant(NOW), {})
    assert differences(engine) == 0
    assert years(engine) == set()
    assert list(verify.verify(engine)) == []


def test_a_year_that_a_job_needs_stays(engine: Engine) -> None:
    """The appliance's clock may have been wrong at the same time."""
    collect(engine, FAR, {})
    ahead = [(datetime(2999, 1, 2, tzinfo=UTC), "SCHEDULED", "SUCCEEDED")]
    import_documents(engine, answer(ahead, ahead[0][0], 4, NEVER), "vc02", seen_at=instant(NOW))
    collect(engine, instant(NOW), {})
    assert years(engine) == {"2999"}
    assert list(verify.verify(engine)) == []


def test_an_appliance_that_has_stopped_is_overdue_beyond_the_bound(engine: Engine) -> None:
    """Three years after its last backup it is so still, and what comes then is judged again."""
    load = 400 * 10
    collect(engine, instant(NOW), answer(DAILY, NOW, load, NEVER))
    later = NOW + timedelta(3 * 366)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("archive.timestamps.is_future", lambda _: False)
        collect(engine, instant(later), answer(DAILY, NOW, load, NEVER))
        assert count(engine, tables.expected_backup) <= MOST
        with db.reading(engine) as connection:
            query = sa.select(tables.appliance_standing.c.overdue_since_time)
            assert connection.execute(query).scalar_one() is not None
        again = [*DAILY[:60], (later - timedelta(hours=4), "SCHEDULED", "SUCCEEDED")]
        collect(engine, instant(later), answer(again, later, load, NEVER))
        assert count(engine, tables.expected_backup) > 3 * 366
        assert differences(engine) == 0
