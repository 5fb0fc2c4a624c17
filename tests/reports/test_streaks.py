from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import calendar, db, reports
from archive.errors import UsageError
from archive.maintenance import change_calendar
from archive.reports import Scope, streaks
from archive.reports.streaks import StreaksRow
from tests.reports import fleet
from tests.reports.fleet import BERLIN, LONDON
from tests.reports.histories import NOW, began, both, rows
from tests.support.archives import SEEN, import_documents
from tests.support.laws import EXAMPLES, some
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW)


def test_fleet(engine: Engine) -> None:
    """One appliance's latest job failed after others that succeeded; an open one is skipped."""
    fleet.load(engine)
    assert rows(engine, "streaks") == [
        StreaksRow(
            LONDON, 2, "2026-01-31T12:00:00.000000Z", "20260120-120000-1",
            "2026-01-20T12:00:00.000000Z", 2, "2026-01-31T12:00:00.000000Z", 0, None, None,
            "2026-04-02T00:00:00.000000Z",
        ),
        StreaksRow(
            BERLIN, 0, None, "20260401-120000-1", "2026-04-01T12:00:00.000000Z", 0, None, 0, None,
            None, "2026-04-03T00:00:00.000000Z",
        ),
    ]  # fmt: skip


def test_streaks_and_recoveries(engines: list[Engine]) -> None:
    """Streaks end with a success; the worst may be an earlier one, and the worst come first."""
    history = {
        "1": began("2026-01-01T02:00"),
        "2": began("2026-01-02T02:00", "FAILED"),
        "3": began("2026-01-03T02:00", "FAILED"),
        "4": began("2026-01-04T02:00", "RUNNING"),
        "5": began("2026-01-05T02:00"),
        "6": began("2026-01-06T02:00", "FAILED"),
        "7": began("2026-01-06T03:00"),
        "8": began("2026-01-07T02:00", "FAILED"),
    }
    found = both(engines, {"b": history, "a": {"1": history["1"]}}, "streaks", SCOPE)
    assert found == [
        StreaksRow(
            "b", 1, "2026-01-07T02:00:00.000000Z", "7", "2026-01-06T03:00:00.000000Z",
            2, "2026-01-02T02:00:00.000000Z",
            # From the 2nd, 02:00, to the 5th, 02:00; and from 02:00 to 03:00: each ends on the minute.
            2, (3 * 86_400 + 3_600) // 2, 3 * 86_400, SEEN,
        ),
        StreaksRow(
            "a", 0, None, "1", "2026-01-01T02:00:00.000000Z", 0, None, 0, None, None, SEEN
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("history", "streak", "worst", "recovery"),
    [
        ({"a": job("RUNNING"), "b": job("PENDING"), "c": job("BLOCKED")}, None, None, None),
        ({"a": job("FAILED")}, 1, 1, None),
        # Two jobs at one instant are in the order of their keys.
        ({"a": job("FAILED"), "b": job()}, 0, 1, 60),
        ({"b": job("FAILED"), "a": job()}, 1, 1, None),
        # A success without a valid end ended when it began.
        ({"a": job("FAILED"), "b": job(end_time=None)}, 0, 1, 0),
        ({"a": job("FAILED"), "b": job(end_time="2020-01-01T00:00:00.000Z")}, 0, 1, 0),
        # It took longer than a day.
        ({"a": job("FAILED"), "b": job(end_time="2026-03-03T02:15:00.000Z")}, 0, 1, 172_800),
        # A job in the future is ignored.
        ({"a": job("FAILED"), "b": began("2027-01-01T00:00")}, 1, 1, None),
        # Without a start the stamp of the key gives the time, or else when it was first seen.
        (
            {"20260301-021500-1": job("FAILED"), "20260301-031500-1": job(start_time=None)},
            0,
            1,
            3_600,
        ),
        ({"a": job("FAILED", start_time=None), "b": job()}, 1, 1, None),
        # A leap day is a day.
        (
            {"a": began("2024-02-28T02:00", "FAILED"), "b": began("2024-03-01T02:00")},
            0,
            1,
            172_800,
        ),
    ],
)
def test_special_histories(
    engines: list[Engine],
    history: dict[str, Any],
    streak: int | None,
    worst: int | None,
    recovery: int | None,
) -> None:
    """Short histories, and histories with unusual jobs."""
    found = both(engines, {"vc": history}, "streaks", SCOPE)
    if streak is None:
        assert found == []
        return
    (row,) = found
    assert (
        row.consecutive_failures,
        row.worst_consecutive_failures,
        row.recovery_worst_seconds,
    ) == (streak, worst, recovery)


@pytest.mark.parametrize(
    ("zone", "day_start"),
    some([("Europe/Berlin", "00:00"), ("Europe/Berlin", "02:30"), ("Asia/Kathmandu", "16:00")], 2),
)
@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_order_does_not_depend_on_the_calendar(
    engine: Engine, zone: str, day_start: str, night: str
) -> None:
    """Wherever days start, and if clocks change, jobs are in the same order."""
    times = ["00:15", "00:30", "00:45", "01:15", "01:30", "10:14", "10:16"]
    good = {"01:30", "10:16"}
    history = {
        str(9 - n): began(f"{night}T{time}", "SUCCEEDED" if time in good else "FAILED")
        for n, time in enumerate(times)
    }
    import_documents(engine, history, "vc", f"{night}T20:00:00.000000Z")
    change_calendar.change_calendar(engine, calendar.calendar(zone, day_start))
    scope = Scope(now=f"{night}T20:00:00.000000Z")
    assert [row[1:] for row in rows(engine, "streaks", scope)] == [
        (
            0, None, "3", f"{night}T10:16:00.000000Z", 4, f"{night}T00:15:00.000000Z", 2,
            (75 * 60 + 2 * 60) // 2, 75 * 60, f"{night}T20:00:00.000000Z",
        )
    ]  # fmt: skip


def test_jobs_outside_the_scope_are_ignored(engine: Engine) -> None:
    """They neither make streaks nor end them."""
    history = {
        "1": began("2026-01-01T02:00", "FAILED"),
        "2": began("2026-01-02T02:00", type="MANUAL"),
        "3": began("2026-01-03T02:00", "FAILED"),
    }
    import_documents(engine, history, "vc")
    assert [row[1] for row in rows(engine, "streaks")] == [1]
    assert [row[1] for row in rows(engine, "streaks", Scope(types=("SCHEDULED",), now=NOW))] == [2]
    scope = Scope(until="2026-01-02", now=NOW)
    assert [row[1] for row in rows(engine, "streaks", scope)] == [0]
    assert rows(engine, "streaks", Scope(types=("LOCAL_BACKUP",), now=NOW)) == []
    with pytest.raises(UsageError, match="does not support --status"):
        rows(engine, "streaks", Scope(statuses=("FAILED",), now=NOW))


def test_notes_explain_what_is_skipped(engine: Engine) -> None:
    """The notes say which jobs are ignored, and what a recovery is."""
    scope = Scope(now=NOW)
    with db.reading(engine) as connection:
        (note,) = reports.find("streaks").notes(connection, scope)
    assert "2026-07-24 12:00:00Z" in note


START = datetime(2026, 1, 1)  # noqa: DTZ001 - made UTC below
JOBS = st.lists(
    st.tuples(
        st.sampled_from(["vc1", "vc2"]),
        st.integers(0, 72),  # hours, so that two at one instant are common
        st.sampled_from(["SUCCEEDED", "FAILED", "FAILED", "RUNNING"]),
        st.integers(-1, 100),  # duration in hours
    ),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(JOBS)
def test_streaks_follow_their_definition(
    engines: list[Engine], jobs: list[tuple[str, int, str, int]]
) -> None:
    """For any history, the report equals a count along its jobs."""
    documents: dict[str, dict[str, Any]] = {}
    for place, (appliance, hour, status, took) in enumerate(jobs):
        moments = [START + timedelta(hours=hours) for hours in (hour, hour + took)]
        start, end = (f"{moment.isoformat()}.000Z" for moment in moments)
        times = {"start_time": start} | ({"end_time": end} if status != "RUNNING" else {})
        documents.setdefault(appliance, {})[f"{place:02}"] = job(status, **times)
    expected = {}
    for appliance in documents:
        history = sorted(
            (hour, place, status, max(took, 0))
            for place, (name, hour, status, took) in enumerate(jobs)
            if name == appliance and status != "RUNNING"
        )
        streaks: list[list[int]] = []
        recoveries = []
        failing = False
        for hour, _, status, took in history:
            if status == "FAILED":
                streaks += [] if failing else [[]]
                streaks[-1].append(hour)
            elif failing:
                recoveries.append((hour + took - streaks[-1][0]) * 3600)
            failing = status == "FAILED"
        worst = max(map(len, streaks), default=0)
        if history:
            expected[appliance] = (
                len(streaks[-1]) if failing else 0,
                worst,
                len(recoveries),
                sum(recoveries) // len(recoveries) if recoveries else None,
                max(recoveries, default=None),
            )
    found = both(engines, documents, "streaks", SCOPE)
    assert {
        row.appliance: (row.consecutive_failures, *row[5:6], *row[7:10]) for row in found
    } == expected
    # Rows of several appliances equal those of each.
    for appliance in expected:
        alone = both(engines, {appliance: documents[appliance]}, "streaks", SCOPE)
        assert alone == [row for row in found if row.appliance == appliance]


def failing(engine: Engine, **asked: Any) -> set[str]:
    with db.reading(engine) as connection:
        return {row.appliance for row in streaks.ongoing(connection, Scope(now=NOW, **asked))}


def test_failing(engine: Engine) -> None:
    """An appliance is failing if the latest finished job in scope failed, as of now."""
    histories = {
        "failed": {"1": began("2026-03-01T02:00"), "2": began("2026-03-02T02:00", "FAILED")},
        "recovered": {"1": began("2026-03-01T02:00", "FAILED"), "2": began("2026-03-02T02:00")},
        "open": {
            "1": began("2026-03-01T02:00", "FAILED"),
            "2": began("2026-03-02T02:00", "RUNNING"),
        },
        "other": {
            "1": began("2026-03-01T02:00", "FAILED"),
            "2": began("2026-03-02T02:00", "CANCELLED"),
        },
        "future": {"1": began("2026-03-01T02:00", "FAILED"), "2": began("2026-12-01T02:00")},
        "at one instant": {
            "a": began("2026-03-01T02:00"),
            "b": began("2026-03-01T02:00", "FAILED"),
        },
        "never": {"1": job("PENDING")},
        "none": {},
    }
    for name, jobs in histories.items():
        import_documents(engine, jobs, name)
    assert failing(engine) == {"failed", "open", "other", "future", "at one instant"}
    assert failing(engine, until="2026-03-01") == {
        "recovered", "open", "other", "future", "at one instant",
    }  # fmt: skip
    assert failing(engine, since="2026-03-02") == {"failed"}
    assert failing(engine, types=("MANUAL",)) == set()
    assert failing(engine, appliances=("o*",)) == {"open", "other"}
    assert failing(engine, named=frozenset()) == set()
    # Exactly the appliances that have a streak.
    for until in (None, "2026-03-01", "2026-02-01"):
        scope = Scope(now=NOW, until=until)
        assert failing(engine, until=until) == {
            row.appliance for row in rows(engine, "streaks", scope) if row.consecutive_failures
        }
