"""What commands say when a clock is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from archive import db, timestamps
from archive.mail import letter
from archive.reports import Scope
from tests.support.archives import import_documents
from tests.support.command import archive, at
from tests.support.samples import job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = "2026-07-24T08:00:00.000000Z"
GOOD = {"20260724-020000-1": job(start_time="2026-07-24T02:00:00.000Z")}


def started(year: int) -> dict[str, Any]:
    """Return a job that an appliance with a wrong clock has made."""
    return {f"{year}0724-020000-1": job(start_time=f"{year}-07-24T02:00:00.000Z")}


def said(engine: Engine) -> tuple[str, str]:
    """Return what `check` and the summary say."""
    database = (at(engine), "--now", NOW)
    checked = archive("check", *database)
    summary = archive("report", "summary", "--format", "csv", *database)
    assert summary.code == 0
    return checked.out, summary.out


@pytest.mark.parametrize("year", [1970, 2015, 2027, 2999])
def test_a_wrong_clock_of_an_appliance_is_said_until_its_next_job(
    engine: Engine, year: int
) -> None:
    import_documents(engine, GOOD, seen_at="2026-07-23T02:20:00.000000Z")
    import_documents(engine, GOOD | started(year), seen_at="2026-07-24T02:20:00.000000Z")
    checked, summary = said(engine)
    assert f"wrong clock: its newest job starts at {year}-07-24 02:00" in checked
    assert "attention,wrong clock,count,1" in summary
    later = {"20260724-060000-1": job(start_time="2026-07-24T06:00:00.000Z")}
    import_documents(engine, GOOD | later, seen_at="2026-07-24T06:20:00.000000Z")
    assert "clock" not in "".join(said(engine))


def test_an_import_in_the_future_is_said_until_the_next_one(engine: Engine) -> None:
    import_documents(engine, GOOD, seen_at="2999-01-01T00:00:00.000000Z")
    checked, summary = said(engine)
    assert "wrong clock: last imported at 2999-01-01 00:00Z, in the future" in checked
    assert "attention,wrong clock,count,1" in summary
    with db.reading(engine) as connection:
        mail = letter.compose(connection, Scope(now=NOW))
    assert "1 wrong clock" in mail.subject
    assert "Wrong clocks: 1\n  vc01\n      last imported at 2999" in mail.text
    import_documents(engine, GOOD, seen_at="2026-07-24T06:20:00.000000Z")
    assert "clock" not in "".join(said(engine))


def test_an_import_before_backups_existed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an archive nor a job of it is there afterwards."""
    (tmp_path / "answer.json").write_text(json.dumps(GOOD))
    import_ = ("ingest", str(tmp_path / "answer.json"), "--appliance", "vc01")
    database = ("--database", str(tmp_path / "archive.db"))
    (tmp_path / "archive.toml").write_text('[[appliance]]\nname = "vc01.example.com"\n')
    old = archive(*import_, *database, "--seen-at", "1999-12-31T00:00:00Z")
    monkeypatch.setattr(timestamps, "now", lambda: "1970-01-01T00:05:00.000000Z")
    wrong = archive(*import_, *database)
    collected = archive("collect", *database, "--config", str(tmp_path / "archive.toml"))
    for one in (old, wrong, collected):
        assert one.code == 2
        assert "correct this machine's clock, or --seen-at" in one.err
    assert not (tmp_path / "archive.db").exists()
