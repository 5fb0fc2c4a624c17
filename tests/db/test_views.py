"""The views against the documents, and the traps that days without a backup have."""

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
    """Return what SQL gives, numbers as whole numbers, days and instants as text."""
    with db.reading(engine) as connection:
        return [tuple(map(plain, row)) for row in connection.execute(sa.text(query))]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamps.from_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int)) else int(value)


def say(engine: Engine, name: str, seen_at: str, facts: Facts) -> None:
    """Record what an appliance said of itself."""
    with db.writing(engine) as connection:
        number = connection.execute(
            sa.select(tables.appliance.c.id).where(tables.appliance.c.name == name)
        ).scalar_one()
        fact_history.record(connection, number, facts, seen_at)


def missed(engine: Engine, appliance: str = "vc01") -> list[str]:
    found = rows(engine, f"SELECT day FROM v_missed WHERE appliance = '{appliance}' ORDER BY day")
    return [day for (day,) in found]


def test_v_day(engine: Engine) -> None:
    """A row has what a day's jobs of a type and status add up to."""
    fill(engine)
    found = rows(engine, "SELECT * FROM v_day WHERE day >= '2026-03-03' ORDER BY day, type")
    march = ("2026-W10", "2026-03", "2026-Q1", "2026")
    assert found == [
        ("2026-03-03", 739678, *march, "SCHEDULED", "SUCCEEDED", 1, 1, 1, 0, 1, 2500, 1, 121),
        ("2026-03-04", 739679, *march, "MANUAL", "PENDING", 1, 0, 0, 0, 0, 0, 0, 0),
        ("2026-03-04", 739679, *march, "SCHEDULED", "FAILED", 1, 1, 0, 1, 1, 10, 1, 30),
        ("2026-03-05", 739680, *march, "SCHEDULED", "RUNNING", 1, 0, 0, 0, 1, 9000, 1, 15),
    ]


def test_v_day_is_exact(engine: Engine) -> None:
    """A sum of any 64 bits is exact, below nothing, too."""
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
    """The totals of a day are those of its jobs, whichever view is asked."""
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
    """An appliance is what it last told, or where it has told nothing, what its jobs tell."""
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


def test_a_build_comes_whole(engine: Engine) -> None:
    """Version and number are of one source; a job that names none leaves it to the last success."""
    import_documents(
        engine,
        {"20260301-020000-1": job("2026-03-01", 1, 1, build=V7), "20260302-020000-1": samples.job("PENDING")},
    )  # fmt: skip
    query = "SELECT version, build_number, product FROM v_appliance"
    assert rows(engine, query) == [(V7["version"], V7["build_number"], None)]
    import_documents(engine, {"20260303-020000-1": job("2026-03-03", 1, 1, "FAILED", build=V8)})
    assert rows(engine, query) == [(V8["version"], V8["build_number"], None)]
    told = Version("9.0.0", None, None, None, None, None, None, None, None)
    say(engine, "vc01", "2026-03-04T00:00:00.000000Z", Facts(told, None, None))
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
def test_a_schedule_in_words(engine: Engine, fields: dict[str, Any], words: str) -> None:
    """What is not known of a schedule is not said."""
    import_documents(engine, {"x": samples.job()})
    facts = Facts(None, None, (SCHEDULE._replace(**fields),))
    say(engine, "vc01", "2026-03-04T00:00:00.000000Z", facts)
    assert rows(engine, "SELECT schedule FROM v_appliance") == [(words,)]


def test_one_schedule_of_several_is_shown(engine: Engine) -> None:
    """Of several the first that is enabled is meant; one that is gone is none."""
    import_documents(engine, {"x": samples.job()})
    off, on, overdue = (
        SCHEDULE._replace(key=key, enabled=enabled)
        for key, enabled in (("a", False), ("b", True), ("c", True))
    )
    query = "SELECT schedules, schedule_key FROM v_appliance"
    for hour, told, found in (
        (1, (overdue, on, off), (3, "b")),
        (2, (off,), (1, "a")),
        (3, (), (0, None)),
    ):
        say(engine, "vc01", f"2026-03-04T0{hour}:00:00.000000Z", Facts(None, None, told))
        assert rows(engine, query) == [found]


def test_an_appliance_without_jobs_has_a_row(engine: Engine) -> None:
    """What has answered and has no jobs is there, and misses nothing."""
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
    """Make a job that starts at a time."""
    return samples.job(status, **{"start_time": f"{moment}:00.000Z", **fields})


def test_v_missed(engine: Engine) -> None:
    """A row says whether jobs failed on the day, or none was seen, and that backups are due daily."""
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
        # Only open jobs; without a start the key dates them.
        ({"20260301-020000-1": samples.job("PENDING")}, "2026-03-02T00:00", ["2026-03-01"]),
        # The day of the last import is not over yet, until its last microsecond is.
        ({"a": at("2026-03-01T02:00", "FAILED")}, "2026-03-01T23:59", []),
        # A job longer than a day is one success, of the day on which it starts.
        ({"a": at("2026-03-01T23:00", duration=200_000)}, "2026-03-03T00:00", ["2026-03-02"]),
        # A start without an end, in a status that nobody publishes.
        ({"a": at("2026-03-01T02:00", "ODD")}, "2026-03-02T00:00", ["2026-03-01"]),
        # Two jobs at one instant, one of which succeeds.
        (
            {"a": at("2026-03-01T02:00"), "b": at("2026-03-01T02:00", "FAILED")},
            "2026-03-02T00:00",
            [],
        ),
        # The leap day, and none where there is none.
        ({"a": at("2024-02-28T02:00")}, "2024-03-01T00:00", ["2024-02-29"]),
        ({"a": at("2026-02-28T02:00")}, "2026-03-01T00:00", []),
        # A size of nothing and a duration below it are a success all the same.
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
def test_traps(engine: Engine, jobs: dict[str, Any], seen_at: str, expected: list[str]) -> None:
    """Odd jobs make no odd days."""
    import_documents(engine, jobs, seen_at=f"{seen_at}:00.000000Z")
    assert missed(engine) == expected


@pytest.mark.parametrize(
    ("calendar", "start", "seen_at", "expected"),
    [
        # 29 March has 23 hours in Berlin, 25 October has 25: over at 22:00 and at 23:00.
        (("Europe/Berlin", "00:00"), "2026-03-29T01:00", "2026-03-29T21:59", []),
        (("Europe/Berlin", "00:00"), "2026-03-29T01:00", "2026-03-29T22:00", ["2026-03-29"]),
        (("Europe/Berlin", "00:00"), "2026-10-24T22:30", "2026-10-25T22:59", []),
        (("Europe/Berlin", "00:00"), "2026-10-24T22:30", "2026-10-25T23:00", ["2026-10-25"]),
        # A backup day from 16:00: the night's job belongs to the day before, over at 15:00 UTC.
        (("Europe/Berlin", "16:00"), "2026-03-02T01:00", "2026-03-02T14:59", []),
        (("Europe/Berlin", "16:00"), "2026-03-02T01:00", "2026-03-02T15:00", ["2026-03-01"]),
        # Kathmandu is at +05:45.
        (("Asia/Kathmandu", "00:00"), "2026-03-01T18:15", "2026-03-02T18:14", []),
        (("Asia/Kathmandu", "00:00"), "2026-03-01T18:15", "2026-03-02T18:15", ["2026-03-02"]),
    ],
)
def test_a_day_is_over_when_the_calendar_says(
    engine: Engine, calendar: tuple[str, str], start: str, seen_at: str, expected: list[str]
) -> None:
    """Whatever zone and start of day, no day is missed before it is over."""
    change_calendar.change_calendar(engine, Calendar(*calendar))
    import_documents(engine, {"a": at(start, "FAILED")}, seen_at=f"{seen_at}:00.000000Z")
    assert missed(engine) == expected


def test_a_calendar_that_changes_takes_the_days_along(engine: Engine) -> None:
    """What is missed is told by the days as they are now."""
    import_documents(
        engine, {"a": at("2026-03-01T02:00", "FAILED")}, seen_at="2026-03-02T00:00:00.000000Z"
    )
    assert missed(engine) == ["2026-03-01"]
    change_calendar.change_calendar(engine, Calendar("UTC", "16:00"))
    assert missed(engine) == ["2026-02-28"]


def test_schedules_say_which_days_are_due(engine: Engine) -> None:
    """A schedule of some days makes the others no missed ones, since ever until it changes."""
    import_documents(engine, {"a": at("2026-03-01T02:00")}, seen_at="2026-04-01T00:00:00.000000Z")
    weekly = SCHEDULE._replace(days=("MONDAY", "THURSDAY"))
    for day, told in (
        ("2026-03-10", (weekly,)),
        ("2026-03-20", (weekly, SCHEDULE._replace(key="b", days=("SUNDAY",)))),
        ("2026-03-24", (weekly._replace(enabled=False),)),
        ("2026-03-27", ()),
        ("2026-03-30", (SCHEDULE,)),
    ):
        say(engine, "vc01", f"{day}T12:00:00.000000Z", Facts(None, None, told))
    found = rows(engine, "SELECT day, scheduled FROM v_missed ORDER BY day")
    assert [day[-2:] for day, scheduled in found if scheduled] == [
        # Mondays and Thursdays, before it was told as well; from the 21st Sundays, too.
        "02", "05", "09", "12", "16", "19", "22", "23", "31",
    ]  # fmt: skip
    # Disabled or gone, daily backups are due; a change counts from the next day on.
    assert [day[-2:] for day, scheduled in found if not scheduled] == [
        "25", "26", "27", "28", "29", "30",
    ]  # fmt: skip


def test_a_night_of_monday_may_belong_to_sunday(engine: Engine) -> None:
    """Where a backup day starts at 16:00, Monday at 02:15 is on Sunday, and Monday at 22:00 is not."""
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
def test_missed_and_met_are_all_that_was_due(
    engines: list[Engine],
    fleet: list[list[tuple[int, str]]],
    zone: str,
    hour: int,
    last: int,
    weekdays: set[int],
) -> None:
    """Missed, met and not due are each day once, from the first job to the last day that is over."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    clock = ZoneInfo(zone)

    def day(quarter: int) -> date:
        local = (begin + timedelta(minutes=15 * quarter)).astimezone(clock)
        return local.date() - timedelta(days=local.hour < hour)

    # Where the appliance's clock is the archive's, a backup at 02:15 starts on the weekday before.
    due = {(weekday - (hour > 2)) % 7 for weekday in weekdays} or set(range(7))
    expected = defaultdict(list)
    for number, jobs in enumerate(fleet):
        met = {day(quarter) for quarter, status in jobs if status == "SUCCEEDED"}
        at_night = min((day(quarter) for quarter, _ in jobs), default=None)
        while at_night is not None and at_night < day(last):
            if at_night not in met and at_night.weekday() in due:
                expected[f"vc-{number}"].append(at_night.isoformat())
            at_night += timedelta(days=1)
    told = SCHEDULE._replace(days=tuple(WEEK[weekday] for weekday in sorted(weekdays)) or None)
    seen_at = timestamps.from_datetime(begin + timedelta(minutes=15 * last))
    for engine in each(engines):
        change_calendar.change_calendar(engine, Calendar(zone, f"{hour:02}:00"))
        for number, jobs in enumerate(fleet):
            documents = {
                f"{place}": at(f"{begin + timedelta(minutes=15 * quarter):%Y-%m-%dT%H:%M}", status)
                for place, (quarter, status) in enumerate(jobs)
            }
            import_documents(engine, documents, f"vc-{number}", seen_at)
            say(engine, f"vc-{number}", seen_at, Facts(None, zone, (told,)))
        found = defaultdict(list)
        for name, missed_day in rows(engine, "SELECT appliance, day FROM v_missed ORDER BY day"):
            found[name].append(missed_day)
        assert found == expected


def test_views_look_up_what_is_asked(sqlite_archive: Engine) -> None:
    """Asked for one appliance or for some days, no view goes through all jobs."""
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
