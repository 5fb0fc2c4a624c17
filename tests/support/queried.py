"""A fleet of three appliances with data of every kind, for the queries and the views."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.document.appliance_facts import Facts, Schedule, Version
from archive.reports import sql_files
from archive.store import fact_history
from tests.support import samples
from tests.support.archives import import_documents
from tests.support.copies import copied

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

TODAY = {"today": "2026-03-05"}
V7 = {"version_name": "7.0 U3", "version": "7.0.3.02100", "build_number": "21784236"}
V8 = {"version_name": "8.0 U3", "version": "8.0.3.00400", "build_number": "24322831"}


def job(start: str, seconds: int, size: int, status: str = "SUCCEEDED", **fields: Any) -> Any:
    """Make a job of a length and a size that starts at 02:00 of a day, or at a full time."""
    begin = timestamps.parse(start if "T" in start else f"{start}T02:00:00Z")
    times = {"start_time": begin, "duration": seconds, "size": size}
    if status in ("SUCCEEDED", "FAILED"):
        end = timestamps.to_datetime(begin).timestamp() + seconds
        moment = datetime.fromtimestamp(end, tz=timestamps.to_datetime(begin).tzinfo)
        times["end_time"] = timestamps.from_datetime(moment)
    return samples.job(status, **(times | fields))


def say(text: str) -> dict[str, Any]:
    """Make a message."""
    return {"id": f"id of {text}", "default_message": text, "args": []}


@copied
def fill(engine: Engine) -> None:
    """Archive a fleet of three: one that always succeeds, one that never does, one that varies."""
    well = {
        "20251230-020000-1": job("2025-12-30", 100, 1000, build=V7),
        "20260131-020000-1": job("2026-01-31", 110, 2000, build=V8),
        "20260303-020000-1": job("2026-03-03", 121, 2500, build=V8),
        "20260304-020000-1": job(
            "2026-03-04",
            30,
            10,
            "FAILED",
            build=V8,
            messages=[say("disk full"), say('gave up, "really"')],
            error={"messages": [say("disk full")], "error_type": "ERROR"},
        ),
        "20260305-020000-1": job("2026-03-05", 15, 9000, "RUNNING", build=V8),
    }
    never = {
        "20260226-020000-1": job("2026-02-26", 5, 0, "FAILED", build=V7, messages=[say("too old")]),
        "20260227-020000-1": job("2026-02-27", 5, 0, "FAILED", build=V7),
        "20260304-020000-1": samples.job("PENDING", type="MANUAL"),
    }
    varies = {
        "20260101-020000-1": job("2026-01-01", 0, 0),
        "20260102-020000-1": job("2026-01-02", 0, 0),
        "20260103-020000-1": job("2026-01-03", 9, 7, type="MANUAL"),
        "20260104-020000-1": job("2026-01-04", 9, 5, type="MANUAL"),
    }
    import_documents(engine, never, "vc-never", "2026-03-04T03:00:00.000000Z")
    import_documents(engine, well, "vc-well", "2026-03-05T02:00:15.250000Z")
    import_documents(engine, varies, "vc-varies", "2026-01-05T00:00:00.000000Z")


def tell(engine: Engine) -> None:
    """Also archive facts of appliances, collections, quarantine, and values."""
    import_documents(
        engine, {"20260305-030000-1": VALUES}, "vc-varies", "2026-03-05T04:00:00.000000Z"
    )
    for name in ("20260305-010000-1", "20260305-010000-2"):
        import_documents(engine, {name: {"no": name}}, "vc-well", "2026-03-05T02:00:15.250000Z")
    nightly = Schedule(
        key="default",
        enabled=True,
        hour=2,
        minute=0,
        days=None,
        max_count=7,
        parts=("common",),
        fast_backup=None,
        location="sftp://nas.example.com/backup",
        location_user="backup",
        other=None,
    )
    weekly = nightly._replace(key="weekly", hour=22, minute=30, days=("MONDAY", "FRIDAY"))
    old = Version("7.0.3", "vCenter", "21784236", None, None, None, None, None, None)
    new = old._replace(version="8.0.3", build_number="24322831")
    off = nightly._replace(enabled=False, location=None)
    with db.writing(engine) as connection:
        ids = dict(
            map(
                tuple, connection.execute(sa.select(tables.appliance.c.name, tables.appliance.c.id))
            )
        )
        for name, day, facts in (
            ("vc-well", 1, Facts(old, "Europe/Berlin", (nightly,))),
            ("vc-well", 4, Facts(new, "Europe/Berlin", (nightly._replace(max_count=14), weekly))),
            ("vc-varies", 5, Facts(new, "UTC", (off,))),
        ):
            fact_history.record(connection, ids[name], facts, f"2026-03-{day:02}T03:00:00.000000Z")
        run = connection.execute(sa.select(sa.func.max(tables.ingest_run.c.id))).scalar_one()
        times = [f"2026-03-05T0{hour}:00:00.000000Z" for hour in range(9)]
        db.insert(connection, tables.collection, [
            (1, times[0], times[1], "partial", 3, 1, 0, 2),
            (2, times[2], None, "running", 3, 0, 0, 0),
        ])  # fmt: skip
        db.insert(connection, tables.attempt, [
            ("vc-well", 1, times[0], times[1], "complete", None, run),
            ("vc-never", 1, times[0], None, "failed", "no answer", None),
            ("vc-new", 1, times[0], None, "failed", "no route", None),
            ("vc-new", 2, times[2], None, "failed", "no answer", None),
        ])  # fmt: skip


VALUES = job(
    "2026-03-05T03:00:00Z", 60, 70, cancelable=None,
    messages=[{"id": "values", "default_message": "all of it", "args": ["x"], "params": {
        "who": {"s": "Zoë"},
        "size": {"d": 0.5, "precision": 1},
        "when": {"dt": "2026-03-05T03:00:00.000Z", "format": "SHORT_DATE"},
        "why": {"l": {"id": "nested", "params": {"number": {"i": 7}}}},
    }}],
)  # fmt: skip


def run(engine: Engine, name: str, **values: str) -> sql_files.Result:
    """Run a query by name."""
    with db.reading(engine) as connection:
        return sql_files.run(connection, sql_files.find(name, engine.dialect.name), values)
