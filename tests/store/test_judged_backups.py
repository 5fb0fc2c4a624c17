from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.store import appliance_settings, judged_backups
from archive.store import settings as stored_settings
from archive.store.appliance_settings import Configured
from tests.support import samples
from tests.support.archives import count, each, import_documents, stream
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=max(EXAMPLES // 3, 3),
)
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 120
RHYTHMS: dict[str, Any] = {
    "daily": lambda _: [(2, 15)],
    "twice a day": lambda _: [(2, 15), (14, 30)],
    "weekdays": lambda day: [(22, 0)] if day.weekday() < 5 else [],
    "weekly": lambda day: [(3, 0)] if day.weekday() == 6 else [],
    "every third day": lambda day: [(1, 0)] if day.toordinal() % 3 == 0 else [],
    "monthly": lambda day: [(4, 0)] if day.day == 1 else [],
    "around midnight": lambda day: [(0, 2)] if day.toordinal() % 2 else [(23, 58)],
    "changed": lambda day: [(2, 15)] if day < BEGIN + timedelta(60) or day.weekday() == 6 else [],
}


def text(moment: datetime) -> str:
    """Return an instant as documents have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def instant(moment: datetime) -> str:
    """Return an instant as the archive has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def history(chance: random.Random, rhythm: str) -> list[tuple[datetime, str, str]]:
    """Return the starts, types and final statuses of an appliance's jobs."""
    jobs = []
    outage = range(*sorted(chance.sample(range(DAYS), 2))) if chance.random() < 0.3 else range(0)
    for number in range(DAYS):
        day = BEGIN + timedelta(number)
        for hour, minute in RHYTHMS[rhythm](day):
            if number in outage and chance.random() < 0.9:
                continue
            begin = day + timedelta(hours=hour, minutes=minute, seconds=chance.randrange(200))
            status = chance.choices(["SUCCEEDED", "FAILED", "CANCELED"], [90, 9, 1])[0]
            jobs.append((begin, "SCHEDULED", status))
            if status == "FAILED" and chance.random() < 0.5:
                jobs.append((begin + timedelta(hours=1), "MANUAL", "SUCCEEDED"))
        if chance.random() < 0.03:
            begin = day + timedelta(minutes=chance.randrange(1440))
            jobs.append((begin, "MANUAL", "SUCCEEDED"))
    return jobs


def answer(
    jobs: list[tuple[datetime, str, str]], now: datetime, days: int, chance: random.Random
) -> dict[str, Any]:
    """Return the jobs of the last days as an appliance lists them."""
    listed = {}
    for begin, kind, status in jobs:
        if now - timedelta(days) <= begin <= now and chance.random() < 0.95:
            end = begin + timedelta(minutes=30)
            is_open = now < end
            fields: dict[str, Any] = {"type": kind, "start_time": text(begin)}
            if not is_open:
                fields |= {"end_time": text(end), "duration": 1800}
            key = begin.strftime("%Y%m%d-%H%M%S-1")
            listed[key] = job("RUNNING" if is_open else status, **fields)
    return listed


class Never(random.Random):
    """Chance without chance: nothing is left out."""

    def random(self) -> float:
        """Return the least value."""
        return 0.0


NEVER = Never()


def schedule(hour: int, days: tuple[str, ...] | None, *, enabled: bool) -> Facts:
    """Return collected facts with one schedule."""
    one = Schedule("default", enabled, hour, 15, days, 7, None, None, None, None, None)
    return Facts(None, "Europe/Berlin", (one,))


def differences(engine: Engine) -> int:
    """Return the number of stored rows that differ from judging everything again."""
    with db.reading(engine) as connection:
        return len(judged_backups.differences(connection))


@shared
@given(st.sampled_from(sorted(RHYTHMS)), st.integers(0, 2**32), st.booleans())
def test_stored_judgement_equals_judging_everything_again(
    engines: list[Engine],
    rhythm: str,
    seed: int,
    is_scheduled: bool,  # noqa: FBT001 - drawn
) -> None:
    """After any imports (late, partial, repeated) and collected schedules, on both databases."""
    chance = random.Random(seed)  # noqa: S311 - a fleet, not a secret
    jobs = history(chance, rhythm)
    moments = sorted(chance.sample(range(1, DAYS * 24), 12))
    if chance.random() < 0.4:
        chance.shuffle(moments)
    imports = []
    for hours in moments:
        now = BEGIN + timedelta(hours=hours)
        facts = None
        if is_scheduled and chance.random() < 0.4:
            days = chance.choice([None, ("SUNDAY",), ("MONDAY", "FRIDAY")])
            facts = schedule(chance.randrange(24), days, enabled=chance.random() < 0.8)
        imports.append((now, answer(jobs, now, chance.choice([3, 14, 60]), chance), facts))
    for engine in each(engines):
        for now, documents, facts in imports:
            if facts is None:
                import_documents(engine, documents, "vc01", instant(now))
            else:
                import json

                source = Source(
                    "answer", stream(json.dumps(documents).encode()), "vc01", instant(now)
                )
                with ingest_answer(engine, source) as answered:
                    answered.record_facts(facts, instant(now))
            assert differences(engine) == 0, now


@pytest.mark.parametrize(("together", "recent_days"), [(3, 30), (50, 30), (50, 0)])
def test_appliances_judged_together_are_judged_as_each_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, together: int, recent_days: int
) -> None:
    """Appliances of all rhythms in one file: of one night, a late one, and a whole history."""
    monkeypatch.setattr(judged_backups, "_READ_TOGETHER", together)
    monkeypatch.setattr(judged_backups, "_RECENT_DAYS", recent_days)
    chance = random.Random(7)  # noqa: S311 - a fleet, not a secret
    fleet = {name.replace(" ", "-"): history(chance, name) for name in sorted(RHYTHMS)}
    for day, listed in ((70, 60), (71, 1), (73, 3), (60, 20), (90, 90), (91, 60)):
        now = BEGIN + timedelta(day)
        lines = [
            {"appliance": name, "job": key, "info": info}
            for name, jobs in fleet.items()
            for key, info in answer(jobs, now, listed, chance).items()
        ]
        import_documents(engine, samples.stream(*lines), None, instant(now), "all.jsonl")
        assert differences(engine) == 0, day
    assert count(engine, tables.expected_backup) > 100


def test_late_jobs_restore_a_habit(engine: Engine) -> None:
    """What a weekly habit explained is missed again once the jobs of the other days have come."""
    days = [BEGIN + timedelta(number, hours=2) for number in range(75) if number != 34]
    jobs = [(day, "SCHEDULED", "SUCCEEDED") for day in days]
    late = [one for one in jobs if one[0] >= BEGIN + timedelta(47) and one[0].weekday() != 6]
    for some, end in (([one for one in jobs if one not in late], 76), (late, 77)):
        now = BEGIN + timedelta(end)
        documents = {
            begin.strftime("%Y%m%d-%H%M%S-1"): job(status, type=kind, start_time=text(begin))
            for begin, kind, status in some
        }
        import_documents(engine, documents, "vc01", instant(now))
        assert differences(engine) == 0


def test_late_job_after_a_long_gap_leaves_no_gap_in_what_is_expected(engine: Engine) -> None:
    """The job that begins the history is of long before those that are read to judge again."""
    nights = [BEGIN + timedelta(number, hours=2) for number in (0, *range(61, 100))]
    jobs = [(night, "SCHEDULED", "SUCCEEDED") for night in nights]
    now = BEGIN + timedelta(100)
    import_documents(engine, answer(jobs, now, DAYS, NEVER), seen_at=instant(now))
    with db.writing(engine) as connection:
        configured = {"vc01": Configured(86400, None, None)}
        appliance_settings.record(connection, stored_settings.calendar(connection), configured)
    assert differences(engine) == 0
    late = [(BEGIN + timedelta(60, hours=2), "SCHEDULED", "SUCCEEDED")]
    import_documents(engine, answer(late, now, DAYS, NEVER), seen_at=instant(now))
    assert differences(engine) == 0


def test_rebuild_corrects_changed_rows(engine: Engine) -> None:
    chance = random.Random(1)  # noqa: S311 - a fleet, not a secret
    jobs = history(chance, "daily")
    end = BEGIN + timedelta(DAYS)
    import_documents(engine, answer(jobs, end, DAYS, chance), "vc01", instant(end))
    expected = count(engine, tables.expected_backup)
    assert expected > DAYS - 14
    with db.writing(engine) as connection:
        connection.execute(tables.expected_backup.update().values(outcome="failed"))
        connection.execute(tables.appliance_standing.delete())
    assert differences(engine) > expected / 2
    with db.writing(engine) as connection:
        judged_backups.rebuild(connection)
    assert differences(engine) == 0


@pytest.mark.parametrize(
    "replaced",
    [
        {"status": "FAILED"},
        {"start_time": "2036-03-02T02:15:00.000Z"},
        {"start_time": "2026-02-01T02:15:00.000Z", "status": "FAILED"},
    ],
    ids=["failed after all", "a wrong clock", "failed earlier"],
)
@pytest.mark.parametrize("others", [0, 1, 60])
def test_replaced_success_is_not_the_last_one(
    engine: Engine, others: int, replaced: dict[str, Any]
) -> None:
    """The greater of two documents of a job need not be a success, nor be judged at all."""
    jobs = {
        f"{BEGIN + timedelta(day):%Y%m%d-%H%M%S}-1": job(
            "SUCCEEDED" if day in (0, others) else "FAILED",
            start_time=text(BEGIN + timedelta(day)),
            end_time=text(BEGIN + timedelta(day, minutes=1)),
        )
        for day in range(others + 1)
    }
    import_documents(engine, jobs, seen_at=instant(BEGIN + timedelta(others, hours=3)))
    newer = {key: info | {"duration": 90} | replaced for key, info in [*jobs.items()][-1:]}
    import_documents(engine, newer, seen_at=instant(BEGIN + timedelta(others, hours=4)))
    assert differences(engine) == 0


def test_jobs_of_a_wrong_clock_show_no_habit(engine: Engine) -> None:
    """They are not judged, so they do not count as the runs that a weekly habit is learned from."""
    chance = random.Random(1)  # noqa: S311 - a fleet, not a secret
    weekly = [
        (BEGIN + timedelta(7 * week, minutes=chance.randrange(60)), "SCHEDULED", "SUCCEEDED")
        for week in range(40)
    ]
    early = BEGIN + timedelta(7 * 5)
    ahead = [(BEGIN + timedelta(245 + day), "SCHEDULED", "SUCCEEDED") for day in range(15)]
    import_documents(engine, answer(ahead, ahead[-1][0], 400, NEVER), seen_at=instant(early))
    for week in range(5, 40):
        now = BEGIN + timedelta(7 * week, hours=6)
        import_documents(engine, answer(weekly, now, 40, NEVER), seen_at=instant(now))
        assert differences(engine) == 0
