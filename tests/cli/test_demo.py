from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive.cli import demo
from archive.db import migrate, tables
from archive.demo import fleet
from tests.support import samples
from tests.support.archives import count, import_documents, rows
from tests.support.command import archive

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, with another archive in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", str(tmp_path / "real" / "archive.db"))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the history where its length does not matter."""
    whole = fleet.plan

    def plan(now: datetime) -> fleet.Plan:
        return whole(now, appliances=8, days=60)

    monkeypatch.setattr(fleet, "plan", plan)


def test_demo_fills_an_archive_and_suggests_commands(tmp_path: Path) -> None:
    """The overview goes to standard output, the hints to standard error, and every hint works."""
    done = archive("demo")
    assert done.code == 0
    table = done.out.splitlines()
    assert len(table) <= 24
    assert table[1].split()[:3] == ["period", "finished", "succeeded"]
    assert f"Created {tmp_path}/archive-demo.db with 5," in done.err
    hints = [line.strip() for line in done.err.splitlines() if line.startswith("  archive ")]
    assert len(hints) == len(demo.TRY)
    for hint in hints:
        tried = archive(*shlex.split(hint)[1:])
        assert (tried.code, len(tried.out.splitlines()) > 2) == (0, True), hint
    assert not (tmp_path / "real").exists()


@pytest.mark.usefixtures("short")
def test_second_demo_replaces_the_first(tmp_path: Path) -> None:
    """The archive of an earlier demo is replaced, not extended."""
    assert archive("demo").code == 0
    engine = migrate.connect(str(tmp_path / "archive-demo.db"))
    before = count(engine, tables.job), count(engine, tables.ingest_run)
    assert archive("demo").code == 0
    assert before == (count(engine, tables.job), count(engine, tables.ingest_run))


@pytest.mark.usefixtures("short")
def test_demo_uses_the_given_database(engine: Engine) -> None:
    """Either database is accepted if its archive is empty or holds a demo."""
    url = engine.url.render_as_string(hide_password=False)
    assert archive("demo", "--database", url).code == 0
    jobs = count(engine, tables.job)
    assert archive("demo", "--database", url).code == 0
    assert count(engine, tables.job) == jobs > 300
    named = rows(engine, sa.select(tables.ingest_run.c.source).distinct())
    assert all(source.startswith("archive demo: vc") for (source,) in named)


def test_archive_with_other_imports_is_left_alone(engine: Engine) -> None:
    """An archive with any import that is not a demo's is refused."""
    import_documents(engine, samples.SAMPLES)
    done = archive("demo", "--database", engine.url.render_as_string(hide_password=False))
    assert (done.code, done.out) == (2, "")
    assert "is not a demo archive and was left unchanged" in done.err
    assert count(engine, tables.job) == len(samples.SAMPLES)


@pytest.mark.usefixtures("short")
def test_demo_with_added_jobs_is_left_alone(tmp_path: Path) -> None:
    """Jobs that users have added to a demo archive are not lost."""
    assert archive("demo").code == 0
    engine = migrate.connect(str(tmp_path / "archive-demo.db"))
    import_documents(engine, samples.SAMPLES)
    before = count(engine, tables.job)
    assert archive("demo").code == 2
    assert count(engine, tables.job) == before


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """A database with tables of another program gets no others."""
    path = tmp_path / "other.db"
    engine = migrate.connect(str(path))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE cat (name TEXT)"))
    before = path.read_bytes()
    done = archive("demo", "--database", "other.db")
    assert done.code == 2
    assert path.read_bytes() == before


def test_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """A file of another kind in the demo's place is a clear error."""
    path = tmp_path / "archive-demo.db"
    path.write_text("my notes, " * 100)
    done = archive("demo")
    assert done.code == 1
    assert "the file is not an archive" in done.err
    assert path.read_text() == "my notes, " * 100


@pytest.mark.usefixtures("short")
def test_empty_file_is_filled(tmp_path: Path) -> None:
    """An empty file is treated as missing."""
    (tmp_path / "archive-demo.db").touch()
    assert archive("demo").code == 0


def test_hints_can_be_typed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell would not find the command, hints use the path that it was called with."""
    monkeypatch.setattr("sys.argv", [".venv/bin/archive", "demo"])
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert demo._program() == ".venv/bin/archive"
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/archive")
    assert demo._program() == "archive"
