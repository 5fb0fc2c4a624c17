from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import Calendar
from archive.reports import Scope, stuck
from archive.store import appliance_settings
from archive.store.appliance_settings import Configured
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON
from tests.reports.histories import NOW, both, csv, rows
from tests.support.archives import SEEN, each, empty, import_documents
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

HOUR = 3_600
SCOPE = Scope(now=NOW)
OLD = "in progress for longer than any success took"
GONE = "the appliance no longer lists the job"
NO_IMPORT = "the job may have ended: no recent import"
YOUNG = "not longer than past successes"
LATER = "the job starts in the future"
ALONE = "no success to compare with"


def test_job_of_a_retired_appliance_is_not_stuck(sqlite_archive: Engine) -> None:
    """Nobody waits for it any more; `stuck` has the others, whatever days were asked for."""
    empty(sqlite_archive)
    for name in ("vc01", "vc02"):
        import_documents(sqlite_archive, {"a": LONG, "b": at("01:00")}, name, SEEN)
    with db.writing(sqlite_archive) as connection:
        days = Calendar()
        configured = {"vc01": Configured(None, None, "2026-07-01")}
        appliance_settings.record(connection, days, configured)
        found = [(row.appliance, row.stuck, row.reason) for row in stuck.select(connection, SCOPE)]
        alone = stuck.stuck(connection, Scope(now=NOW, until="2026-01-01"))
    assert found == [("vc01", None, "the appliance is retired"), ("vc02", True, OLD)]
    assert [row.appliance for row in alone] == ["vc02"]


def test_fleet(engine: Engine) -> None:
    """The oldest job is first; one that has not started counts from the stamp of its key."""
    fleet.load(engine)
    scope = Scope(now="2026-04-03T00:00:00.000000Z")
    assert rows(engine, "stuck", scope) == [
        (
            LONDON, "20260210-120000-1", "RUNNING", "SCHEDULED", "2026-02-10T12:00:00.000000Z",
            51 * 86_400 + 12 * HOUR, 120, 120, "2026-04-02T00:00:00.000000Z", True, OLD,
        ),
        (
            BERLIN, "20260214-120000-1", "PENDING", None, None, 47 * 86_400 + 12 * HOUR,
            600, 600, "2026-04-03T00:00:00.000000Z", True, OLD,
        ),
    ]  # fmt: skip


def at(start: str, status: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    """Return a job that starts at a time of the day of `NOW`."""
    return job(status, start_time=f"2026-07-24T{start}:00.000Z", **fields)


LONG = job(duration=2 * HOUR)


@pytest.mark.parametrize(
    ("history", "age", "stuck", "reason"),
    [
        # As old as the longest, and a minute older; the import is at noon.
        ({"a": LONG, "b": at("10:00")}, 2 * HOUR, False, YOUNG),
        ({"a": LONG, "b": at("09:59")}, 2 * HOUR + 60, True, OLD),
        # If backups take a minute, one of an hour is fine.
        ({"a": job(duration=60), "b": at("11:00")}, HOUR, False, YOUNG),
        ({"a": job(duration=60), "b": at("10:59")}, HOUR + 60, True, OLD),
        # Failed jobs and negative durations are not compared with.
        ({"a": job("FAILED", duration=9 * HOUR), "b": at("09:00")}, 3 * HOUR, None, ALONE),
        ({"a": job(duration=-1), "b": at("09:00")}, 3 * HOUR, None, ALONE),
        ({"a": LONG, "b": at("13:00")}, None, None, LATER),
        # Without a start: by the stamp of its key, or else when it was first seen.
        (
            {"a": LONG, "20260724-090000-1": job("PENDING")},
            3 * HOUR,
            True,
            OLD,
        ),
        ({"a": LONG, "b": job("BLOCKED", start_time=None)}, 0, False, YOUNG),
        # One that has run for days.
        (
            {"a": LONG, "b": job("RUNNING", start_time="2026-07-22T12:00:00.000Z")},
            172_800,
            True,
            OLD,
        ),
    ],
)
def test_judgements(
    engines: list[Engine],
    history: dict[str, Any],
    age: int | None,
    stuck: bool | None,  # noqa: FBT001 - it is what is expected
    reason: str,
) -> None:
    """A job is stuck if it was open for longer than any success took, and for an hour."""
    (row,) = both(engines, {"vc": history}, "stuck", SCOPE)
    assert (row.age_seconds, row.stuck, row.reason) == (age, stuck, reason)


def test_state_is_unknown_without_a_recent_import(engine: Engine) -> None:
    """A job that was young at the last import may have ended since."""
    import_documents(engine, {"a": LONG, "b": at("11:00")})
    (row,) = rows(engine, "stuck", Scope(now="2026-07-25T12:00:00.000000Z"))
    assert (row.age_seconds, row.stuck, row.reason) == (25 * HOUR, None, NO_IMPORT)


def test_job_missing_from_the_latest_answer_is_stuck(engines: list[Engine]) -> None:
    """An open job that is not in the latest answer is stuck, however young it is."""
    said = []
    for engine in each(engines):
        import_documents(engine, {"a": LONG, "b": at("11:00"), "c": at("11:30")})
        later = "2026-07-24T12:10:00.000000Z"
        import_documents(engine, {"a": LONG, "c": at("11:30")}, seen_at=later)
        scope = Scope(now=later)
        assert [
            (row.key, row.last_seen, row.stuck, row.reason) for row in rows(engine, "stuck", scope)
        ] == [
            ("b", SEEN, True, GONE),
            ("c", later, False, YOUNG),
        ]
        said.append(csv(engine, "stuck", scope))
    assert said[0] == said[1]


@pytest.mark.parametrize("history", [{}, {"a": job(), "b": job("FAILED"), "c": job("CANCELLED")}])
def test_no_open_jobs(engines: list[Engine], history: dict[str, Any]) -> None:
    """Without open jobs there are no rows."""
    assert both(engines, {"vc": history}, "stuck", SCOPE) == []


def test_scope_limits_only_the_open_jobs(engine: Engine) -> None:
    """They are compared with all jobs of the appliance."""
    import_documents(engine, {"a": LONG, "b": at("10:00", type="MANUAL"), "c": at("10:00")})
    scope = Scope(types=("MANUAL",), statuses=("RUNNING",), since="2026-07-24", now=NOW)
    assert [row[:2] + row[6:7] for row in rows(engine, "stuck", scope)] == [("vc01", "b", 2 * HOUR)]


def test_notes_give_the_time_of_evaluation(engine: Engine) -> None:
    """The notes say at which time the ages are computed."""
    with db.reading(engine) as connection:
        (note,) = reports.find("stuck").notes(connection, SCOPE)
    assert "2026-07-24 12:00:00Z" in note


JOBS = st.lists(
    st.tuples(
        st.sampled_from(["vc1", "vc2"]),
        st.sampled_from(["RUNNING", "SUCCEEDED", "FAILED"]),
        st.integers(-1, 30),  # hours before NOW
        st.integers(-1, 20),  # duration in hours
    ),
    max_size=15,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JOBS)
def test_stuck_jobs_follow_their_definition(
    engines: list[Engine], jobs: list[tuple[str, str, int, int]]
) -> None:
    """Each open job has a row, with the age and limit of the documents."""
    documents: dict[str, dict[str, Any]] = {}
    expected = set()
    noon = datetime.fromisoformat(NOW)
    for place, (appliance, status, ago, took) in enumerate(jobs):
        start = (noon - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        document = job(status, start_time=start, duration=took * HOUR)
        documents.setdefault(appliance, {})[str(place)] = document
        if status != "RUNNING":
            continue
        known = [
            hours
            for name, other, _, hours in jobs
            if (name, other) == (appliance, "SUCCEEDED") and hours >= 0
        ]
        longest = max(known, default=None)
        stuck = None if longest is None or ago < 0 else ago > max(longest, 1)
        age = None if ago < 0 else ago * HOUR
        expected.add((appliance, str(place), age, stuck))
    found = both(engines, documents, "stuck", SCOPE)
    assert {(*row[:2], row.age_seconds, row.stuck) for row in found} == expected
    ages = [row.age_seconds for row in found if row.age_seconds is not None]
    assert ages == sorted(ages, reverse=True)
