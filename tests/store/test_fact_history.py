from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule, Version
from archive.maintenance import verify
from archive.store import fact_history, judged_backups
from archive.store import settings as store_settings
from tests.support.archives import each, empty, import_documents, rows
from tests.support.laws import EXAMPLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

TIMES = [f"2026-07-24T{hour:02}:00:00.000000Z" for hour in range(24)]
VERSION = Version("8.0.3", "vCenter", "24322831", None, None, None, None, None, None)
NEWER = VERSION._replace(version="9.0.2", other='{"a":1}')
NIGHTLY = Schedule(
    key="default",
    enabled=True,
    hour=2,
    minute=15,
    days=None,
    max_count=14,
    parts=("common", "seat"),
    fast_backup=False,
    location="sftp://backup:secret@nas.example.com/backup",
    location_user="backup",
    other=None,
)
WEEKLY = NIGHTLY._replace(key="weekly", days=("MONDAY",), location="nfs://nas/b", other="{}")
FUTURE = "2999-01-01T00:00:00.000000Z"
NOTHING = Facts(None, None, None)


def appliance(engine: Engine, number: int = 1) -> int:
    """Create an appliance and return its number."""
    with db.writing(engine) as connection:
        row = (number, f"vc{number:02}", TIMES[0], TIMES[0], None, None, None, None)
        db.insert(connection, tables.appliance, [row])
    return number


def record(engine: Engine, facts: Facts, seen_at: str, number: int = 1) -> None:
    with db.writing(engine) as connection:
        fact_history.record(connection, number, facts, seen_at)
        judged_backups.judge(connection, store_settings.calendar(connection), {number: 0})


def periods(engine: Engine, table: sa.Table) -> list[tuple[Any, ...]]:
    """Return first_seen, last_seen and ended_at of each row of a history."""
    columns = [table.c[name] for name in ("first_seen", "last_seen", "ended_at")]
    keys = [table.c.key] if table is tables.schedule else []
    return rows(engine, sa.select(*keys, *columns).order_by(table.c.first_seen, *keys))


def test_unchanged_fact_is_one_row(engine: Engine) -> None:
    """A repeated fact moves only its last_seen; an absent one moves nothing."""
    appliance(engine)
    for time in TIMES[:3]:
        record(engine, Facts(VERSION, "UTC", (NIGHTLY,)), time)
    record(engine, NOTHING, TIMES[3])
    for table in fact_history.HISTORIES:
        assert [row[-3:] for row in periods(engine, table)] == [(TIMES[0], TIMES[2], None)]
    stored = tuple(column for column in tables.system_version.c if column.key in Version._fields)
    assert rows(engine, sa.select(*stored)) == [VERSION]
    columns = ("enabled", "hour", "minute", "days", "max_count", "parts", "fast_backup", "other")
    assert rows(engine, sa.select(*(tables.schedule.c[name] for name in columns))) == [
        (True, 2, 15, None, 14, '["common","seat"]', False, None)
    ]
    assert rows(engine, sa.select(tables.location.c.url, tables.location.c.masked_url)) == [
        (NIGHTLY.location, "sftp://backup:***@nas.example.com/backup")
    ]


def test_changed_fact_is_a_new_row(engine: Engine) -> None:
    """A value ends when another one is seen, and may come back."""
    appliance(engine)
    for time, version in zip(TIMES, (VERSION, NEWER, NEWER, VERSION), strict=False):
        record(engine, Facts(version, version.version, None), time)
    expected = [
        (TIMES[0], TIMES[0], TIMES[1]),
        (TIMES[1], TIMES[2], TIMES[3]),
        (TIMES[3], TIMES[3], None),
    ]
    assert periods(engine, tables.system_version) == expected
    assert periods(engine, tables.system_time_zone) == expected
    assert list(verify.verify(engine)) == []


def test_schedules_come_and_go(engine: Engine) -> None:
    """Each key has a history of its own; a removed schedule has ended."""
    appliance(engine)
    moved = NIGHTLY._replace(location="nfs://nas/c")
    schedules_by_time: list[tuple[Schedule, ...]] = [
        (NIGHTLY,), (NIGHTLY, WEEKLY), (moved, WEEKLY), (), (), (NIGHTLY,),
    ]  # fmt: skip
    for time, schedules in zip(TIMES, schedules_by_time, strict=False):
        record(engine, Facts(None, None, schedules), time)
    assert periods(engine, tables.schedule) == [
        ("default", TIMES[0], TIMES[1], TIMES[2]),
        ("weekly", TIMES[1], TIMES[2], TIMES[3]),
        ("default", TIMES[2], TIMES[2], TIMES[3]),
        ("default", TIMES[5], TIMES[5], None),
    ]
    assert list(verify.verify(engine)) == []


def test_late_answer_changes_nothing(engine: Engine) -> None:
    """Facts of a time that is already recorded, or before it, are not added to a history."""
    appliance(engine)
    record(engine, Facts(VERSION, "UTC", (NIGHTLY,)), TIMES[2])
    record(engine, Facts(NEWER, "UTC", ()), TIMES[4])
    before = [periods(engine, table) for table in fact_history.HISTORIES]
    for time in TIMES[:5]:
        record(engine, Facts(VERSION, "Asia/Tokyo", (NIGHTLY, WEEKLY)), time)
    assert [periods(engine, table) for table in fact_history.HISTORIES] == before


def test_texts_that_no_column_can_store_are_escaped(engine: Engine) -> None:
    """Facts with unusual texts can be recorded on each database."""
    from archive.document.appliance_facts import read_schedules, read_time_zone, read_version

    appliance(engine)
    hard = "a\x00\ud800"
    schedule = {"enable": True, "location": f"nfs://{hard}", "parts": [hard], "new": {hard: hard}}
    facts = Facts(
        read_version({"version": hard, "name": hard}),
        read_time_zone(hard),
        read_schedules({"default": schedule}),
    )
    for time in TIMES[:2]:
        record(engine, facts, time)
    assert [len(periods(engine, table)) for table in fact_history.HISTORIES] == [1, 1, 1]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE system_version SET ended_at = NULL",
        "UPDATE system_version SET ended_at = '2026-07-24T09:00:00.000000Z' WHERE ended_at IS NOT NULL",
    ],
)
def test_overlapping_rows_are_found(engine: Engine, damage: str) -> None:
    """Verification finds two current rows of one fact, and overlapping ones."""
    appliance(engine)
    record(engine, Facts(VERSION, None, None), TIMES[0])
    record(engine, Facts(NEWER, None, None), TIMES[1])
    with db.writing(engine) as connection:
        connection.execute(sa.text(damage))
    line = f"vc01: the row of system_version from {TIMES[0]} overlaps the next one"
    assert line in list(verify.verify(engine))


versions = st.sampled_from([None, VERSION, NEWER])
zones = st.sampled_from([None, "UTC", "Asia/Tokyo"])
schedules = st.sampled_from(
    [None, (), (NIGHTLY,), (WEEKLY,), (NIGHTLY, WEEKLY), (NIGHTLY._replace(enabled=False),)]
)
answers = st.lists(st.builds(Facts, versions, zones, schedules), max_size=8)


def facts_at(engine: Engine, time: str) -> Facts:
    """Return the facts of an appliance at a time by the histories; unknown ones are `()` or None."""
    version, zone, schedule = tables.system_version, tables.system_time_zone, tables.schedule

    def at(table: sa.Table, *columns: Any) -> list[tuple[Any, ...]]:
        within = (table.c.first_seen <= time) & (table.c.last_seen >= time)
        return rows(engine, sa.select(*columns).where(within).order_by(*columns))

    versions = at(version, *(version.c[name] for name in Version._fields))
    zones = at(zone, zone.c.time_zone)
    schedules = at(schedule, schedule.c.key, schedule.c.enabled)
    return Facts(
        Version(*versions[0]) if versions else None,
        zones[0][0] if zones else None,
        tuple(NIGHTLY._replace(key=key, enabled=enabled) for key, enabled in schedules),
    )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(answers=answers, again=st.sets(st.integers(0, 7)))
def test_history_equals_the_answers(
    engines: list[Engine], answers: list[Facts], again: set[int]
) -> None:
    """At the time of each answer the history has its facts, however often they were recorded."""
    for engine in each(engines):
        appliance(engine)
        for place, (time, facts) in enumerate(zip(TIMES, answers, strict=False)):
            record(engine, facts, time)
            if place in again:
                for earlier in range(place + 1):
                    record(engine, answers[earlier], TIMES[earlier])
        for time, facts in zip(TIMES, answers, strict=False):
            found = facts_at(engine, time)
            if facts.version is not None:
                assert found.version == facts.version
            if facts.time_zone is not None:
                assert found.time_zone == facts.time_zone
            if facts.schedules is not None:
                expected = [(one.key, one.enabled) for one in facts.schedules]
                assert [(one.key, one.enabled) for one in found.schedules or ()] == expected
        with db.reading(engine) as connection:
            assert list(fact_history.contradictions(connection)) == []
        empty(engine)


@pytest.mark.parametrize("current", [VERSION, NEWER])
def test_facts_of_a_clock_that_was_ahead_do_not_stop_the_history(
    engine: Engine, current: Version
) -> None:
    """What was recorded for the future is taken back by the next answer."""
    import_documents(engine, {}, "vc01")
    known = Facts(VERSION, "UTC", (NIGHTLY,))
    wrong = Facts(NEWER, "Europe/Berlin", (NIGHTLY, WEEKLY))
    for facts, seen_at in (
        (known, TIMES[0]),
        (wrong, FUTURE),
        (known._replace(version=current), TIMES[2]),
    ):
        record(engine, facts, seen_at)
    for table in fact_history.HISTORIES:
        query = sa.select(table.c.last_seen).where(table.c.ended_at.is_(None))
        assert rows(engine, query) == [(TIMES[2],)]
    assert rows(engine, sa.select(tables.system_time_zone.c.time_zone)) == [("UTC",)]
    query = sa.select(tables.system_version.c.version).order_by(tables.system_version.c.first_seen)
    assert rows(engine, query) == [(one.version,) for one in dict.fromkeys((VERSION, current))]
    assert list(verify.verify(engine)) == []
