"""The views compared with the documents and with the reports."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, timestamps
from archive.calendar import Calendar
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule, Version
from archive.maintenance import change_calendar
from archive.reports import Scope
from archive.store import collection_log, fact_history
from archive.store.collection_log import Attempt
from tests.reports.nights import ask
from tests.support import rhythms, samples
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.queried import V7, V8, fill, job, tell

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCHEDULE = Schedule("default", True, 2, 15, None, 14, None, None, None, None, None)  # noqa: FBT003 - enabled


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, numbers as integers, days and instants as text."""
    with db.reading(engine) as connection:
        return [tuple(map(plain, row)) for row in connection.execute(sa.text(query))]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamps.from_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int)) else int(value)


def say(engine: Engine, name: str, seen_at: str, facts: Facts) -> None:
    """Record facts of an appliance."""
    with db.writing(engine) as connection:
        number = connection.execute(
            sa.select(tables.appliance.c.id).where(tables.appliance.c.name == name)
        ).scalar_one()
        fact_history.record(connection, number, facts, seen_at)


def missed(engine: Engine, appliance: str = "vc01") -> list[str]:
    found = rows(engine, f"SELECT day FROM v_missed WHERE appliance = '{appliance}' ORDER BY day")
    return [day for (day,) in found]


def test_v_day(engine: Engine) -> None:
    """A row has the totals of a day's jobs by type and status."""
    fill(engine)
    found = rows(engine, "SELECT * FROM v_day WHERE day >= '2026-03-03' ORDER BY day, type")
    march = ("2026-W10", "2026-03", "2026-Q1", "2026")
    ended = (1, 1, 1, 0)
    assert found == [
        ("2026-03-03", 739678, *march, "SCHEDULED", "SUCCEEDED", *ended, 0, 0, 1, 2500, 1, 121),
        ("2026-03-04", 739679, *march, "MANUAL", "PENDING", 1, 0, 0, 0, 1, 0, 0, 0, 0, 0),
        ("2026-03-04", 739679, *march, "SCHEDULED", "FAILED", 1, 1, 0, 1, 0, 0, 1, 10, 1, 30),
        ("2026-03-05", 739680, *march, "SCHEDULED", "RUNNING", 1, 0, 0, 0, 1, 0, 1, 9000, 1, 15),
    ]


def test_every_status_is_counted_once(engine: Engine) -> None:
    """Finished, open and other jobs add up to all jobs; a status that nobody published is other."""
    statuses = ("SUCCEEDED", "FAILED", "PENDING", "BLOCKED", "RUNNING", "SKIPPED", "PARTIAL")
    import_documents(engine, {status: samples.job(status) for status in statuses})
    sums = ", ".join(
        f"sum({name})" for name in ("finished", "succeeded", "failed", "open", "other")
    )
    for view in ("v_job", "v_day", "v_month"):
        assert rows(engine, f"SELECT {sums} FROM {view}") == [(2, 1, 1, 3, 2)]


def test_v_month_adds_up_to_v_job(engine: Engine) -> None:
    """The totals of an appliance and month equal those of its jobs in the other view."""
    fill(engine)
    keys = "appliance, month, quarter, year, type, status, location, version_name, version, build_number"
    sums = ("finished", "succeeded", "failed", "open", "other")
    summed = ", ".join(f"sum({name})" for name in (*sums, "size_bytes", "duration_seconds"))
    sums_of_values = "coalesce(sum(size_bytes), 0), coalesce(sum(duration_seconds), 0)"
    of_jobs = rows(
        engine,
        f"SELECT {keys}, count(*), {', '.join(f'sum({name})' for name in sums)}, {sums_of_values},"
        f" min(day), max(day) FROM v_job GROUP BY {keys} ORDER BY {keys}",
    )
    totals = rows(
        engine,
        f"SELECT {keys}, sum(jobs), {summed}, min(first_day), max(last_day)"
        f" FROM v_month GROUP BY {keys} ORDER BY {keys}",
    )
    assert totals == of_jobs


def test_today_is_the_day_of_the_calendar(engine: Engine) -> None:
    """The day now is that of the archive's time zone, and begins at its start of day."""
    now = datetime.now(UTC)
    # Far enough from UTC to have another date.
    zone = "Pacific/Kiritimati" if now.hour >= 10 else "Etc/GMT+12"
    for chosen in (Calendar(), Calendar(zone), Calendar("UTC", "23:59")):
        change_calendar.change_calendar(engine, chosen)
        today = chosen.day(timestamps.now())
        assert rows(engine, "SELECT day FROM v_today") == [(today,)]


def test_v_day_is_exact(engine: Engine) -> None:
    """A sum of any 64-bit values is exact, including negative ones."""
    sizes = (2**62, 2**62 - 1, -5, 0)
    jobs = {f"{place}": job("2026-03-01", 1, size) for place, size in enumerate(sizes)}
    import_documents(engine, jobs | {"none": samples.job(type=None, size=None, duration=-7)})
    assert rows(
        engine, "SELECT type, sized, size_bytes, timed, duration_seconds FROM v_day ORDER BY type"
    ) in (
        [(None, 0, 0, 1, -7), ("SCHEDULED", 4, sum(sizes), 4, 4)],
        [("SCHEDULED", 4, sum(sizes), 4, 4), (None, 0, 0, 1, -7)],
    )


NIGHT = st.tuples(
    st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING", "PENDING", "ODD"]),
    st.sampled_from(["SCHEDULED", "MANUAL", None]),
    st.integers(0, 12),
    st.integers(-(2**40), 2**40) | st.none(),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(NIGHT, max_size=20))
def test_v_day_adds_up_to_v_job(engines: list[Engine], nights: list[Any]) -> None:
    """The totals of a day equal those of its jobs in the other view."""
    jobs = {
        f"202601{day + 1:02}-020000-{place}": samples.job(
            status, type=type_, size=size, start_time=f"2026-01-{day + 1:02}T02:00:00.000Z"
        )
        for place, (status, type_, day, size) in enumerate(nights)
    }
    columns = "day, coalesce(type, ''), status"
    sums = ("finished", "succeeded", "failed", "duration_seconds")
    summed = ", ".join(f"coalesce(sum({name}), 0)" for name in sums)
    for engine in each(engines):
        import_documents(engine, jobs)
        totals = rows(engine, f"SELECT {columns}, jobs, size_bytes, {', '.join(sums)} FROM v_day")
        of_jobs = rows(
            engine,
            f"SELECT {columns}, count(*), coalesce(sum(size_bytes), 0), {summed}"
            " FROM v_job GROUP BY day, coalesce(type, ''), status",
        )
        assert sorted(totals) == sorted(of_jobs)


APPLIANCE = (
    "SELECT appliance, version, build_number, product, time_zone, last_success, last_attempt,"
    " last_status, schedules, schedule_key, schedule, schedule_enabled FROM v_appliance"
    " ORDER BY appliance"
)


def test_v_appliance(engine: Engine) -> None:
    """Facts of an appliance come from its last answer, or without one from its jobs."""
    fill(engine)
    never = ("vc-never", None, None, None, None, None, "2026-03-04", "PENDING", 0, None, None, None)
    assert rows(engine, APPLIANCE) == [
        never,
        (
            "vc-varies", None, None, None, None, "2026-01-04", "2026-01-04", "SUCCEEDED",
            0, None, None, None,
        ),
        (
            "vc-well", "8.0.3.00400", "24322831", None, None, "2026-03-03", "2026-03-05", "RUNNING",
            0, None, None, None,
        ),
    ]  # fmt: skip
    tell(engine)
    assert rows(engine, APPLIANCE) == [
        never,
        (
            "vc-varies", "8.0.3", "24322831", "vCenter", "UTC", "2026-03-05", "2026-03-05",
            "SUCCEEDED", 1, "default", "daily at 02:00, the last 7 kept, disabled", 0,
        ),
        (
            "vc-well", "8.0.3", "24322831", "vCenter", "Europe/Berlin", "2026-03-03", "2026-03-05",
            "RUNNING", 2, "default", "daily at 02:00, the last 14 kept", 1,
        ),
    ]  # fmt: skip


def test_job_of_a_wrong_clock_is_never_the_last(engine: Engine) -> None:
    """A job that starts more than a day after it was first seen is not the last attempt or success."""
    wrong = {"20360101-020000-1": job("2036-01-01", 1, 1)}
    import_documents(engine, {"20260301-020000-1": job("2026-03-01", 1, 1, "FAILED")} | wrong)
    query = "SELECT last_success, last_attempt, last_status FROM v_appliance"
    assert rows(engine, query) == [(None, "2026-03-01", "FAILED")]


def test_last_job_is_the_one_that_started_last(engine: Engine) -> None:
    """Within a day, jobs are ordered by their start, not by their key."""
    import_documents(
        engine, {"b": job("2026-03-01T02:00:00Z", 1, 1), "a": job("2026-03-01T03:00:00Z", 1, 1)}
    )
    query = "SELECT last_success_key, last_attempt_key FROM v_appliance"
    assert rows(engine, query) == [("a", "a")]


def test_version_and_build_come_from_one_source(engine: Engine) -> None:
    """A job without a build leaves both to the last success."""
    import_documents(
        engine,
        {"20260301-020000-1": job("2026-03-01", 1, 1, build=V7), "20260302-020000-1": samples.job("PENDING")},
    )  # fmt: skip
    query = "SELECT version, build_number, product FROM v_appliance"
    assert rows(engine, query) == [(V7["version"], V7["build_number"], None)]
    import_documents(engine, {"20260303-020000-1": job("2026-03-03", 1, 1, "FAILED", build=V8)})
    assert rows(engine, query) == [(V8["version"], V8["build_number"], None)]
    version = Version("9.0.0", None, None, None, None, None, None, None, None)
    say(engine, "vc01", "2026-03-04T00:00:00.000000Z", Facts(version, None, None))
    assert rows(engine, query) == [("9.0.0", None, None)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "daily at 02:15, the last 14 kept"),
        ({"days": (), "max_count": None}, "daily at 02:15"),
        (
            {"days": ("MONDAY", "FRIDAY"), "hour": 22, "minute": 5},
            "MONDAY, FRIDAY at 22:05, the last 14 kept",
        ),
        ({"hour": None, "enabled": False}, "daily, the last 14 kept, disabled"),
    ],
)
def test_schedule_in_words(engine: Engine, fields: dict[str, Any], words: str) -> None:
    """Unknown parts of a schedule are left out."""
    import_documents(engine, {"x": samples.job()})
    facts = Facts(None, None, (SCHEDULE._replace(**fields),))
    say(engine, "vc01", "2026-03-04T00:00:00.000000Z", facts)
    assert rows(engine, "SELECT schedule FROM v_appliance") == [(words,)]


def test_one_of_several_schedules_is_shown(engine: Engine) -> None:
    """The first enabled schedule is shown; a removed one is not."""
    import_documents(engine, {"x": samples.job()})
    off, on, overdue = (
        SCHEDULE._replace(key=key, enabled=enabled)
        for key, enabled in (("a", False), ("b", True), ("c", True))
    )
    query = "SELECT schedules, schedule_key FROM v_appliance"
    for hour, schedules, found in (
        (1, (overdue, on, off), (3, "b")),
        (2, (off,), (1, "a")),
        (3, (), (0, None)),
    ):
        say(engine, "vc01", f"2026-03-04T0{hour}:00:00.000000Z", Facts(None, None, schedules))
        assert rows(engine, query) == [found]


def test_appliance_without_jobs_has_a_row(engine: Engine) -> None:
    """An appliance that answered and has no jobs has a row, and misses nothing."""
    import_documents(engine, {})
    import_documents(engine, {"only": samples.job("PENDING")}, "vc02")
    assert rows(
        engine, "SELECT appliance, last_attempt, last_success FROM v_appliance ORDER BY 1"
    ) == [
        ("vc01", None, None),
        ("vc02", "2026-07-24", None),
    ]
    assert missed(engine) == missed(engine, "vc02") == []
    assert rows(engine, "SELECT DISTINCT state FROM v_standing") == [("never",)]


def at(moment: str, status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a job that starts at a time."""
    return samples.job(status, **{"start_time": f"{moment}:00.000Z", **fields})


NIGHTS = "SSSSSSSSSSSSF.RS"


def nightly(statuses: str) -> dict[str, Any]:
    """Return a job at 02:00 of each day from 16 February on: S, F, R (running), or . for none."""
    names = {"S": "SUCCEEDED", "F": "FAILED", "R": "RUNNING"}
    days = [date(2026, 2, 16) + timedelta(days=place) for place in range(len(statuses))]
    return {
        f"{day:%Y%m%d}-020000-1": at(f"{day}T02:00", names[status], end_time=f"{day}T02:01:00.000Z")
        for day, status in zip(days, statuses, strict=True)
        if status in names
    }


def test_v_missed(engine: Engine) -> None:
    """A row has the due time, the outcome and the last attempt of an expected backup without success."""
    import_documents(engine, nightly(NIGHTS), seen_at="2026-03-04T00:00:00.000000Z")
    week, quarter = ("2026-W09", "2026-02"), ("2026-Q1", "2026")
    found = rows(engine, "SELECT * FROM v_missed WHERE day < '2026-03-04' ORDER BY due_time")
    assert found == [
        (
            "vc01", "2026-02-28", 739675, *week, *quarter, "2026-02-28T02:00:00.000000Z", "learned",
            "failed", 1, "20260228-020000-1", "FAILED", 1, 13,
        ),
        (
            "vc01", "2026-03-01", 739676, "2026-W09", "2026-03", *quarter,
            "2026-03-01T02:00:00.000000Z", "learned", "did not run", 0, None, None, 1, None,
        ),
        (
            "vc01", "2026-03-02", 739677, "2026-W10", "2026-03", *quarter,
            "2026-03-02T02:00:00.000000Z", "learned", "running", 1, "20260302-020000-1", "RUNNING",
            1, 14,
        ),
    ]  # fmt: skip


def test_v_expected_backup_has_all_outcomes(engine: Engine) -> None:
    """Backups that were met are rows, too, and those that a changed habit does not call for."""
    import_documents(engine, nightly(NIGHTS), seen_at="2026-03-04T00:00:00.000000Z")
    with db.writing(engine) as connection:
        table = tables.expected_backup
        connection.execute(
            table.update().where(table.c.outcome == "failed").values(outcome="habit changed")
        )
    query = "SELECT outcome, count(*) FROM {} WHERE day < '2026-03-04' GROUP BY outcome ORDER BY 1"
    assert rows(engine, query.format("v_expected_backup")) == [
        ("did not run", 1), ("habit changed", 1), ("met", 6), ("running", 1),
    ]  # fmt: skip
    assert rows(engine, query.format("v_missed")) == [("did not run", 1), ("running", 1)]


def test_due_backups_are_without_data_once_an_import_is_missing(engine: Engine) -> None:
    """Until then, and for due times in the future, there is no row."""
    now = timestamps.to_datetime(timestamps.now())

    def ago(days: float) -> str:
        return timestamps.from_datetime(now - timedelta(days=days))

    for name, last in (("vc-heard", 0), ("vc-silent", 4)):
        daily = {f"{day}": samples.job(start_time=ago(day + 0.1)) for day in range(last, 20)}
        import_documents(engine, daily, name, ago(last))
    query = "SELECT outcome, count(*) FROM v_missed WHERE appliance = '{}' GROUP BY outcome"
    assert rows(engine, query.format("vc-heard")) == []
    assert rows(engine, query.format("vc-silent")) == [("no data", 4)]
    with db.reading(engine) as connection:
        last_due = connection.execute(sa.select(sa.func.max(tables.expected_backup.c.due_time)))
        assert last_due.scalar_one() > ago(0)


def test_changed_calendar_moves_missed_backups(engine: Engine) -> None:
    """The day of a missed backup is that of the current calendar."""
    import_documents(engine, nightly("SSSSSSSSSF"), seen_at="2026-02-25T12:00:00.000000Z")
    query = "SELECT day, due_time FROM v_missed WHERE outcome = 'failed'"
    due = "2026-02-25T02:00:00.000000Z"
    assert rows(engine, query) == [("2026-02-25", due)]
    change_calendar.change_calendar(engine, Calendar("UTC", "16:00"))
    assert rows(engine, query) == [("2026-02-24", due)]


def test_v_standing(engine: Engine) -> None:
    """An appliance has its state, its last success and attempt, its failures and its RPO."""
    import_documents(engine, nightly("FSSSSSSSSSFFR"), seen_at="2026-02-28T12:00:00.000000Z")
    assert rows(engine, "SELECT * FROM v_standing") == [
        (
            "vc01", "overdue", "2026-02-25", "20260225-020000-1", "2026-02-25T02:00:00.000000Z",
            "2026-02-25T02:01:00.000000Z", 1024, 60, "2026-02-28", "20260228-020000-1", "RUNNING",
            "2026-02-28T02:00:00.000000Z", 2, "2026-02-26T02:00:00.000000Z", 2,
            "2026-02-26T02:00:00.000000Z", 93600, "learned", "2026-02-26T02:00:00.000000Z",
            None, "overdue", "2026-02-28T12:00:00.000000Z", None,
            "2026-03-02T14:00:00.000000Z", 1, None, 1,
        )
    ]  # fmt: skip


def test_states_are_those_of_the_last_import(engine: Engine) -> None:
    """An appliance that is overdue stays so without imports; one that was fine has no recent data.

    So does one that was asked, and has never answered.
    """
    import_documents(engine, nightly("SSSSSSSSSFFF"), "vc-a", "2026-02-27T12:00:00.000000Z")
    import_documents(engine, nightly("SSSSSSSSSSSS"), "vc-b", "2026-02-27T12:00:00.000000Z")
    import_documents(engine, nightly("FF"), "vc-c", "2026-02-17T12:00:00.000000Z")
    import_documents(engine, {}, "vc-d", "2026-02-17T12:00:00.000000Z")
    import_documents(
        engine, {"x": samples.job(start_time=timestamps.now())}, "vc-e", timestamps.now()
    )
    number = collection_log.begin(engine, 2)
    for name in ("vc-a", "vc-new"):
        failed = Attempt(name, "2026-02-28T12:00:00.000000Z", None, "failed", "no route", None)
        collection_log.record_failure(engine, number, failed)
    query = "SELECT appliance, state, not_reporting FROM v_standing ORDER BY appliance"
    assert rows(engine, query) == [
        ("vc-a", "overdue", 1),
        ("vc-b", "no recent data", 1),
        ("vc-c", "never", 1),
        ("vc-d", "never", 1),
        ("vc-e", "ok", 0),
        ("vc-new", "no recent data", 1),
    ]


CALENDARS = st.sampled_from(
    [Calendar(), Calendar("Europe/Berlin", "16:00"), Calendar("Asia/Kathmandu")]
)


@settings(
    max_examples=max(EXAMPLES // 3, 2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32), CALENDARS)
def test_views_equal_the_reports(engines: list[Engine], seed: int, calendar: Calendar) -> None:
    """Of any fleet, `v_missed` has the rows of `missed`, and `v_standing` those of `rpo` and `streaks`."""
    for engine in each(engines):
        change_calendar.change_calendar(engine, calendar)
        rhythms.load(engine, seed, appliances=4)
        scope = Scope()
        missed_rows = rows(
            engine,
            "SELECT appliance, day, due_time, basis, outcome, attempts FROM v_missed"
            " ORDER BY appliance, due_time",
        )
        assert missed_rows == [row[:6] for row in ask(engine, "missed", scope)]
        standing = rows(
            engine,
            "SELECT appliance, state, rpo_seconds, rpo_from, last_success_start_time,"
            " last_success_end_time, last_attempt_start_time, last_attempt_status,"
            " overdue_since_time, next_due_time, next_due, last_seen FROM v_standing ORDER BY appliance",
        )
        told = [(*row[:2], *row[3:13]) for row in ask(engine, "rpo", scope)]
        assert standing == sorted(told)
        streaks = rows(
            engine,
            "SELECT appliance, consecutive_failures, failing_since_time, last_success_key,"
            " last_success_start_time, worst_consecutive_failures, worst_since_time FROM v_standing"
            " ORDER BY appliance",
        )
        assert streaks == sorted(row[:7] for row in ask(engine, "streaks", scope))


WITH_AN_INDEX = (
    "v_appliance",
    "v_appliance WHERE appliance = 'vc01'",
    "v_standing",
    "v_standing WHERE appliance = 'vc01'",
    "v_expected_backup WHERE appliance = 'vc01'",
    "v_expected_backup WHERE day BETWEEN '2026-03-01' AND '2026-03-31'",
    "v_missed WHERE appliance = 'vc01'",
    "v_missed WHERE day BETWEEN '2026-03-01' AND '2026-03-31'",
    "v_day",
)


def test_views_use_indexes(sqlite_archive: Engine) -> None:
    """A query for one appliance or for some days does not scan all jobs or expected backups."""
    for query in WITH_AN_INDEX:
        steps = plan_of(sqlite_archive, f"EXPLAIN QUERY PLAN SELECT * FROM {query}")
        for name in ("job", "attempt", "success", "expected_backup"):
            assert not [step for step in steps if step.startswith(f"SCAN {name}")], query
        if "appliance =" in query:
            scans = [step for step in steps if step.startswith("SCAN")]
            # Of the names of appliances that never answered.
            assert {step.split()[1] for step in scans} <= {"asked", "v_standing"}, query


DAYS_OF_MISSED = "v_missed WHERE day BETWEEN '2026-03-01' AND '2026-03-31'"


def test_v_missed_reads_only_missed_backups(engine: Engine) -> None:
    """Its condition is that of a partial index."""
    index = "ix_expected_backup_not_met"
    if engine.dialect.name == "sqlite":
        steps = plan_of(engine, f"EXPLAIN QUERY PLAN SELECT * FROM {DAYS_OF_MISSED}")
        (step,) = [step for step in steps if " expected_backup " in step]
        assert step == f"SEARCH expected_backup USING INDEX {index} (day>? AND day<?)"
        return
    # The planner reads a small table as a whole, and would use any index rather.
    with db.writing(engine) as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("ALTER TABLE expected_backup DROP CONSTRAINT pk_expected_backup")
        connection.exec_driver_sql("DROP INDEX ix_expected_backup_day_outcome")
        plan = connection.exec_driver_sql(f"EXPLAIN SELECT * FROM {DAYS_OF_MISSED}").scalars().all()
        connection.rollback()
    assert [step for step in plan if index in step], plan


def plan_of(engine: Engine, query: str) -> list[str]:
    """Return the steps of a query plan of SQLite."""
    with db.reading(engine) as connection:
        return [row.detail for row in connection.exec_driver_sql(query)]
