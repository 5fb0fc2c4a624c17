"""The views compared with the documents, and the special cases of days without a backup."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archive import db, timestamps
from archive.calendar import Calendar
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule, Version
from archive.maintenance import change_calendar
from archive.store import fact_history
from tests.support import samples
from tests.support.archives import each, import_documents
from tests.support.laws import EXAMPLES
from tests.support.queried import V7, V8, fill, job, tell

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
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
    """A job that starts after it was last seen is not the last attempt, and not the last success."""
    wrong = {"20360101-020000-1": job("2036-01-01", 1, 1)}
    import_documents(engine, {"20260301-020000-1": job("2026-03-01", 1, 1, "FAILED")} | wrong)
    query = "SELECT last_success, last_attempt, last_status FROM v_appliance"
    assert rows(engine, query) == [(None, "2026-03-01", "FAILED")]
    import_documents(engine, wrong, seen_at="2036-01-01T03:00:00.000000Z")
    assert rows(engine, query) == [("2036-01-01", "2036-01-01", "SUCCEEDED")]


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


def at(moment: str, status: str = "SUCCEEDED", **fields: Any) -> dict[str, Any]:
    """Return a job that starts at a time."""
    return samples.job(status, **{"start_time": f"{moment}:00.000Z", **fields})


def test_v_missed(engine: Engine) -> None:
    """A row says whether jobs failed on the day or none was seen; backups are due daily."""
    jobs = {
        "a": at("2026-02-26T02:00"),
        "b": at("2026-02-27T02:00", "FAILED"),
        "c": at("2026-02-27T03:00", "FAILED"),
        "d": at("2026-03-01T02:00", "RUNNING"),
        "e": at("2026-03-02T02:00"),
    }
    import_documents(engine, jobs, seen_at="2026-03-04T00:00:00.000000Z")
    assert rows(engine, "SELECT * FROM v_missed ORDER BY day") == [
        ("vc01", "2026-02-27", 739674, "2026-W09", "2026-02", "2026-Q1", "2026", 0, 2, 2, 1),
        ("vc01", "2026-02-28", 739675, "2026-W09", "2026-02", "2026-Q1", "2026", 0, 0, 0, 1),
        ("vc01", "2026-03-01", 739676, "2026-W09", "2026-03", "2026-Q1", "2026", 0, 1, 0, 1),
        ("vc01", "2026-03-03", 739678, "2026-W10", "2026-03", "2026-Q1", "2026", 0, 0, 0, 1),
    ]


@pytest.mark.parametrize(
    ("jobs", "seen_at", "expected"),
    [
        # Only open jobs; without a start the stamp of the key gives the day.
        ({"20260301-020000-1": samples.job("PENDING")}, "2026-03-02T00:00", ["2026-03-01"]),
        # The day of the last import is not over until its last microsecond is.
        ({"a": at("2026-03-01T02:00", "FAILED")}, "2026-03-01T23:59", []),
        # A job longer than a day is one success, on the day of its start.
        ({"a": at("2026-03-01T23:00", duration=200_000)}, "2026-03-03T00:00", ["2026-03-02"]),
        # A start without an end, in an unpublished status.
        ({"a": at("2026-03-01T02:00", "ODD")}, "2026-03-02T00:00", ["2026-03-01"]),
        # Two jobs at one instant, one of which succeeds.
        (
            {"a": at("2026-03-01T02:00"), "b": at("2026-03-01T02:00", "FAILED")},
            "2026-03-02T00:00",
            [],
        ),
        # The leap day in a leap year and in another year.
        ({"a": at("2024-02-28T02:00")}, "2024-03-01T00:00", ["2024-02-29"]),
        ({"a": at("2026-02-28T02:00")}, "2026-03-01T00:00", []),
        # A size of 0 and a negative duration are a success all the same.
        ({"a": at("2026-03-01T02:00", size=0, duration=-5)}, "2026-03-02T00:00", []),
        # A start in the future: nothing is due before it.
        ({"a": at("2026-06-01T02:00", "FAILED")}, "2026-03-02T00:00", []),
        (
            {"a": at("2026-03-01T02:00"), "b": at("2026-06-01T02:00")},
            "2026-03-03T00:00",
            ["2026-03-02"],
        ),
    ],
)
def test_special_cases(
    engine: Engine, jobs: dict[str, Any], seen_at: str, expected: list[str]
) -> None:
    """Unusual jobs do not distort the days."""
    import_documents(engine, jobs, seen_at=f"{seen_at}:00.000000Z")
    assert missed(engine) == expected


@pytest.mark.parametrize(
    ("calendar", "start", "seen_at", "expected"),
    [
        # 29 March has 23 hours in Berlin, 25 October has 25: they end at 22:00 and at 23:00 UTC.
        (("Europe/Berlin", "00:00"), "2026-03-29T01:00", "2026-03-29T21:59", []),
        (("Europe/Berlin", "00:00"), "2026-03-29T01:00", "2026-03-29T22:00", ["2026-03-29"]),
        (("Europe/Berlin", "00:00"), "2026-10-24T22:30", "2026-10-25T22:59", []),
        (("Europe/Berlin", "00:00"), "2026-10-24T22:30", "2026-10-25T23:00", ["2026-10-25"]),
        # A backup day from 16:00: the night's job belongs to the day before, which ends at 15:00 UTC.
        (("Europe/Berlin", "16:00"), "2026-03-02T01:00", "2026-03-02T14:59", []),
        (("Europe/Berlin", "16:00"), "2026-03-02T01:00", "2026-03-02T15:00", ["2026-03-01"]),
        # Kathmandu is at +05:45.
        (("Asia/Kathmandu", "00:00"), "2026-03-01T18:15", "2026-03-02T18:14", []),
        (("Asia/Kathmandu", "00:00"), "2026-03-01T18:15", "2026-03-02T18:15", ["2026-03-02"]),
    ],
)
def test_day_ends_when_the_calendar_says(
    engine: Engine, calendar: tuple[str, str], start: str, seen_at: str, expected: list[str]
) -> None:
    """In any zone and with any start of day, no day is missed before it ends."""
    change_calendar.change_calendar(engine, Calendar(*calendar))
    import_documents(engine, {"a": at(start, "FAILED")}, seen_at=f"{seen_at}:00.000000Z")
    assert missed(engine) == expected


def test_changed_calendar_moves_the_missed_days(engine: Engine) -> None:
    """Missed days use the current calendar."""
    import_documents(
        engine, {"a": at("2026-03-01T02:00", "FAILED")}, seen_at="2026-03-02T00:00:00.000000Z"
    )
    assert missed(engine) == ["2026-03-01"]
    change_calendar.change_calendar(engine, Calendar("UTC", "16:00"))
    assert missed(engine) == ["2026-02-28"]


def test_schedules_define_which_days_are_due(engine: Engine) -> None:
    """Days not in a schedule are not missed; it applies to all earlier days until it changes."""
    import_documents(engine, {"a": at("2026-03-01T02:00")}, seen_at="2026-04-01T00:00:00.000000Z")
    weekly = SCHEDULE._replace(days=("MONDAY", "THURSDAY"))
    for day, schedules in (
        ("2026-03-10", (weekly,)),
        ("2026-03-20", (weekly, SCHEDULE._replace(key="b", days=("SUNDAY",)))),
        ("2026-03-24", (weekly._replace(enabled=False),)),
        ("2026-03-27", ()),
        ("2026-03-30", (SCHEDULE,)),
    ):
        say(engine, "vc01", f"{day}T12:00:00.000000Z", Facts(None, None, schedules))
    found = rows(engine, "SELECT day, scheduled FROM v_missed ORDER BY day")
    assert [day[-2:] for day, scheduled in found if scheduled] == [
        # Mondays and Thursdays, before the first import as well; from the 21st Sundays, too.
        "02", "05", "09", "12", "16", "19", "22", "23", "31",
    ]  # fmt: skip
    # If disabled or removed, daily backups are due; a change counts from the next day on.
    assert [day[-2:] for day, scheduled in found if not scheduled] == [
        "25", "26", "27", "28", "29", "30",
    ]  # fmt: skip


def test_monday_night_may_belong_to_sunday(engine: Engine) -> None:
    """With a day from 16:00, Monday at 02:15 is on Sunday, and Monday at 22:00 is not."""
    change_calendar.change_calendar(engine, Calendar("UTC", "16:00"))
    import_documents(engine, {"a": at("2026-03-01T20:00")}, seen_at="2026-03-16T16:00:00.000000Z")
    monday = SCHEDULE._replace(days=("MONDAY",))
    say(engine, "vc01", "2026-03-02T00:00:00.000000Z", Facts(None, None, (monday,)))
    assert missed(engine) == ["2026-03-08", "2026-03-15"]
    overdue = monday._replace(hour=22)
    say(engine, "vc01", "2026-03-08T00:00:00.000000Z", Facts(None, None, (overdue,)))
    assert missed(engine) == ["2026-03-09"]


FLEETS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 40 * 96), st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING"])),
        max_size=12,
    ),
    min_size=1,
    max_size=3,
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(FLEETS, ZONES, st.sampled_from([0, 16]), st.integers(0, 45 * 96), st.sets(st.integers(0, 6)))
@example([[(0, "FAILED")]], "Europe/Berlin", 16, 45 * 96, {0, 6})
def test_missed_and_met_days_add_up(
    engines: list[Engine],
    fleet: list[list[tuple[int, str]]],
    zone: str,
    hour: int,
    last: int,
    weekdays: set[int],
) -> None:
    """From the first job to the last day that ended, each day is missed, met or not due."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    clock = ZoneInfo(zone)

    def day(quarter: int) -> date:
        local = (begin + timedelta(minutes=15 * quarter)).astimezone(clock)
        return local.date() - timedelta(days=local.hour < hour)

    # If the appliance's clock is the archive's, a backup at 02:15 starts on the weekday before.
    due = {(weekday - (hour > 2)) % 7 for weekday in weekdays} or set(range(7))
    expected = defaultdict(list)
    for number, jobs in enumerate(fleet):
        met = {day(quarter) for quarter, status in jobs if status == "SUCCEEDED"}
        at_night = min((day(quarter) for quarter, _ in jobs), default=None)
        while at_night is not None and at_night < day(last):
            if at_night not in met and at_night.weekday() in due:
                expected[f"vc-{number}"].append(at_night.isoformat())
            at_night += timedelta(days=1)
    schedule = SCHEDULE._replace(days=tuple(WEEK[weekday] for weekday in sorted(weekdays)) or None)
    seen_at = timestamps.from_datetime(begin + timedelta(minutes=15 * last))
    for engine in each(engines):
        change_calendar.change_calendar(engine, Calendar(zone, f"{hour:02}:00"))
        for number, jobs in enumerate(fleet):
            documents = {
                f"{place}": at(f"{begin + timedelta(minutes=15 * quarter):%Y-%m-%dT%H:%M}", status)
                for place, (quarter, status) in enumerate(jobs)
            }
            import_documents(engine, documents, f"vc-{number}", seen_at)
            say(engine, f"vc-{number}", seen_at, Facts(None, zone, (schedule,)))
        found = defaultdict(list)
        for name, missed_day in rows(engine, "SELECT appliance, day FROM v_missed ORDER BY day"):
            found[name].append(missed_day)
        assert found == expected


def test_views_use_indexes(sqlite_archive: Engine) -> None:
    """A query for one appliance or for some days does not scan all jobs."""
    for query in (
        "v_appliance",
        "v_appliance WHERE appliance = 'vc01'",
        "v_missed WHERE appliance = 'vc01'",
        "v_missed WHERE day BETWEEN '2026-03-01' AND '2026-03-31'",
        "v_day",
    ):
        with db.reading(sqlite_archive) as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT * FROM {query}").all()
        steps = [row.detail for row in plan]
        for name in ("job", "attempt", "success"):
            assert not [step for step in steps if step.startswith(f"SCAN {name}")], query
        if "appliance =" in query:
            assert not [step for step in steps if step.startswith("SCAN")], query
