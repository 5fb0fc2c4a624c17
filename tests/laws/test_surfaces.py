"""Reports, views, queries, metrics, plugin, mail and page say the same about each appliance."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from archive import db, timestamps
from archive.dashboard.gathered import gather
from archive.demo import collection, fleet
from archive.mail import letter
from archive.monitoring.states import DAYS
from archive.reports import Scope, sql_files
from archive.reports.appliances import REPEATED_FAILURES
from archive.store import collection_log, settings
from archive.store.collection_log import Attempt
from tests.reports.nights import ask
from tests.support import rhythms
from tests.support.archives import empty, import_documents
from tests.support.command import archive, at
from tests.support.laws import some
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

EVER = 36_500  # days
UNANSWERED = "vc-unanswered"


class Said(NamedTuple):
    """What a surface says of the appliances, by name; counts of 0 are left out."""

    states: dict[str, str]
    not_reporting: set[str]
    failures: dict[str, int]
    last_success: dict[str, str]
    missed: dict[str, int]


class Counts(NamedTuple):
    """What a surface says of the fleet."""

    overdue: int
    never: int
    no_recent_data: int
    repeated_failures: int
    missed: int
    not_reporting: int


@pytest.fixture(params=["demo", "rhythms"], scope="module")
def filled(request: pytest.FixtureRequest, shared_engine: Engine) -> Engine:
    """Give the demonstration, or a fleet with schedules, habits and outages, up to now."""
    empty(shared_engine)
    if request.param == "rhythms":
        rhythms.load(shared_engine, seed=16, appliances=12)
        _add_odd_ones(shared_engine)
        return shared_engine
    now = timestamps.to_datetime(timestamps.now())
    for collected in collection.collect(fleet.plan(now, days=365)):
        import_documents(shared_engine, collected.content, collected.appliance, collected.seen_at)
    return shared_engine


def _add_odd_ones(engine: Engine) -> None:
    """Add an appliance that never answered, and one with a wrong clock and an unknown status."""
    now = timestamps.to_datetime(timestamps.now())
    number = collection_log.begin(engine, 1)
    collection_log.record_failure(
        engine, number, Attempt(UNANSWERED, timestamps.now(), None, "failed", "no route", None)
    )
    collection_log.finish(engine, number)
    times = {"failed": (-1, "FAILED"), "skipped": (-2, "SKIPPED"), "good": (-3, "SUCCEEDED")}
    documents = {
        key: job(
            status,
            start_time=timestamps.from_datetime(now + timedelta(days=days)),
            end_time=timestamps.from_datetime(now + timedelta(days=days, minutes=1)),
        )
        for key, (days, status) in {**times, "early": (2, "FAILED")}.items()
    }
    import_documents(engine, documents, "vc-odd", timestamps.now())


def scope_of(engine: Engine) -> Scope:
    """Return the last days up to now, as the summary has them."""
    scope = Scope()
    with db.reading(engine) as connection:
        return scope.last_days(DAYS, settings.calendar(connection).day(scope.now))


def by_name(rows: Iterator[tuple[str, int]] | list[tuple[str, int]]) -> dict[str, int]:
    return {name: number for name, number in rows if number}


def of_reports(engine: Engine, scope: Scope) -> Said:
    now = Scope(now=scope.now)
    missed = Counter(row[0] for row in ask(engine, "missed", scope))
    standing = {row[0]: row for row in ask(engine, "rpo", now)}
    return Said(
        {name: row[1] for name, row in standing.items()},
        {row[0] for row in ask(engine, "collection", now) if row[4]},
        by_name([row[:2] for row in ask(engine, "streaks", now)]),
        {name: row[6] for name, row in standing.items() if row[6] is not None},
        dict(missed),
    )


def of_views(engine: Engine, scope: Scope) -> Said:
    with db.reading(engine) as connection:
        rows = connection.execute(sa.text("SELECT * FROM v_standing")).mappings().all()
        first: dict[str, Any] = {"first": scope.since}
        if engine.dialect.name == "postgresql":
            first = {"first": datetime.fromisoformat(scope.since or "")}
        query = "SELECT appliance, count(*) FROM v_missed WHERE day >= :first GROUP BY appliance"
        missed = dict(map(tuple, connection.execute(sa.text(query), first)))
        latest = connection.execute(
            sa.text("SELECT appliance, last_success_key FROM v_appliance")
        ).all()
    assert dict(map(tuple, latest)) == {
        row["appliance"]: row["last_success_key"] for row in rows if row["appliance_id"] is not None
    }
    return Said(
        {row["appliance"]: row["state"] for row in rows},
        {row["appliance"] for row in rows if row["not_reporting"]},
        by_name([(row["appliance"], row["consecutive_failures"] or 0) for row in rows]),
        {
            row["appliance"]: instant(row["last_success_end_time"])
            for row in rows
            if row["last_success_end_time"] is not None
        },
        missed,
    )


def instant(value: Any) -> str:
    return value if isinstance(value, str) else timestamps.from_datetime(value)


def query(engine: Engine, name: str, **values: str) -> list[dict[str, Any]]:
    """Return the rows of a query of `sql/`."""
    with db.reading(engine) as connection:
        found = sql_files.run(connection, sql_files.find(name, engine.dialect.name), values)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def of_queries(engine: Engine) -> Said:
    """Return what the queries say; `overdue` lists those in another state than ok."""
    last = query(engine, "last_success")
    overdue = query(engine, "overdue")
    states = {row["appliance"]: row["state"] for row in last}
    wrong = {row["appliance"]: row["state"] for row in overdue}
    assert wrong == {
        name: state for name, state in states.items() if state not in ("ok", "retired")
    }
    ongoing = [
        row for row in query(engine, "failure_streaks", days=str(EVER), failures="1") if row["ongoing"]
    ]  # fmt: skip
    failures = by_name([(row["appliance"], row["consecutive_failures"] or 0) for row in last])
    assert failures == {row["appliance"]: row["failures"] for row in ongoing}
    keys = {row["appliance"]: row["key"] for row in query(engine, "latest_jobs")}
    with db.reading(engine) as connection:
        attempts = connection.execute(
            sa.text(
                "SELECT appliance, last_attempt_key FROM v_standing WHERE appliance_id IS NOT NULL"
            )
        )
        assert dict(map(tuple, attempts)) == keys
    ends = {row["appliance"]: row["last_success_end_time"] for row in overdue}
    return Said(
        states,
        {row["appliance"] for row in query(engine, "appliances_not_reporting")},
        failures,
        {name: end for name, end in ends.items() if end is not None},
        {row["appliance"]: row["missed"] for row in query(engine, "missed_backups")},
    )


def of_metrics(engine: Engine, scope: Scope) -> Said:
    done = archive("metrics", at(engine), "--now", scope.now)
    assert (done.code, done.err) == (0, "")
    found: dict[str, dict[str, float]] = {}
    states = {}
    for family in text_string_to_metric_families(done.out):
        for sample in family.samples:
            if "appliance" in sample.labels:
                found.setdefault(sample.name, {})[sample.labels["appliance"]] = sample.value
            if sample.name == "archive_backup_state" and sample.value:
                states[sample.labels["appliance"]] = sample.labels["state"]
    ends = found["archive_backup_last_success_end_timestamp_seconds"]
    return Said(
        states,
        {name for name, value in found["archive_appliance_not_reporting"].items() if value},
        numbers(found["archive_backup_consecutive_failures"]),
        {name: seconds(end) for name, end in ends.items()},
        numbers(found["archive_backup_missed_recent"]),
    )


def numbers(found: dict[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in found.items() if value}


def seconds(moment: float) -> str:
    return timestamps.from_datetime(timestamps.to_datetime("1970-01-01T00:00:00.000000Z") + timedelta(seconds=moment))[:19]  # fmt: skip


def of_check(engine: Engine, scope: Scope, name: str) -> tuple[str | None, int, int]:
    """Return what the plugin says of an appliance: its state if it is not ok, failures and missed."""
    done = archive(
        "check", at(engine), "--now", scope.now, name, "--warning-failures=0", "--warning-missed=0",
        "--warning-import=365d", "--stale=365d",
    )  # fmt: skip
    assert done.err == ""
    told = done.out.partition(" | ")[0]
    reasons = {"never": "no success yet", "no recent data": "no recent data since|never imported"}
    state = next((state for state, words in reasons.items() if re.search(words, told)), None)
    if re.search(r"overdue since|last success .* ago \(limit", told):
        state = state or "overdue"
    failures = re.search(r"([\d,]+) consecutive failure", told)
    missed = re.search(r"([\d,]+) missed backup", told)
    numbers = [int(one[1].replace(",", "")) if one else 0 for one in (failures, missed)]
    return state, numbers[0], numbers[1]


def counts(said: Said) -> Counts:
    states = Counter(said.states.values())
    return Counts(
        states["overdue"],
        states["never"],
        states["no recent data"],
        sum(number >= REPEATED_FAILURES for number in said.failures.values()),
        sum(said.missed.values()),
        len(said.not_reporting),
    )


def of_summary(rows: list[tuple[Any, ...]]) -> Counts:
    """Return the counts in a summary: rows that begin with a section, a name, a kind and a value."""
    values = {row[:2]: row[3] for row in rows}
    return Counts(
        int(values["attention", "overdue"]),
        int(values["attention", "never"]),
        int(values["attention", "no recent data"]),
        int(values["attention", "consecutive failures"]),
        int(values["expected", "missed"]),
        int(values["collection", "not reporting"]),
    )


def test_surfaces_agree_on_each_appliance(filled: Engine) -> None:
    """State, reporting, consecutive failures, last success and missed backups."""
    scope = scope_of(filled)
    said = of_reports(filled, scope)
    assert len(set(said.states.values())) >= 2
    assert said.failures
    assert said.missed
    assert of_views(filled, scope) == said
    problems = {name for name, state in said.states.items() if state != "ok"}
    ends = {name: end for name, end in said.last_success.items() if name in problems}
    assert of_queries(filled) == said._replace(last_success=ends)
    rounded = {name: end[:19] for name, end in said.last_success.items()}
    assert of_metrics(filled, scope) == said._replace(last_success=rounded)
    for name, state in some(said.states.items(), 4):
        told = (
            None if state == "ok" else state,
            said.failures.get(name, 0),
            said.missed.get(name, 0),
        )
        assert of_check(filled, scope, name) == told, name


def test_surfaces_agree_on_the_fleet(filled: Engine) -> None:
    """The summary, the mail and the page have the sums over the appliances."""
    scope = scope_of(filled)
    said = of_reports(filled, scope)
    expected = counts(said)
    now = Scope(now=scope.now)
    assert of_summary(ask(filled, "summary", now)) == expected
    with db.reading(filled) as connection:
        mailed = letter.compose(connection, now)
        page = gather(connection, now, {})
    rows = list(csv.reader(io.StringIO(mailed.csv)))[1:]
    assert of_summary([tuple(row) for row in rows]) == expected
    assert of_summary([tuple(row) for row in page.summary]) == expected
    imported = {name: state for name, state in said.states.items() if name != UNANSWERED}
    assert {one.name: one.state for one in page.appliances} == imported
    assert (
        by_name([(one.name, one.consecutive_failures) for one in page.appliances]) == said.failures
    )
    tables = {table.name: table.rows for table in page.attention}
    assert {row[0] for row in tables["not-reporting"]} == said.not_reporting
    assert {row[0]: row[2] for row in page.fleet.rows} == said.states
    ends = {row[0]: row[4] for row in page.fleet.rows if row[4] is not None}
    assert ends == said.last_success
