from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive.db import tables
from archive.document import schema
from archive.document.flatten import normalise
from archive.document.parse import parse
from archive.document.rebuild import rebuild
from tests.support.archives import import_documents, rows
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

START, END = "2026-03-01T02:15:00.900Z", "2026-03-01T02:25:01.100Z"


def without_duration(**fields: Any) -> dict[str, Any]:
    """Return a job's details without a duration, which took 600.2 seconds."""
    info = job() | {"start_time": START, "end_time": END} | fields
    return {name: value for name, value in info.items() if name != "duration" and value is not None}


@pytest.mark.parametrize(
    ("fields", "derived"),
    [
        ({}, 600),
        ({"status": "FAILED"}, 600),
        ({"end_time": START}, 0),
        ({"end_time": "2026-03-01T02:15:00+00:00"}, None),
        ({"end_time": None}, None),
        ({"start_time": None}, None),
        ({"status": "RUNNING"}, None),
        ({"status": "NEW"}, None),
    ],
)
def test_a_finished_job_without_a_duration_took_end_minus_start(
    fields: dict[str, Any], derived: int | None
) -> None:
    """Whole seconds, as vCenter reports them; the document is rebuilt without a duration."""
    info = without_duration(**fields)
    read = parse(json.dumps(info).encode())
    assert read.rows.job.duration_seconds == derived
    assert read.rows.job.duration_derived is (None if derived is None else True)
    document = schema.parse_info(info)
    assert rebuild(normalise(document)) == document
    assert any(found.field == "duration" for found in read.findings) == (info["status"] != "NEW")


@pytest.mark.parametrize("reported", [0, 5, -1])
def test_a_reported_duration_stays(reported: int) -> None:
    """What vCenter reports is kept, even if it disagrees with the times."""
    row = parse(json.dumps(without_duration() | {"duration": reported}).encode()).rows.job
    assert (row.duration_seconds, row.duration_derived) == (reported, None)


def test_a_duration_that_is_no_number_is_derived() -> None:
    """It is kept with the whole document, and the figure comes from the times."""
    read = parse(json.dumps(without_duration() | {"duration": "ten minutes"}).encode())
    assert read.rows.job.duration_seconds == 600
    assert '"duration":"ten minutes"' in str(read.irregular)


def test_derived_durations_are_counted(engine: Engine) -> None:
    """Totals of days have them like reported ones."""
    import_documents(engine, {"20260301-021500-1": without_duration()})
    total = tables.day_total.c
    assert rows(engine, sa.select(total.timed, total.duration_low)) == [(1, 600)]
