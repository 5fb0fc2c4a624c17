"""Reports are as of now, or of an import that is a little later by its own clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from archive import db, timestamps
from archive.cli import parse
from archive.reports.core import as_of, judged_stored
from tests.support.archives import import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = "2026-08-01T12:00:00.000000Z"


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timestamps, "now", lambda: NOW)


def later(**by: float) -> str:
    return timestamps.from_datetime(timestamps.to_datetime(NOW) + timedelta(**by))


@pytest.mark.parametrize(
    ("seen_at", "expected"),
    [
        (later(days=-1), NOW),
        (NOW, NOW),
        (later(microseconds=1), later(microseconds=1)),
        (later(minutes=10), later(minutes=10)),
        (later(minutes=11), NOW),
        (later(days=3650), NOW),
    ],
)
def test_an_import_shortly_after_now_counts(engine: Engine, seen_at: str, expected: str) -> None:
    """Another machine's clock may be ahead, and an import can end while a command starts."""
    import_documents(engine, {"a": job()}, seen_at=later(days=-2))
    import_documents(engine, {"b": job()}, "vc02", seen_at=seen_at)
    with db.reading(engine) as connection:
        assert as_of.current(connection) == expected


def test_now_that_is_given_counts(engine: Engine) -> None:
    """Whatever was imported since."""
    import_documents(engine, {"a": job()}, seen_at=later(minutes=1))
    with db.reading(engine) as connection:
        assert parse.scope(None, connection, now=NOW).now == NOW


def test_the_stored_judgement_answers_beside_imports(engine: Engine) -> None:
    """Or else each report would judge all appliances anew while one of them is collected."""
    import_documents(engine, {"a": job()}, seen_at=later(seconds=1))
    with db.reading(engine) as connection:
        assert judged_stored.answers(connection, parse.scope(None, connection))


def test_an_empty_archive_is_as_of_now(engine: Engine) -> None:
    """There is nothing that could be later."""
    with db.reading(engine) as connection:
        assert as_of.current(connection) == NOW
