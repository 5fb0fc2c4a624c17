from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archive import db
from archive.db import tables
from archive.errors import UsageError
from archive.export import text
from archive.store import import_log
from archive.store.counts import Counts
from archive.store.selection import Extent, following
from tests.support.archives import count, each, empty, import_documents, lines
from tests.support.laws import EXAMPLES
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = "2026-07-25T00:00:00.000000Z"
KEY = "20260724-021500-25148086"


def day(number: int, hour: int = 12) -> str:
    return f"2026-07-{number:02}T{hour:02}:00:00.000000Z"


def keys(engine: Engine, extent: Extent) -> list[str]:
    """Return the keys of the selected jobs, in order."""
    with db.reading(engine) as connection:
        return [json.loads(line)["job"] for line in text.lines(connection, extent)]


def following_of(engine: Engine, after: int, now: str = NOW) -> int:
    with db.reading(engine) as connection:
        return following(connection, after, now)


def test_from_a_day_on(engine: Engine) -> None:
    """A job is selected if its day in the archive's calendar is that day or a later one."""
    starts = {"a": "2026-02-28T23:59:59.999Z", "b": "2026-03-01T00:00:00.000Z", "c": None}
    jobs = {key: job("RUNNING", start_time=start) for key, start in starts.items() if start}
    import_documents(engine, {**jobs, "c": job("PENDING")}, seen_at=day(24))
    assert keys(engine, Extent(since="2026-03-01")) == ["b", "c"]
    assert keys(engine, Extent(since="2026-07-24")) == ["c"]
    assert keys(engine, Extent(since="2026-07-25")) == []


def test_after_an_import(engine: Engine) -> None:
    """New jobs, changed ones, and those seen in another status or earlier are selected; no others."""
    import_documents(
        engine, {"same": job(), "grows": job("RUNNING"), "past": job()}, seen_at=day(24)
    )
    assert keys(engine, Extent(after=0)) == ["grows", "past", "same"]
    import_documents(engine, {"same": job(), "grows": job(), "new": job()}, seen_at=day(24, 13))
    assert keys(engine, Extent(after=1)) == ["grows", "new"]
    import_documents(engine, {"same": job()}, seen_at=day(24, 14))
    assert keys(engine, Extent(after=2)) == []
    import_documents(
        engine, {"past": job("RUNNING")}, seen_at=day(24, 15)
    )  # it has succeeded long ago
    assert keys(engine, Extent(after=3)) == ["past"]
    import_documents(engine, {"same": job()}, seen_at=day(23))
    assert keys(engine, Extent(after=4)) == ["same"]
    assert keys(engine, Extent(after=5)) == []
    assert keys(engine, Extent(since="2026-07-24", after=1)) == []


def test_next_import_number(engine: Engine) -> None:
    """It is that of the newest import, if all have ended, with any result."""
    assert following_of(engine, 0) == 0
    import_documents(engine, SAMPLES)
    with pytest.raises(UsageError, match=r"^--after 2: no such import; the newest one is 1$"):
        following_of(engine, 2)
    run_id = import_log.start(engine, "broken", NOW)
    import_log.fail(engine, run_id, ValueError("no"))
    assert following_of(engine, 0) == following_of(engine, 2) == 2


def test_import_that_is_still_running(engine: Engine) -> None:
    """Its jobs are part of the next export, or are exported again with it."""
    import_documents(engine, {"a": job()})
    running = import_log.start(engine, "slow.jsonl", NOW)
    import_documents(engine, {"b": job()}, "vc02")
    started = "2026-07-24T12:00:00.000000Z"
    with db.writing(engine) as connection:
        run = tables.ingest_run
        connection.execute(sa.update(run).where(run.c.id == running).values(started=started))
    for after in (0, 1):
        assert following_of(engine, after, day(24, 13)) == 1
    assert following_of(engine, 2, day(24, 13)) == 3
    # After a day it counts as dead.
    assert following_of(engine, 0, day(25, 11)) == 1
    assert following_of(engine, 0, day(25, 12)) == 3
    with db.writing(engine) as connection:
        import_log.complete(connection, running, Counts())
    assert following_of(engine, 0, day(24, 13)) == 3


STATES = [
    job("PENDING"),
    job("RUNNING", duration=30),
    job("RUNNING", duration=90),
    job("SUCCEEDED"),
    job("FAILED", new_field=1),
    {"no": "job"},
]
SEEN = st.sampled_from([day(24, hour) for hour in range(4)])
IMPORT = st.tuples(
    st.sampled_from(["vc01", "vc02"]),
    SEEN,
    st.dictionaries(st.sampled_from(["x", "y", KEY]), st.sampled_from(STATES), max_size=3),
    st.booleans(),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
)
@given(st.lists(IMPORT, min_size=1, max_size=6))
def test_increments_recreate_the_archive(engines: list[Engine], imports: list[Any]) -> None:
    """Increments ingested in order give the same jobs as one full export, except for `last`."""
    for engine in each(engines):
        number, increments = 0, []
        for appliance, seen_at, jobs, exported in imports:
            import_documents(engine, jobs, appliance, seen_at)
            if exported:
                extent = Extent(after=number)
                with db.reading(engine) as connection:
                    increments.append("".join(text.lines(connection, extent)))
                    number = following(connection, number, NOW)
        with db.reading(engine) as connection:
            increments.append("".join(text.lines(connection, Extent(after=number))))
            assert following(connection, number, NOW) == len(imports)
        whole = without_last_seen(lines(engine))
        empty(engine)
        for increment in filter(None, increments):
            import_documents(engine, increment.encode(), None, name="increment.jsonl")
        assert count(engine, tables.quarantine) == 0
        assert without_last_seen(lines(engine)) == whole


def without_last_seen(exported: str) -> list[dict[str, Any]]:
    """Return exported jobs without their last-seen times."""
    jobs: list[dict[str, Any]] = [json.loads(line) for line in exported.splitlines()]
    for each_job in jobs:
        del each_job["seen"]["last"]
    return jobs
