from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.judgement.standing import NEVER, NO_RECENT_DATA, OK, OVERDUE
from archive.reports import Scope
from archive.reports.core.current import current
from tests.reports import nights
from tests.reports.nights import CADENCED, DAILY, NOW, SCHEDULED, UNTOLD, ask, at, csv, night, tell
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCOPE = Scope(now=NOW, cadences=((CADENCED, 86400),))
DAY = 86400


def test_rpo(engine: Engine) -> None:
    """The worst come first; each has its RPO and the source of the RPO."""
    nights.load(engine)
    import_documents(
        engine, dict([night("2026-03-11T01:00", "FAILED")]), "vc4", at("2026-03-11T06:00")
    )
    # From the end of the first job; the gaps are before the successes of the 4th, 6th, 8th, 10th.
    hours = 9 * 24 + 4 + 50 / 60
    outside = (30 + 50.5 / 60) + 15 + 22.5 + 23
    assert ask(engine, "rpo", SCOPE) == [
        (
            "vc4", NEVER, None, None, "none",
            None, None, at("2026-03-11T01:00"), "FAILED",
            None, None, None, at("2026-03-11T06:00"), None, None,
        ),
        (
            CADENCED, NO_RECENT_DATA, 3 * DAY - 4 * 3600 - 30, 26 * 3600, "cadence",
            at("2026-03-08T12:00"), "2026-03-08T12:00:30.000000Z",
            at("2026-03-08T12:00"), "SUCCEEDED",
            None, None, "unknown", at("2026-03-08T13:00"),
            1 - 22 * 3600 / (2 * DAY + 3600 - 30), 1 / 3,
        ),
        (
            UNTOLD, OK, 8 * DAY - 4 * 3600 - 30, None, "none",
            at("2026-03-03T12:00"), "2026-03-03T12:00:30.000000Z",
            at("2026-03-03T12:00"), "SUCCEEDED",
            None, None, None, at("2026-03-11T06:00"), None, None,
        ),
        (
            SCHEDULED, OK, 7 * 3600 - 30, 90000, "schedule",
            at("2026-03-11T01:00"), "2026-03-11T01:00:30.000000Z",
            at("2026-03-11T01:00"), "SUCCEEDED",
            None, at("2026-03-12T01:00"), None, at("2026-03-11T06:00"),
            (hours - outside) / hours, 0.2,
        ),
    ]  # fmt: skip


def test_overdue_since(engine: Engine) -> None:
    """Since the first missed backup in a row, as the last import shows it."""
    jobs = [night("2026-03-08T02:00"), night("2026-03-10T02:00", "FAILED")]
    import_documents(engine, {}, "vc", at("2026-03-08T00:00"))
    import_documents(engine, dict(jobs), "vc", at("2026-03-11T02:30"))
    tell(engine, "vc", at("2026-03-08T00:00"), (DAILY,), "UTC")
    (row,) = ask(engine, "rpo", Scope(now=NOW))
    # That of the 11th still had time at the last import.
    assert (row[1], *row[9:11]) == (OVERDUE, at("2026-03-09T02:00"), at("2026-03-12T02:00"))


def test_overdue_since_long_ago_as_of_an_earlier_time(engine: Engine) -> None:
    """A weekly backup that has been missed for half a year has as many due times as a month of nights."""
    sundays = DAILY._replace(days=("SUNDAY",))
    import_documents(engine, dict([night("2025-09-07T02:00")]), "vc", at("2025-09-08T00:00"))
    import_documents(engine, {}, "vc", at("2026-03-11T06:00"))
    tell(engine, "vc", at("2025-09-01T00:00"), (sundays,), "UTC")
    for now in (NOW, at("2026-03-11T05:00")):
        (row,) = ask(engine, "rpo", Scope(now=now))
        assert (row[1], row[9]) == (OVERDUE, at("2025-09-14T02:00"))


def test_rates(engine: Engine) -> None:
    """Shares of the time, and of the days, from the first job to the last import in the period."""
    jobs = [night("2026-03-01T00:00", end="2026-03-01T12:00"), night("2026-03-04T00:00")]
    import_documents(engine, dict(jobs), "vc", at("2026-03-05T12:00"))

    def rates(**asked: Any) -> Any:
        scope = Scope(now=at("2026-03-09T00:00"), rpo_seconds=DAY, **asked)
        ((*_, time_rate, days_rate),) = ask(engine, "rpo", scope)
        return time_rate, days_rate

    # From noon of the 1st to noon of the 5th are 96 h, and 36 h and 30 s of them are not covered,
    # 11 h 59 m 30 s more are not either: parts of the 2nd, 3rd, 4th and 5th.
    outside = 36 * 3600 + 30 + 12 * 3600 - 30
    assert rates() == ((96 * 3600 - outside) / (96 * 3600), 1 / 5)
    assert rates(since="2026-03-03", until="2026-03-03") == (0.0, 0.0)
    assert rates(until="2026-03-01") == (1.0, 1.0)
    assert rates(since="2026-03-06") == (None, None)
    assert rates(since="2027-01-01") == (None, None)
    assert rates(until="2020-01-01") == (None, None)
    assert nights.notes(engine, "rpo", Scope(now=at("2026-03-09T00:00"))) == [
        (
            "Rates cover 2026-02-08 to 2026-03-09, up to the last import of each appliance. Without"
            " --rpo, the RPO is the longest time between two expected backups."
        )
    ]


@pytest.mark.parametrize("days", [20, 39, 45, 90, 400])
def test_rates_of_a_history_imported_at_once(engine: Engine, days: int) -> None:
    """The time before the first import counts, however long the history is."""
    first = date(2026, 3, 9) - timedelta(days)
    jobs = [night(f"{first + timedelta(number)}T02:00") for number in range(days + 1)]
    import_documents(engine, dict(jobs), "vc", at("2026-03-09T02:30"))
    ((*_, time_rate, days_rate),) = ask(
        engine, "rpo", Scope(now=at("2026-03-09T03:00"), rpo_seconds=DAY + 3600)
    )
    assert (time_rate, days_rate) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("schedules", "objective"),
    [
        ((DAILY,), (90000, "schedule")),
        ((DAILY._replace(days=("SUNDAY",)),), (7 * DAY + 3600, "schedule")),
        ((DAILY._replace(days=("MONDAY", "FRIDAY")),), (4 * DAY + 3600, "schedule")),
        # Schedules that are switched off expect nothing.
        ((DAILY._replace(enabled=False),), (None, "none")),
        # A schedule without a time of day says nothing, and one job shows no habit.
        ((DAILY._replace(hour=None),), (None, "none")),
    ],
)
def test_rpo_sources(
    engine: Engine, schedules: tuple[Any, ...], objective: tuple[int | None, str]
) -> None:
    """The option overrides an enabled schedule, which overrides the cadence."""
    import_documents(engine, {}, "vc", at("2026-02-11T06:00"))
    import_documents(engine, dict([night("2026-03-11T01:00")]), "vc", NOW)
    tell(engine, "vc", at("2026-02-11T06:00"), schedules, "UTC")

    def found(**asked: Any) -> Any:
        return ask(engine, "rpo", Scope(now=NOW, **asked))[0][3:5]

    assert found() == objective
    cadences = (("vc", 2 * DAY),)
    is_due = schedules[0].enabled and schedules[0].hour is not None
    cadenced = objective if is_due else (52 * 3600, "cadence")
    assert found(cadences=cadences) == cadenced
    assert found(cadences=cadences, rpo_seconds=60) == (60, "rpo")


def test_rpo_of_learned_and_irregular_appliances(engine: Engine) -> None:
    """Weekly backups may be a week old; irregular ones twice as old as the longest gap."""
    weekly = [night(f"2026-{day}T03:00") for day in ("02-08", "02-15", "02-22", "03-01", "03-08")]
    import_documents(engine, dict(weekly), "weekly", NOW)
    irregular = [
        night(f"2026-03-{day}") for day in ("01T02:00", "01T17:00", "02T09:00", "07T21:00")
    ]
    import_documents(engine, dict(irregular), "irregular", NOW)
    assert [row[:5] for row in ask(engine, "rpo", Scope(now=NOW))] == [
        ("irregular", OK, 3 * DAY + 11 * 3600 - 30, 2 * (5 * DAY + 12 * 3600), "irregular"),
        ("weekly", OK, 3 * DAY + 5 * 3600 - 30, 7 * DAY + 2 * 3600, "learned"),
    ]


def test_last_successes(engine: Engine) -> None:
    """Size and duration of the last success; failed jobs and those in the future do not count."""
    jobs = [
        night("2026-03-10T01:00", size=1, duration=2),
        night("2026-03-11T01:00", size=3, duration=4),
        night("2026-03-11T05:00", "FAILED", size=5, duration=6),
        night("2026-03-12T01:00", size=7, duration=8),
    ]
    import_documents(engine, dict(jobs), "vc1", NOW)
    import_documents(engine, dict(jobs[2:]), "vc2", NOW)
    import_documents(engine, dict([night("2026-03-11T01:00", size=None)]), "vc3", NOW)

    def found(**asked: Any) -> Any:
        with db.reading(engine) as connection:
            standing = current(connection, Scope(now=NOW, **asked))
            successes = {one.appliance: one.success for one in standing if one.success is not None}
            return {
                name: (one.key, one.size_bytes, one.duration_seconds)
                for name, one in successes.items()
            }

    assert found() == {
        "vc1": ("20260311-010000-1", 3, 4),
        "vc3": ("20260311-010000-1", None, 60),
    }
    assert found(appliances=("vc1",)).keys() == {"vc1"}


def test_extreme_times(engine: Engine) -> None:
    """The end of a success is not before its start or after now; a success in the future does not count."""
    jobs = {
        "future": [night("2026-03-12T00:00"), night("2026-03-09T00:00")],
        "backwards": [night("2026-03-11T04:00", end="2026-02-01T00:00")],
        "unfinished": [night("2026-03-11T05:00", end="2026-03-11T23:00")],
        "without": [("20260311-060000-1", job(start_time=None, end_time=None))],
        "endless": [("k", job(start_time="2026-03-11T07:00:00.000Z", end_time=None))],
        "open": [night("2026-03-11T02:00", "RUNNING"), night("2026-03-10T02:00", "PENDING")],
        "long": [night("2026-03-08T00:00", end="2026-03-11T03:00")],
    }
    for name, history in jobs.items():
        import_documents(engine, dict(history), name, NOW)
    found = {row[0]: (row[1], row[2], row[8]) for row in ask(engine, "rpo", Scope(now=NOW))}
    assert found == {
        "future": (OK, 2 * DAY + 8 * 3600 - 30, "SUCCEEDED"),
        "backwards": (OK, 4 * 3600, "SUCCEEDED"),
        "unfinished": (OK, 0, "SUCCEEDED"),
        "without": (OK, 2 * 3600, "SUCCEEDED"),
        "endless": (OK, 3600, "SUCCEEDED"),
        "open": (NEVER, None, "RUNNING"),
        "long": (OK, 5 * 3600, "SUCCEEDED"),
    }


def test_both_databases_give_the_same_bytes(engines: list[Engine]) -> None:
    """The report is byte-equal, and that of two fleets is the union of both."""
    written = []
    for engine in engines:
        nights.load(engine)
        written.append(csv(engine, "rpo", SCOPE))
        whole = set(ask(engine, "rpo", SCOPE))
        alone = [
            Scope(now=NOW, cadences=SCOPE.cadences, appliances=(name,))
            for name in (SCHEDULED, CADENCED, UNTOLD)
        ]
        assert {row for scope in alone for row in ask(engine, "rpo", scope)} == whole
    assert written[0] == written[1]
