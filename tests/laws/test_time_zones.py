"""People read times in the archive's zone, with its offset; programs read them in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from archive.calendar import calendar
from archive.maintenance.change_calendar import change_calendar
from archive.reports import REPORTS
from tests.reports import reference
from tests.support.archives import empty
from tests.support.command import archive, at

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

OFFSET = re.compile(r"\d\d:\d\d\+05:45")
IN_UTC = re.compile(r"\d\d:\d\d(:\d\d)?Z")
RUNS = [
    *(("report", name) for name in REPORTS),
    ("check",),
    ("job", "list"),
    ("job", "show", "vc-ams", "20260302-030000-1"),
    ("appliance", "list"),
    ("quarantine", "list"),
    *(("log", name) for name in ("collections", "show", "appliances", "imports", "maintenance")),
    ("sql", "last_success"),
    ("sql", "select start_time from v_job order by start_time limit 1"),
]


@pytest.fixture(scope="module")
def in_nepal(sqlite_archive: Engine) -> Engine:
    """Give an archive of the reference fleet with days of Nepal; tests only read it."""
    empty(sqlite_archive)
    reference.load(sqlite_archive)
    change_calendar(sqlite_archive, calendar("Asia/Kathmandu", "00:00"))
    return sqlite_archive


@pytest.mark.parametrize("command", RUNS, ids=" ".join)
def test_texts_show_the_zone_of_the_archive(in_nepal: Engine, command: tuple[str, ...]) -> None:
    """No table and no note shows a time in UTC."""
    as_of = ["--now", reference.NOW] if command[0] in ("report", "check") else []
    done = archive(*command, *as_of, at(in_nepal))
    text = done.out + done.err
    assert not IN_UTC.search(text), text
    assert OFFSET.search(text), text


@pytest.mark.parametrize("form", ["csv", "json"])
def test_data_are_in_utc(in_nepal: Engine, form: str) -> None:
    """CSV and JSON have instants in UTC, whatever the zone of the archive."""
    done = archive("report", "rpo", "--now", reference.NOW, "--format", form, at(in_nepal))
    assert "2026-04-12T03:00:00.000000Z" in done.out
    assert "+05:45" not in done.out


def test_report_names_the_zone(in_nepal: Engine) -> None:
    """An offset fits many zones, so the note below a table has the name."""
    done = archive("report", "rpo", "--now", reference.NOW, at(in_nepal))
    assert done.err.endswith(" Times are in Asia/Kathmandu.\n")
