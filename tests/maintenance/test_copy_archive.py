"""A copy has everything, on either database, or it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, reports
from archive.db import migrate, tables
from archive.errors import DatabaseError, UsageError
from archive.maintenance import verify
from archive.maintenance.copy_archive import content, copied_tables, copy_archive
from tests.support import everything
from tests.support.archives import count, empty, import_documents, lines
from tests.support.command import archive, at
from tests.support.samples import API

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = "2026-07-26T12:00:00Z"


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """An archive with rows in every table, and a calendar of its own."""
    everything.fill(engine)
    return engine


def new(tmp_path: Path, name: str = "copy.db") -> Engine:
    return migrate.connect(str(tmp_path / name))


def contents(engine: Engine) -> dict[str, Any]:
    with db.reading(engine) as connection:
        return {table.name: content(connection, table) for table in copied_tables()}


def said(engine: Engine) -> dict[str, str]:
    """Return what every report says, the log, and all jobs."""
    place = at(engine)
    found = {
        name: archive("report", name, "--format=csv", f"--now={NOW}", place).out
        for name in reports.REPORTS
    }
    log = archive("log", "imports", "--format=csv", "--limit=0", place).out
    return found | {"jobs": lines(engine), "log": log}


def test_example_has_rows_in_every_table(filled: Engine) -> None:
    assert [table.name for table in copied_tables() if not count(filled, table)] == []


def test_copy_there_and_back_is_equal(
    request: pytest.FixtureRequest, filled: Engine, tmp_path: Path
) -> None:
    """Every row, and every report byte for byte; the archive on the way is on the other database."""
    there: Engine = new(tmp_path)
    if filled.dialect.name == "sqlite":
        there = request.getfixturevalue("postgresql_archive")
        empty(there)
    before, reported = contents(filled), said(filled)
    copy_archive(filled, there)
    assert contents(there) == before
    assert said(there) == reported
    assert list(verify.verify(there)) == []
    empty(filled)
    copy_archive(there, filled)
    assert contents(filled) == before
    assert said(filled) == reported
    assert list(verify.verify(filled)) == []


def test_copy_goes_on_like_the_original(filled: Engine, tmp_path: Path) -> None:
    """The next import finds what it knows."""
    copy = new(tmp_path)
    copy_archive(filled, copy)
    for engine in (filled, copy):
        counts = import_documents(engine, API, "vc02", "2026-07-27T12:00:00.000000Z").counts
        assert (counts.new, counts.changed, counts.unchanged) == (0, 0, 11)
    assert list(verify.verify(copy)) == []


def test_interrupted_copy_is_not_there_and_can_begin_again(filled: Engine, tmp_path: Path) -> None:
    copy = new(tmp_path)

    def stop(done: int, total: int) -> None:
        if done > total // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_archive(filled, copy, stop)
    assert [table.name for table in copied_tables() if count(copy, table)] == ["calendar"]
    copy_archive(filled, copy)
    assert contents(copy) == contents(filled)


def test_progress_reaches_its_end(filled: Engine, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    copy_archive(filled, new(tmp_path), lambda *call: calls.append(call))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1] == 2 * sum(one.rows for one in contents(filled).values())


def test_copy_into_an_archive_with_content_is_refused(filled: Engine, tmp_path: Path) -> None:
    copy = new(tmp_path)
    migrate.upgrade(copy)
    import_documents(copy, API, "vc01")
    before = contents(copy)
    with pytest.raises(UsageError, match="has content already"):
        copy_archive(filled, copy)
    with pytest.raises(UsageError, match="is the archive itself"):
        copy_archive(filled, filled)
    assert contents(copy) == before


def test_row_that_the_other_database_cannot_store_is_named(
    sqlite_archive: Engine, postgresql_archive: Engine
) -> None:
    """SQLite stores a text in a column of numbers; PostgreSQL does not."""
    for engine in (sqlite_archive, postgresql_archive):
        empty(engine)
    everything.fill(sqlite_archive)
    with db.writing(sqlite_archive) as connection:
        connection.execute(sa.text("UPDATE job SET size_bytes = 'much' WHERE id = 1"))
    with pytest.raises(DatabaseError, match="job: a row cannot be stored in the copy"):
        copy_archive(sqlite_archive, postgresql_archive)
    assert count(postgresql_archive, tables.appliance) == 0


def test_command_copies_and_says_so(filled: Engine, tmp_path: Path) -> None:
    done = archive("db", "copy", f"--to={tmp_path / 'copy.db'}", at(filled))
    assert done.code == 0, done.err
    assert f"{tmp_path / 'copy.db'} is a copy of " in done.err
    assert f"in {len(copied_tables())} tables, all verified.\n" in done.err
