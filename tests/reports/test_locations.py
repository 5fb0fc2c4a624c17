from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, reports
from archive.calendar import Calendar
from archive.maintenance import change_calendar
from archive.reports import Scope, locations
from archive.reports.locations import STOPPED, UNKNOWN, USED, LocationRow
from tests.reports import fleet
from tests.reports.fleet import NAS, on
from tests.support.archives import each, import_documents
from tests.support.command import archive, at
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = "2026-04-20T12:00:00.000000Z"
NFS = "nfs://nas.example.com/exports"


def rows(engine: Engine, scope: Scope) -> list[LocationRow]:
    with db.reading(engine) as connection:
        return [LocationRow(*row) for row in reports.run(connection, "locations", scope)]


def test_locations(engine: Engine) -> None:
    """The gaps of the fleet's target are 15, 11, 10, 19, 1 and 30 days: mostly up to 30."""
    fleet.load(engine)
    assert rows(engine, Scope(now=NOW)) == [
        LocationRow(
            NAS, USED, 7, 5, 3, 2, 0.6, 400, 2, "2026-01-05", "2026-04-01", 19, 30
        ),
        LocationRow(
            None, None, 2, 1, 1, 0, 1.0, 200, 1, "2026-01-06", "2026-02-14", None, None
        ),
    ]  # fmt: skip


def daily(location: str, first: str, number: int) -> dict[str, Any]:
    start = date.fromisoformat(first)
    found = [(start + timedelta(days=place)).isoformat() for place in range(number)]
    return {f"{location} {day}": on(day, location=location) for day in found}


@pytest.mark.parametrize(
    ("now", "seen", "state", "idle"),
    [
        ("2026-01-10T23:59:59.000000Z", "2026-01-10T13:00:00.000000Z", USED, 0),
        ("2026-01-11T23:59:59.000000Z", "2026-01-10T13:00:00.000000Z", USED, 1),
        # There has been no import since, or not for long enough.
        ("2026-01-12T00:00:00.000000Z", "2026-01-10T13:00:00.000000Z", UNKNOWN, 2),
        ("2026-01-12T00:00:00.000000Z", "2026-01-11T23:00:00.000000Z", UNKNOWN, 2),
        ("2026-01-12T00:00:00.000000Z", "2026-01-12T00:00:00.000000Z", STOPPED, 2),
        ("2026-03-01T00:00:00.000000Z", "2026-01-12T00:00:00.000000Z", STOPPED, 50),
        # Imports after `now` are not known then, and neither are jobs on a later day.
        ("2026-01-11T12:00:00.000000Z", "2026-03-01T00:00:00.000000Z", USED, 1),
        ("2026-01-09T12:00:00.000000Z", "2026-03-01T00:00:00.000000Z", USED, 0),
    ],
)
def test_daily_target_without_a_backup(
    engine: Engine, now: str, seen: str, state: str, idle: int
) -> None:
    """A daily target has stopped after a day without a backup, if the archive has data for that day."""
    import_documents(engine, daily(NAS, "2026-01-01", 10), seen_at=seen)
    (row,) = rows(engine, Scope(now=now))
    assert (row.state, row.idle_days, row.usual_gap_days) == (state, idle, 1)


def test_usual_gap_of_each_target(engine: Engine) -> None:
    """One target is used each weekday, one each month, one was used once."""
    weekdays = daily(NAS, "2026-01-05", 5) | daily(NAS, "2026-01-12", 5)
    monthly = {day: on(day, location=NFS) for day in ("2025-11-15", "2025-12-15", "2026-01-14")}
    once = daily("ftp://a", "2026-01-05", 1)
    import_documents(engine, weekdays | monthly | once, seen_at="2026-02-01T00:00:00.000000Z")
    found = rows(engine, Scope(now="2026-02-01T00:00:00.000000Z"))
    assert [(row.location, row.state, row.idle_days, row.usual_gap_days) for row in found] == [
        ("ftp://a", UNKNOWN, 27, None),
        (NFS, USED, 18, 30),
        (NAS, STOPPED, 16, 3),
    ]


def test_passwords_are_removed_from_targets(engine: Engine) -> None:
    """Targets that are equal without their passwords are one, and so are their gaps."""
    urls = ["sftp://me:one@nas/b", "sftp://me:two@nas/b"]
    import_documents(engine, daily(urls[0], "2026-01-01", 2) | daily(urls[1], "2026-01-03", 1), "a")
    import_documents(engine, daily(urls[1], "2026-01-03", 1), "b")
    (row,) = rows(engine, Scope(now=NOW))
    assert row[:3] == ("sftp://me:***@nas/b", STOPPED, 4)
    assert (row.appliances, row.usual_gap_days) == (2, 1)


def test_days_follow_the_calendar(engine: Engine) -> None:
    """With days from 16:00 in Kathmandu, the next day begins at 10:15Z, for jobs and for now."""
    import_documents(
        engine,
        {
            "a": job(start_time="2026-01-01T10:14:59.000Z"),
            "b": job(start_time="2026-01-01T10:15:00.000Z"),
        },
        seen_at="2026-01-03T10:15:00.000000Z",
    )
    change_calendar.change_calendar(engine, Calendar("Asia/Kathmandu", "16:00"))
    for now, idle, state in (
        ("2026-01-02T10:15:00.000000Z", 1, USED),
        ("2026-01-03T10:14:59.000000Z", 1, USED),
        ("2026-01-03T10:15:00.000000Z", 2, STOPPED),
    ):
        (row,) = rows(engine, Scope(now=now))
        assert (row.first_day, row.last_day) == ("2025-12-31", "2026-01-01")
        assert (row.idle_days, row.state) == (idle, state)


def test_notes_explain_states(engine: Engine) -> None:
    """Notes give the time of evaluation, and explain when a target counts as no longer used."""
    fleet.load(engine)
    done = archive("report", "locations", "--now", NOW, at(engine))
    assert done.err.startswith("As of 2026-04-20; days start at 00:00 UTC. A target is stopped")
    assert archive("report", "locations", "--period", "day", at(engine)).code == 2
    empty = archive("report", "locations", "--since", "2030", "-fcsv", at(engine))
    assert (empty.code, empty.out.count("\n")) == (0, 1)


@pytest.mark.parametrize(
    ("gap", "idle", "data_days", "state"),
    [(None, 0, 0, UNKNOWN), (1, 1, 1, USED), (1, 9, 2, STOPPED), (1, 9, 1, UNKNOWN)],
)
def test_states(gap: int | None, idle: int, data_days: int, state: str) -> None:
    """Without an import that late neither state is claimed."""
    assert locations.state(gap, idle, data_days) == state


JOBS = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(["sftp://one", "sftp://x:y@two", None]),
    st.dates(date(2024, 2, 20), date(2024, 3, 10)),
    st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING"]),
    st.none() | st.integers(0, 2) | st.integers(-(2**63), 2**63 - 1),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(JOBS, min_size=1, max_size=40))
def test_targets_follow_their_definitions(
    engines: list[Engine], jobs: list[tuple[str, str | None, date, str, int | None]]
) -> None:
    """Each job has one target; counts, sums and gaps follow the plain definitions."""
    now = "2024-03-11T00:00:00.000000Z"
    for engine in each(engines):
        for name in ("a", "b"):
            documents = {
                f"{place}": on(str(day), status, location=url, size=size)
                for place, (own, url, day, status, size) in enumerate(jobs)
                if own == name
            }
            import_documents(engine, documents, name, now)
        found = rows(engine, Scope(now=now))
        shown = {"sftp://x:y@two": "sftp://x:***@two"}
        counted = Counter(shown.get(url or "", url) for _, url, *_ in jobs)
        assert {row.location: row.jobs for row in found} == counted
        for row in found:
            own = [job for job in jobs if shown.get(job[1] or "", job[1]) == row.location]
            used = sorted({job[2] for job in own})
            gaps = sorted((b - a).days for a, b in pairwise(used))
            sizes = [size for *_, status, size in own if status == "SUCCEEDED" and size is not None]
            assert row.size_total_bytes == (sum(sizes) if sizes else None)
            assert row.appliances == len({job[0] for job in own})
            assert (row.first_day, row.last_day) == (str(used[0]), str(used[-1]))
            assert row.finished == row.succeeded + row.failed
            if row.location is not None:
                assert row.idle_days == (date(2024, 3, 11) - used[-1]).days
                usual = gaps[(len(gaps) * 95 + 99) // 100 - 1] if gaps else None
                assert row.usual_gap_days == usual
                assert row.state != STOPPED or (usual is not None and row.idle_days > usual)
