from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, json_numbers, timestamps
from archive.db import tables
from archive.demo import collection, details, fleet, jobs
from archive.document import canonical
from archive.reports import sql_files
from tests.support.archives import count, created, import_documents, job_rows, rows
from tests.support.readers import read

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.ingest import raw_document

NOW = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
PLAN = fleet.plan(NOW)
JOB, APPLIANCE = tables.job.c, tables.appliance.c


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Give an archive of the whole demonstration."""
    engine = created(tmp_path_factory.mktemp("demo") / "demo.db")
    for collected in collection.collect(PLAN):
        import_documents(engine, collected.content, collected.appliance, collected.seen_at)
    return engine


def documents(collected: collection.Collected) -> list[raw_document.RawDocument]:
    """Return the documents of an answer as an import reads them."""
    return read(collected.content)


def sql(engine: Engine, name: str, **values: str) -> list[dict[str, Any]]:
    """Return the rows of a named query."""
    with db.reading(engine) as connection:
        result = sql_files.run(connection, sql_files.find(name, connection.dialect.name), values)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_seed_determines_the_demo() -> None:
    """The same plan gives the same bytes, and another seed gives others."""
    first = [hash(collected) for collected in collection.collect(PLAN)]
    assert first == [hash(collected) for collected in collection.collect(fleet.plan(NOW))]
    other = [hash(collected) for collected in collection.collect(fleet.plan(NOW, seed=3))]
    assert not set(first) & set(other)


def test_every_document_is_regular() -> None:
    """All demo documents follow the published schema."""
    for collected in collection.collect(PLAN):
        for raw in documents(collected):
            document = canonical.read(json_numbers.loads(raw.details))
            assert (raw.problem, document.irregular, document.findings) == (None, False, [])


def test_answers_are_in_order_of_time() -> None:
    """The history ends with the last collection before now, and gets longer towards it."""
    seen = [collected.seen_at for collected in collection.collect(PLAN)]
    assert seen == sorted(seen)
    assert timestamps.to_datetime(seen[-1]) - PLAN.until < collection.EVERY / 1000
    assert datetime(2026, 3, 5, 2, 20, tzinfo=UTC) == PLAN.until
    assert fleet.plan(datetime(2026, 3, 5, 2, 19, tzinfo=UTC)).until.day == 4


def test_plan_has_any_size() -> None:
    """A benchmark can ask for any number of appliances and days; they are generated lazily."""
    small = fleet.plan(NOW, appliances=2, days=40)
    assert {collected.appliance for collected in collection.collect(small)} == {
        appliance.name for appliance in small.appliances
    }
    large = fleet.plan(NOW, appliances=500, days=20_000)
    assert len({appliance.name for appliance in large.appliances}) == 500
    assert (
        json_numbers.loads(documents(next(collection.collect(large)))[0].details)["status"]
        == "SUCCEEDED"
    )
    one = large.appliances[-1]
    keys = [job.key for job in islice(jobs.jobs(large, one), 3000)]
    assert len(set(keys)) == len(keys) == 3000
    assert keys == sorted(keys)


def test_job_has_its_state_at_the_time() -> None:
    """A job is pending before its start, running before its end, and then has its result."""
    appliance = PLAN.appliances[1]
    job = next(job for job in jobs.jobs(PLAN, appliance) if job.failure is not None)
    middle = job.start + (job.end - job.start) / 2
    states = [
        details.details(appliance, job, at) for at in (job.created, job.start, middle, job.end)
    ]
    assert [one["status"] for one in states] == ["PENDING", "RUNNING", "RUNNING", "FAILED"]
    assert states[1]["size"] <= states[2]["size"] <= states[3]["size"]
    for one in states:
        assert canonical.read(json.loads(json.dumps(one))).findings == []


def test_both_apis_give_the_same_documents() -> None:
    """An answer through `/rest` is another text with the same documents, including params."""
    appliance = PLAN.appliances[0]
    known = [job for job in jobs.jobs(PLAN, appliance) if job.remark is not None]
    assert known
    new = details.answer(appliance, known, PLAN.until)
    old = details.answer(replace(appliance, legacy_api=True), known, PLAN.until)
    assert new.startswith(b'{"2')
    assert old.startswith(b'{"value": [{"key": "2')
    assert b'"params": [{"key": ' in old
    one, other = (
        {
            raw.key: canonical.read(json_numbers.loads(raw.details)).digest
            for raw in documents(collection.Collected("vc", "", content))
        }
        for content in (new, old)
    )
    assert one == other
    assert len(one) == len(known)


def test_fleet_is_archived_completely(archive: Engine) -> None:
    """Each job is archived once, and verification finds no problem."""
    made = sum(
        sum(1 for _ in jobs.jobs(PLAN, appliance))
        for appliance in PLAN.appliances
        if appliance.life.end > 1
    )
    not_reporting = sa.select(sa.func.count()).where(
        JOB.appliance_id == APPLIANCE.id, APPLIANCE.name == "vc02.sin.example.com"
    )
    assert count(archive, tables.job) - rows(archive, not_reporting)[0][0] == made
    assert made > 4500
    for table in (tables.job_finding, tables.irregular_document, tables.quarantine):
        assert count(archive, table) == 0


def test_jobs_were_seen_while_running(archive: Engine) -> None:
    """Jobs once seen running have an end now, and both times are known; imports overlap."""
    status = tables.job_status.c
    seen = sa.select(status.status, sa.func.count()).group_by(status.status)
    assert dict(rows(archive, seen))["RUNNING"] > 20
    sights = job_rows(archive, "first_seen", "last_seen")
    assert sum(first < last for first, last in sights) > 1000
    now = sa.select(JOB.status, sa.func.count()).group_by(JOB.status).order_by(JOB.status)
    open_jobs = [row for row in rows(archive, now) if row[0] not in ("FAILED", "SUCCEEDED")]
    assert open_jobs == [("PENDING", 1), ("RUNNING", 2)]


def test_one_month_is_bad(archive: Engine) -> None:
    """One month is far worse than all others, since one site's target failed."""
    months = sql(archive, "success_by_month")
    rates = sorted(month["success_rate"] for month in months if month["jobs"] > 60)
    assert rates[0] < 0.85
    assert all(rate > 0.9 for rate in rates[2:])
    elsewhere = sql(archive, "success_by_month", appliance="%.ber.%")
    assert min(month["success_rate"] for month in elsewhere if month["jobs"] > 20) > 0.85
    template = tables.message_template.c
    said = sa.select(sa.func.count()).where(template.default_message.like("The location %is full%"))
    assert rows(archive, said)[0][0] > 0


def test_update_doubles_the_durations_of_one_appliance(archive: Engine) -> None:
    """The backups of one appliance take twice as long after its update."""
    before, after = sql(archive, "jobs_by_build", appliance="vc02.ber.%")
    assert before["version"] < after["version"]
    ratio = after["duration_median_seconds"] / before["duration_median_seconds"]
    assert 1.9 < ratio < 2.7


def test_one_appliance_stops_reporting_and_one_is_new(archive: Engine) -> None:
    """One appliance last reported months ago, and one has half the history."""
    oldest, snapshot, *others = sql(archive, "last_success", today="2026-03-05")
    assert oldest["appliance"] == "vc02.sin.example.com"
    assert oldest["age_days"] > 90
    not_reporting_since = PLAN.start + 0.83 * (PLAN.until - PLAN.start)
    assert timestamps.to_datetime(oldest["last_seen"]) < not_reporting_since
    assert snapshot["consecutive_failures"] >= 3
    assert all(row["age_days"] <= 2 for row in others)
    first = {row["appliance"]: row["first_month"] for row in sql(archive, "growth_by_appliance")}
    assert first.pop("vc03.ber.example.com") > "2025-02"
    assert max(first.values()) == "2024-03"


def test_backups_grow(archive: Engine) -> None:
    """Every appliance's backups are larger at the end than at the beginning."""
    growth = sql(archive, "growth_by_appliance")
    assert len(growth) == 8
    assert all(1.0 < row["growth_ratio"] < 3.0 for row in growth)


def test_all_kinds_of_jobs_occur(archive: Engine) -> None:
    """There are manual jobs, local ones on 9.x only, and one appliance that names no build."""
    kinds = sa.select(JOB.type, sa.func.count()).group_by(JOB.type)
    found: dict[str, int] = dict(rows(archive, kinds))
    assert found["SCHEDULED"] > 10 * found["MANUAL"] > 0
    assert found["LOCAL_BACKUP"] > 20
    local = sa.select(sa.func.min(tables.build.c.version)).where(
        JOB.build_id == tables.build.c.id, JOB.type == "LOCAL_BACKUP"
    )
    assert rows(archive, local) == [("9.0.0.0",)]
    nameless = sa.select(APPLIANCE.name).where(
        APPLIANCE.id == JOB.appliance_id, JOB.build_id.is_(None), JOB.status != "PENDING"
    )
    assert rows(archive, nameless.distinct()) == [("vc-legacy.lon.example.com",)]


def test_messages_have_nested_params(archive: Engine) -> None:
    """Some messages have a tree of parameters of every kind."""
    param = tables.message_param.c
    nested = sa.select(sa.func.count()).where(param.parent_seq.is_not(None), param.s.is_not(None))
    assert rows(archive, nested)[0][0] > 10
    for name in ("s", "dt", "i", "d", "nested_id"):
        assert rows(archive, sa.select(sa.func.count(param[name])))[0][0] > 10
