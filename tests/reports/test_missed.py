from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from archive.calendar import Calendar
from archive.errors import UsageError
from archive.reports import Scope
from tests.reports import nights
from tests.reports.nights import CADENCED, DAILY, NOW, SCHEDULED, UNTOLD, ask, at, night, tell
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Engine

    from archive.document.appliance_facts import Schedule

SCOPE = Scope(now=NOW, cadences=((CADENCED, 86400),))
FAILURE = {"id": "e", "default_message": "The disk is full", "args": []}


def test_missed(engine: Engine) -> None:
    """A backup is missed because it failed, is running, did not run, or there is no data."""
    nights.load(engine)
    assert ask(engine, "missed", SCOPE) == [
        (SCHEDULED, "2026-03-03", at("2026-03-03T01:00"), "schedule", "failed", 1, None, 8),
        (SCHEDULED, "2026-03-05", at("2026-03-05T01:00"), "schedule", "did not run", 0, None, 6),
        (SCHEDULED, "2026-03-09", at("2026-03-09T01:00"), "schedule", "running", 1, None, 2),
        # A day after the success of the 6th; that of the 8th is the last one known.
        (CADENCED, "2026-03-07", at("2026-03-07T12:00"), "cadence", "did not run", 0, None, 4),
        (CADENCED, "2026-03-09", at("2026-03-09T12:00"), "cadence", "no data", 0, None, 2),
        (CADENCED, "2026-03-10", at("2026-03-10T12:00"), "cadence", "no data", 0, None, 1),
    ]


def test_missed_by_appliance(engine: Engine) -> None:
    """Expected backups are met, or missed for one of four reasons; without any there is no rate."""
    nights.load(engine)
    scope = Scope(now=NOW, cadences=SCOPE.cadences, by="appliance")
    assert ask(engine, "missed", scope) == [
        (SCHEDULED, 10, 7, 3, 1, 1, 1, 0, 0.7),
        (CADENCED, 4, 1, 3, 0, 0, 1, 2, 0.25),
        (UNTOLD, 0, 0, 0, 0, 0, 0, 0, None),
    ]
    assert nights.notes(engine, "missed", scope) == [
        "Expected backups: 14; met: 8; missed: 6 (1 failed, 1 running, 2 did not run, 2 no data).",
        (
            f"No expected backups for 1 appliance ({UNTOLD}): no enabled schedule, no cadence and too"
            " few jobs to learn from, or none due in this period."
        ),
    ]


def test_days_and_appliances_can_be_selected(engine: Engine) -> None:
    """Both ends are included; a glob must match."""
    nights.load(engine)

    def found(**asked: object) -> list[tuple[str, str]]:
        scope = Scope(now=NOW, cadences=SCOPE.cadences, **asked)  # type: ignore[arg-type]  # of any field
        return [row[:2] for row in ask(engine, "missed", scope)]

    assert found(since="2026-03-05", until="2026-03-07") == [
        (SCHEDULED, "2026-03-05"),
        (CADENCED, "2026-03-07"),
    ]
    assert found(appliances=("vc2*",), until="2026-03-08") == [(CADENCED, "2026-03-07")]
    assert found(named=frozenset({UNTOLD})) == []
    assert found(since="2027-01-01") == []
    assert found(until="0001-01-01") == []
    with pytest.raises(UsageError, match='no appliance matches "vc9"'):
        found(appliances=("vc9",))
    with pytest.raises(UsageError, match='report "missed" does not support --type'):
        found(types=("MANUAL",))


def test_message_of_the_last_failure(engine: Engine) -> None:
    """The message is that of the last attempt."""
    messages = [FAILURE | {"default_message": text} for text in ("No route", "The disk is full")]
    failures = [
        night(f"2026-03-05T0{hour}:00", "FAILED", messages=[message])
        for hour, message in enumerate(messages, 1)
    ]
    import_documents(engine, dict([night("2026-03-04T01:00"), *failures]), "vc", NOW)
    assert ask(engine, "missed", Scope(now=NOW, cadences=(("vc", 86400),), until="2026-03-05")) == [
        ("vc", "2026-03-05", at("2026-03-05T01:00"), "cadence", "failed", 2, "The disk is full", 6)
    ]


def days(
    engine: Engine,
    jobs: Iterable[tuple[str, object]],
    schedules: tuple[Schedule, ...],
    zone: str | None,
    until: str,
    calendar: Calendar | None = None,
) -> list[tuple[str, str | None, str]]:
    """Return the expected backups of an appliance whose facts are from the start of March 2026."""
    nights.use(engine, calendar or Calendar())
    import_documents(engine, {}, "vc", at("2026-03-01T00:00"))
    tell(engine, "vc", at("2026-03-01T00:00"), schedules, zone)
    import_documents(engine, dict(jobs), "vc", at(until))
    found = ask(engine, "compliance", Scope(now=at(until)))
    return [(row[1], row[2] and row[2][5:16], row[4]) for row in found]


def test_only_open_jobs(engine: Engine) -> None:
    """Jobs that have not ended meet nothing."""
    jobs = [
        night("2026-03-01T02:00", "RUNNING"),
        ("20260302-020000-1", job("PENDING")),
        night("2026-03-03T02:00", "BLOCKED"),
    ]
    assert days(engine, jobs, (DAILY,), "UTC", "2026-03-03T12:00") == [
        ("2026-03-01", "03-01T02:00", "running"),
        ("2026-03-02", "03-02T02:00", "running"),
        ("2026-03-03", "03-03T02:00", "running"),
    ]


def test_no_jobs(engine: Engine) -> None:
    """An appliance without any backup has missed those of its schedule."""
    assert days(engine, (), (DAILY,), "UTC", "2026-03-02T02:30") == [
        ("2026-03-01", "03-01T02:00", "did not run"),  # the hour of the 2nd is not over
    ]
    scope = Scope(now=at("2026-03-04T12:00"), cadences=(("vc", 86400),))
    assert [row[1:5] for row in ask(engine, "missed", scope)] == [
        ("2026-03-01", at("2026-03-01T02:00"), "schedule", "did not run"),
        ("2026-03-02", at("2026-03-02T02:00"), "schedule", "no data"),
        ("2026-03-03", at("2026-03-03T02:00"), "schedule", "no data"),
        ("2026-03-04", at("2026-03-04T02:00"), "schedule", "no data"),
    ]


def test_cadence_without_jobs(engine: Engine) -> None:
    """Without a job, it counts from the first import of the appliance."""
    import_documents(engine, {}, "vc", at("2026-03-01T10:00"))
    import_documents(engine, {}, "vc", at("2026-03-20T10:00"))
    scope = Scope(now=at("2026-03-20T12:00"), cadences=(("vc", 7 * 86400),))
    assert [row[1:5] for row in ask(engine, "missed", scope)] == [
        ("2026-03-08", at("2026-03-08T10:00"), "cadence", "did not run"),
        ("2026-03-15", at("2026-03-15T10:00"), "cadence", "did not run"),
    ]


def test_empty_archive(engine: Engine) -> None:
    """Without appliances there are no rows."""
    for name in ("missed", "compliance", "rpo"):
        assert ask(engine, name, Scope()) == []


def test_extreme_times(engine: Engine) -> None:
    """A start in the year 1, in the future, an end before the start, no start, two at one instant."""
    jobs = [
        ("a", job("SUCCEEDED", start_time="0001-01-01T00:00:00.000Z")),
        ("b", job("SUCCEEDED", start_time="9999-12-31T23:59:59.999Z")),
        night("2026-03-01T02:00", end="2026-02-27T00:00", duration=-60),
        ("20260302-020000-1", job("SUCCEEDED", start_time=None)),
        ("c", job("FAILED", start_time="2026-03-03T02:00:00.000Z")),
        ("d", job("SUCCEEDED", start_time="2026-03-03T02:00:00.000Z", size=0)),
        # Longer than a day, through the next night.
        night("2026-03-04T02:00", end="2026-03-05T08:00"),
    ]
    assert days(engine, jobs, (DAILY,), "UTC", "2026-03-05T12:00") == [
        ("2026-03-01", "03-01T02:00", "met"),
        ("2026-03-02", "03-02T02:00", "met"),
        ("2026-03-03", "03-03T02:00", "met"),
        ("2026-03-04", "03-04T02:00", "met"),
        ("2026-03-05", "03-05T02:00", "did not run"),
    ]


@pytest.mark.parametrize(
    ("zone", "hour", "expected"),
    [
        # Clocks went forward at 01:00 UTC on the 29th: 02:30 did not exist, and counts as 01:30.
        ("Europe/Berlin", 2, ["03-28T01:30", "03-29T00:30", "03-30T00:30"]),
        ("Asia/Kathmandu", 2, ["03-27T20:45", "03-28T20:45", "03-29T20:45", "03-30T20:45"]),
        ("America/New_York", 22, ["03-29T02:30", "03-30T02:30"]),
    ],
)
def test_due_times_use_the_time_zone_of_the_appliance(
    engine: Engine, zone: str, hour: int, expected: list[str]
) -> None:
    """A schedule is due in the appliance's own time zone."""
    schedule = DAILY._replace(hour=hour, minute=30)
    found = days(engine, (), (schedule,), zone, "2026-03-31T00:00")
    assert [due for _, due, _ in found][-len(expected) :] == expected


def test_repeated_local_time(engine: Engine) -> None:
    """If clocks go back, the first of the two times is due; a backup at the second meets it."""
    nights.use(engine, Calendar())
    jobs = [night("2026-10-24T00:30"), night("2026-10-25T01:30"), night("2026-10-26T01:30")]
    import_documents(engine, dict(jobs), "vc", at("2026-10-27T00:00"))
    tell(engine, "vc", at("2026-10-24T00:00"), (DAILY._replace(minute=30),), "Europe/Berlin")
    scope = Scope(now=at("2026-10-27T00:00"))
    assert [(row[2], row[4]) for row in ask(engine, "compliance", scope)] == [
        (at("2026-10-24T00:30"), "met"),
        (at("2026-10-25T00:30"), "met"),
        (at("2026-10-26T01:30"), "met"),
    ]


def test_days_that_start_in_the_afternoon(engine: Engine) -> None:
    """A night belongs to the day on whose afternoon it begins, on the leap day, too."""
    calendar = Calendar("Europe/Berlin", "16:00")
    nights.use(engine, calendar)
    jobs = [night("2028-02-28T01:00"), night("2028-02-29T01:00"), night("2028-03-01T14:59")]
    import_documents(engine, dict(jobs), "vc", at("2028-03-03T00:00"))
    tell(engine, "vc", at("2028-02-28T00:00"), (DAILY,), "Europe/Berlin")
    scope = Scope(now=at("2028-03-03T00:00"))
    assert [(row[1], row[2], row[4]) for row in ask(engine, "compliance", scope)] == [
        ("2028-02-27", at("2028-02-28T01:00"), "met"),
        ("2028-02-28", at("2028-02-29T01:00"), "met"),
        ("2028-02-29", at("2028-03-01T01:00"), "met"),  # late, and still of that day
        ("2028-03-01", at("2028-03-02T01:00"), "did not run"),
    ]


def test_due_just_before_midnight(engine: Engine) -> None:
    """A backup due just before midnight may start after it; one due at midnight is on the day it begins."""
    overdue = [night("2026-03-02T00:01"), night("2026-03-02T23:58"), night("2026-03-04T00:05")]
    assert days(
        engine, overdue, (DAILY._replace(hour=23, minute=55),), "UTC", "2026-03-04T12:00"
    ) == [
        ("2026-03-01", "03-01T23:55", "met"),
        ("2026-03-02", "03-02T23:55", "met"),
        ("2026-03-03", "03-03T23:55", "met"),
    ]


def test_due_at_midnight(engine: Engine) -> None:
    """Midnight is the first instant of a day."""
    jobs = [night(f"2026-03-0{day}T00:00") for day in (1, 2, 3)]
    assert days(engine, jobs, (DAILY._replace(hour=0),), "UTC", "2026-03-03T12:00") == [
        ("2026-03-01", "03-01T00:00", "met"),
        ("2026-03-02", "03-02T00:00", "met"),
        ("2026-03-03", "03-03T00:00", "met"),
    ]


def test_early_backups(engine: Engine) -> None:
    """A success meets what was due before it, and not what is due later."""
    jobs = [
        night("2026-03-01T10:00", type="MANUAL"),
        night("2026-03-01T22:00", "FAILED"),
        night("2026-03-02T10:00", type="MANUAL"),
        night("2026-03-03T22:00"),
    ]
    assert days(engine, jobs, (DAILY._replace(hour=22),), "UTC", "2026-03-04T12:00") == [
        ("2026-03-01", "03-01T22:00", "met"),  # by that of the 2nd, before the next was due
        ("2026-03-02", "03-02T22:00", "did not run"),
        ("2026-03-03", "03-03T22:00", "met"),
    ]


WEEKLY = DAILY._replace(days=("SATURDAY", "SUNDAY"))


def test_weekdays(engine: Engine) -> None:
    """A schedule is due on its weekdays; until it is due again a success is late."""
    jobs = [night("2026-03-01T02:00"), night("2026-03-11T02:00")]
    assert days(engine, jobs, (WEEKLY,), "UTC", "2026-03-15T04:00") == [
        ("2026-03-01", "03-01T02:00", "met"),
        ("2026-03-07", "03-07T02:00", "did not run"),
        ("2026-03-08", "03-08T02:00", "met"),
        ("2026-03-14", "03-14T02:00", "did not run"),
        ("2026-03-15", "03-15T02:00", "did not run"),
    ]


def test_several_schedules(engine: Engine) -> None:
    """Each due time of each schedule is expected, also two of one day."""
    other = WEEKLY._replace(key="other", hour=14)
    jobs = [night("2026-03-01T02:00"), night("2026-03-07T14:00")]
    found = days(engine, jobs, (DAILY, other), "UTC", "2026-03-08T12:00")
    assert [(due, outcome) for _, due, outcome in found] == [
        ("03-01T02:00", "met"), ("03-01T14:00", "did not run"), ("03-02T02:00", "did not run"),
        ("03-03T02:00", "did not run"), ("03-04T02:00", "did not run"),
        ("03-05T02:00", "did not run"), ("03-06T02:00", "did not run"),
        ("03-07T02:00", "did not run"), ("03-07T14:00", "met"), ("03-08T02:00", "did not run"),
    ]  # fmt: skip


@pytest.mark.parametrize("zone", [None, "Europe/Atlantis", "../UTC"])
def test_unknown_zones(engine: Engine, zone: str | None) -> None:
    """In an unknown time zone a schedule may be due up to 14 hours earlier or later than in UTC."""
    jobs = [night("2026-03-01T13:00"), night("2026-03-02T13:00"), night("2026-03-05T13:00")]
    assert days(engine, jobs, (DAILY,), zone, "2026-03-05T16:30") == [
        ("2026-03-01", "03-01T02:00", "met"),
        ("2026-03-02", "03-02T02:00", "met"),
        ("2026-03-03", "03-03T02:00", "did not run"),
        ("2026-03-04", "03-04T02:00", "did not run"),
        ("2026-03-05", "03-05T02:00", "met"),
    ]


@pytest.mark.parametrize("hour", [None, 25, -1])
def test_schedules_without_a_time_are_ignored(engine: Engine, hour: int | None) -> None:
    """They count as missing: the learned pattern applies."""
    jobs = [night(f"2026-03-0{day}T02:00") for day in range(1, 8)]
    found = days(engine, jobs, (DAILY._replace(hour=hour),), "UTC", "2026-03-09T12:00")
    assert found == [
        ("2026-03-08", "03-08T02:00", "did not run"),
        ("2026-03-09", "03-09T02:00", "did not run"),
    ]


def test_schedules_that_change(engine: Engine) -> None:
    """A schedule applies from the import that first has it until it changes; if disabled, nothing is due."""
    import_documents(engine, dict([night("2026-02-20T01:00")]), "vc", at("2026-03-12T12:00"))
    afternoons = DAILY._replace(hour=14)
    changes = [
        ("2026-03-01T12:00", (DAILY,)),
        ("2026-03-03T11:00", (DAILY,)),
        ("2026-03-03T12:00", (afternoons,)),
        ("2026-03-04T11:00", (afternoons,)),
        ("2026-03-04T12:00", (DAILY._replace(enabled=False),)),
        ("2026-03-06T12:00", ()),
        ("2026-03-08T12:00", (DAILY,)),
    ]
    for seen_at, schedules in changes:
        tell(engine, "vc", at(seen_at), schedules, "UTC")

    def found(*cadences: tuple[str, int]) -> list[tuple[str, str]]:
        scope = Scope(now=at("2026-03-10T12:00"), since="2026-03-01", cadences=cadences)
        return [(row[1][8:], row[2][11:13]) for row in ask(engine, "missed", scope)]

    assert found() == [("02", "02"), ("03", "02"), ("03", "14"), ("09", "02"), ("10", "02")]
    # A cadence is configured by a person, and applies while no schedule is enabled.
    assert found(("vc", 86400)) == [
        ("01", "01"), ("02", "02"), ("03", "02"), ("03", "14"), ("05", "01"), ("06", "01"),
        ("07", "01"), ("08", "01"), ("09", "02"), ("10", "02"),
    ]  # fmt: skip


def test_schedule_that_changed_between_two_imports_raises_no_alarm(engine: Engine) -> None:
    """It was switched off on the 4th after noon, which the import of the 5th shows: nothing is overdue."""
    jobs = [night(f"2026-03-0{day}T02:00") for day in (2, 3, 4)]
    import_documents(engine, dict(jobs), "vc", at("2026-03-05T12:00"))
    for day in (1, 2, 3, 4):
        tell(engine, "vc", at(f"2026-03-0{day}T12:00"), (DAILY,), "UTC")
    tell(engine, "vc", at("2026-03-05T12:00"), (DAILY._replace(enabled=False),), "UTC")
    scope = Scope(now=at("2026-03-05T13:00"), since="2026-03-01")
    assert ask(engine, "missed", scope) == []
    ((_, state, *_),) = ask(engine, "rpo", Scope(now=scope.now))
    assert state == "ok"


@pytest.mark.parametrize(
    ("cadence", "expected"),
    [
        (86400, [f"{day:02} 02:00" for day in range(2, 11)]),
        (36 * 3600, ["02 14:00", "04 02:00", "05 14:00", "07 02:00", "08 14:00", "10 02:00"]),
        (48 * 3600, ["03 02:00", "05 02:00", "07 02:00", "09 02:00"]),
        (7 * 86400, ["08 02:00"]),
    ],
)
def test_cadences(engine: Engine, cadence: int, expected: list[str]) -> None:
    """A cadence counts from the start of the last success; what was missed is due again after it."""
    import_documents(engine, dict([night("2026-03-01T02:00")]), "vc", at("2026-03-10T12:00"))
    scope = Scope(now=at("2026-03-10T12:00"), cadences=(("vc", cadence),))
    found = [f"{row[2][8:10]} {row[2][11:16]}" for row in ask(engine, "missed", scope)]
    assert found == expected


def test_learned_pattern(engine: Engine) -> None:
    """Without schedule and cadence, the usual times are expected again."""
    weekly = [night(f"2026-{day}T03:00") for day in ("01-04", "01-11", "01-18", "01-25")]
    retries = [night("2026-01-26T10:00", type="MANUAL"), night("2026-01-27T10:00", type="MANUAL")]
    import_documents(engine, dict([*weekly, *retries]), "vc", at("2026-02-17T00:00"))
    scope = Scope(now=at("2026-02-17T00:00"))
    assert [row[1:5] for row in ask(engine, "missed", scope)] == [
        ("2026-02-01", at("2026-02-01T03:00"), "learned", "did not run"),
        ("2026-02-08", at("2026-02-08T03:00"), "learned", "did not run"),
        ("2026-02-15", at("2026-02-15T03:00"), "learned", "did not run"),
    ]


def test_learned_times_around_midnight(engine: Engine) -> None:
    """A backup just after midnight is the late one of the day before."""
    starts = [
        *(f"2026-03-{day:02}T23:58" for day in range(1, 15)),
        # That of the 15th starts late, and the 16th has its own.
        "2026-03-16T00:03",
        "2026-03-16T23:59",
    ]
    import_documents(engine, dict(map(night, starts)), "vc", at("2026-03-18T12:00"))
    scope = Scope(now=at("2026-03-18T12:00"), since="2026-03-14")
    assert [(row[1][8:], row[4], row[5]) for row in ask(engine, "compliance", scope)] == [
        ("14", "met", "20260314-235800-1"),
        ("15", "met", "20260316-000300-1"),
        ("16", "met", "20260316-235900-1"),
        ("17", "did not run", None),
    ]


def test_retry_in_the_evening(engine: Engine) -> None:
    """A late success counts until three hours before the next usual start."""
    jobs = [
        *(night(f"2026-03-{day:02}T00:05") for day in range(1, 13)),
        night("2026-03-13T00:05", "FAILED"),
        night("2026-03-13T20:00", type="MANUAL"),
        night("2026-03-14T00:05"),
        night("2026-03-15T00:05", "FAILED"),
        night("2026-03-15T23:58"),
        night("2026-03-17T00:05"),
    ]
    import_documents(engine, dict(jobs), "vc", at("2026-03-18T12:00"))
    scope = Scope(now=at("2026-03-18T12:00"), since="2026-03-13", until="2026-03-17")
    assert [(row[1][8:], row[4], row[5]) for row in ask(engine, "compliance", scope)] == [
        ("13", "met", "20260313-200000-1"),
        ("14", "met", "20260314-000500-1"),
        ("15", "failed", "20260315-000500-1"),
        ("16", "met", "20260315-235800-1"),
        ("17", "met", "20260317-000500-1"),
    ]


def test_weekdays_without_backups_are_learned(engine: Engine) -> None:
    """Weekends are not expected, not even the first one."""
    days = [date(2026, 3, 2) + timedelta(days=number) for number in range(26)]  # from a Monday
    jobs = [night(f"{day}T02:00") for day in days if day.weekday() < 5 and day.day != 25]
    import_documents(engine, dict(jobs), "vc", at("2026-03-28T12:00"))
    rows = ask(engine, "missed", Scope(now=at("2026-03-28T12:00")))
    assert [(row[1], row[4]) for row in rows] == [("2026-03-25", "did not run")]  # a Wednesday


def test_one_weekend_off_is_no_pattern(engine: Engine) -> None:
    """A weekday that came twice, and once with a job, is expected; the first Saturday was not yet."""
    jobs = [night(f"2026-03-{day:02}T02:00") for day in range(1, 17) if day not in (7, 8)]
    import_documents(engine, dict(jobs), "vc", at("2026-03-23T12:00"))
    rows = ask(engine, "missed", Scope(now=at("2026-03-23T12:00")))
    assert [row[1][8:] for row in rows] == ["08", "17", "18", "19", "20", "21", "22", "23"]


def test_changed_habits_are_not_missed(engine: Engine) -> None:
    """From daily to Sundays: the days between are neither expected nor missed."""
    daily = [date(2026, 1, 1) + timedelta(days=number) for number in range(59)]
    sundays = [date(2026, 3, 1) + timedelta(days=7 * number) for number in range(8)]
    jobs = [night(f"{day}T02:00") for day in [*daily, *sundays]]
    import_documents(engine, dict(jobs), "vc", at("2026-04-19T12:00"))
    scope = Scope(now=at("2026-04-19T12:00"))
    assert ask(engine, "missed", scope) == []
    outcomes = {row[4] for row in ask(engine, "compliance", scope)}
    assert outcomes == {"met"}


def test_irregular_appliances_have_no_expected_backups(engine: Engine) -> None:
    """A gap of two months gives no pattern."""
    jobs = [night(f"2025-{month}-01T02:00") for month in ("01", "03", "05", "07", "09")]
    import_documents(engine, dict(jobs), "vc", NOW)
    assert ask(engine, "missed", Scope(now=NOW)) == []


def test_clocks_that_were_wrong(engine: Engine) -> None:
    """A job that starts long after it was first seen meets nothing, also when that day has come."""
    wrong = night("2026-03-20T02:00")
    jobs = [night(f"2026-03-{day:02}T02:00") for day in range(1, 11)]
    import_documents(engine, dict([*jobs, wrong]), "vc", at("2026-03-10T12:00"))
    import_documents(engine, {}, "vc", at("2026-03-20T12:00"))
    rows = ask(engine, "missed", Scope(now=at("2026-03-20T12:00")))
    assert [row[1][8:] for row in rows] == [str(day) for day in range(11, 21)]
