"""A small archive that has rows in every table, and something in nearly every column."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archive import db, timestamps
from archive.calendar import Calendar
from archive.document.appliance_facts import Facts, Schedule, Version
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.maintenance.change_calendar import change_calendar
from archive.maintenance.hold import hold, release
from archive.maintenance.prunable import Cut
from archive.maintenance.prune import prune
from archive.maintenance.rename import rename
from archive.store import (
    appliance_settings,
    collection_log,
    import_log,
    notified_problems,
    settings,
)
from archive.store.appliance_settings import Configured
from archive.store.collection_log import COMPLETE, FAILED, PARTIAL, Attempt
from tests.support import years
from tests.support.archives import import_documents, stream
from tests.support.copies import copied
from tests.support.samples import BASE, SAMPLES, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

VERSION = Version(
    "8.0.3", "vCenter", "24322831", "vCenter Server with an embedded PSC", "A patch", "2024-10-01",
    "2024-11-02", "vc01", '{"a":1}',
)  # fmt: skip
SCHEDULE = Schedule(
    key="default",
    enabled=True,
    hour=2,
    minute=15,
    days=("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"),
    max_count=14,
    parts=("common", "seat"),
    fast_backup=True,
    location="sftp://backup:secret@nas.example.com/backup",
    location_user="backup",
    other='{"retry":3}',
)
FIRST = datetime(2026, 5, 1, 3, tzinfo=UTC)
NIGHTS = 10
_BUILD = {"version_name": "8.0 U3", "version": "8.0.3.00400", "build_number": "24322831"}


def collect(engine: Engine, name: str, jobs: dict[str, Any], facts: Facts, seen_at: str) -> None:
    """Archive an answer as a collection of one appliance does."""
    collection = collection_log.begin(engine, 1)
    source = Source("https://vc", stream(json.dumps(jobs).encode()), name, seen_at)
    with ingest_answer(engine, source) as answered:
        answered.record_facts(facts, seen_at)
        attempt = Attempt(name, seen_at, seen_at, COMPLETE, None, answered.run_id)
        collection_log.record(answered.connection, collection, attempt)
    collection_log.finish(engine, collection)


@copied
def fill(engine: Engine) -> None:
    """Fill an empty archive: nights of two appliances, failures, anomalies, and what went wrong."""
    for night in range(NIGHTS):
        collect(engine, "vc01", _answer(night), _facts(night), _seen(night))
    many = dict(list(SAMPLES.items()))
    import_documents(engine, many, "vc02", "2026-07-24T12:00:00.000000Z")
    import_documents(
        engine,
        {
            "20260723-021501-1": {**BASE, "new_field": {"a": [1, None]}},
            "20260723-021502-1": {"no": "job"},
            "20260723-021503-1": _with_error(),
        },
        "vc02",
        "2026-07-24T13:00:00.000000Z",
    )
    _collect_with_failures(engine)
    import_log.fail(
        engine, import_log.start(engine, "broken.json", _seen(1)), ValueError("no JSON")
    )
    configured = {"vc02": Configured(86_400, 172_800, "2026-09-01")}
    with db.writing(engine) as connection:
        appliance_settings.record(connection, settings.calendar(connection), configured)
        notified_problems.record(connection, "team", {"vc01": "age WARNING"}, _seen(3))
    years.fill(engine, "weekly")
    hold(engine, ["vc01", "vc02"])
    prune(engine, Cut("2025-12-01", "2025-12-01"))
    release(engine, ["vc01", "vc02"])
    hold(engine, ["weekly"])
    rename(engine, "vc01", "vc03")
    change_calendar(engine, Calendar("Europe/Berlin", "16:00"))


def _seen(night: int) -> str:
    return timestamps.from_datetime(FIRST + timedelta(days=night))


def _answer(night: int) -> dict[str, Any]:
    jobs = {}
    for number in range(night + 1):
        start = FIRST + timedelta(days=number, minutes=-45)
        failed = number in (4, 5)
        tiny = number == NIGHTS - 1
        jobs[f"{start:%Y%m%d-%H%M%S}-24322831"] = job(
            "FAILED" if failed else "SUCCEEDED",
            start_time=timestamps.document_form(timestamps.from_datetime(start)),
            end_time=timestamps.document_form(
                timestamps.from_datetime(start + timedelta(seconds=300 + number))
            ),
            duration=300 + number,
            size=2**30 // (1000 if tiny else 1) + number * 1000,
            build=_BUILD,
        )
    return jobs


def _facts(night: int) -> Facts:
    if night < 2:
        return Facts(VERSION._replace(version="8.0.2"), "UTC", (SCHEDULE._replace(minute=45),))
    return Facts(VERSION, "Europe/Berlin", (SCHEDULE,))


def _with_error() -> dict[str, Any]:
    failed = next(sample for sample in SAMPLES.values() if "error" in sample)
    error = {**failed["error"], "data": {"a": 1}, "challenge": "Basic realm=a"}
    return {**failed, "error": error, "parent": "p", "target": {"type": "t", "id": "i"}}


def _collect_with_failures(engine: Engine) -> None:
    collection = collection_log.begin(engine, 2)
    source = Source("https://vc02", stream(b"{}"), "vc02", "2026-07-25T02:00:00.000000Z")
    at = source.seen_at
    with ingest_answer(engine, source) as answered:
        attempt = Attempt("vc02", at, at, PARTIAL, "no schedules", answered.run_id)
        collection_log.record(answered.connection, collection, attempt)
    failure = Attempt("vc09", at, None, FAILED, "no route to host", None)
    collection_log.record_failure(engine, collection, failure)
    collection_log.finish(engine, collection)
