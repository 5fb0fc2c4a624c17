"""Backups of an archive, restored."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.db import migrate, tables
from archive.db.backup import back_up
from archive.errors import UsageError
from archive.maintenance import verify
from tests.support import natural, postgres
from tests.support.archives import count, created, empty, import_documents
from tests.support.command import archive, at
from tests.support.everything import fill
from tests.support.samples import API

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from archive.store.import_log import Summary


@pytest.fixture
def original(tmp_path: Path) -> Engine:
    engine = created(tmp_path / "archive.db")
    fill(engine)
    return engine


def test_backup_is_an_archive_with_the_same_rows(original: Engine, tmp_path: Path) -> None:
    """Only its owner can read it, and nothing is left beside it."""
    backup = tmp_path / "backups" / "one.db"
    backup.parent.mkdir()
    calls: list[tuple[int, int]] = []
    back_up(original, backup, lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1]
    assert [path.name for path in backup.parent.iterdir()] == ["one.db"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    restored = migrate.connect(str(backup))
    assert natural.rows(restored) == natural.rows(original)
    assert list(verify.verify(restored)) == []


def test_backup_has_one_state_while_others_write(original: Engine, tmp_path: Path) -> None:
    """An import between two steps does not make it begin anew, and is not in it."""
    writes: list[Summary] = []

    def write(_done: int, _all: int) -> None:
        writes.append(import_documents(original, API, f"new{len(writes)}"))

    before = natural.rows(original)
    back_up(original, tmp_path / "backup.db", write)
    assert writes
    assert natural.rows(migrate.connect(str(tmp_path / "backup.db"))) == before


def test_existing_backup_stays_if_the_new_one_fails(original: Engine, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    back_up(original, backup)
    before = backup.read_bytes()

    def stop(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(original, backup, stop)
    assert backup.read_bytes() == before
    back_up(original, backup)
    assert natural.rows(migrate.connect(str(backup))) == natural.rows(original)


def test_backup_never_replaces_a_database_in_use(original: Engine, tmp_path: Path) -> None:
    """Its write-ahead log would be applied to the backup."""
    path, log = tmp_path / "other.db", tmp_path / "other.db-wal"
    created(path).dispose()
    log.touch()  # a reader may leave an empty one
    back_up(original, path)
    log.write_bytes(b"frames")
    with pytest.raises(UsageError, match="in use: name another file"):
        back_up(original, path)


def test_damaged_archive_is_not_backed_up(original: Engine, tmp_path: Path) -> None:
    """Its backup would replace a good one."""
    path = tmp_path / str(original.url.database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        for page in range(pages // 2, pages):
            file.seek(page * size)
            file.write(b"\xff" * 64)
    done = archive("db", "backup", str(tmp_path / "backup.db"), f"--database={path}")
    assert done.code == 1
    assert "damaged" in done.err
    assert not (tmp_path / "backup.db").exists()


def test_backup_that_cannot_be_written_is_one_sentence(original: Engine, tmp_path: Path) -> None:
    place = at(original)
    assert "is the archive itself" in archive("db", "backup", str(original.url.database), place).err
    missing = archive("db", "backup", str(tmp_path / "none" / "b.db"), place)
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert "cannot write the backup: No such file or directory" in missing.err


def test_postgresql_is_backed_up_with_its_own_program(
    postgresql_archive: Engine, tmp_path: Path
) -> None:
    """As the documentation shows it: pg_dump and pg_restore, into an empty database."""
    empty(postgresql_archive)
    done = archive("db", "backup", str(tmp_path / "b.db"), at(postgresql_archive))
    assert (done.code, "pg_dump" in done.err) == (2, True)
    fill(postgresql_archive)
    dump = tmp_path / "archive.dump"
    source = _libpq(postgresql_archive)
    _run("pg_dump", "--format=custom", f"--file={dump}", source)
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        restored = db.create_engine(db.parse_url(url))
        _run("pg_restore", "--exit-on-error", f"--dbname={_libpq(restored)}", str(dump))
        assert natural.rows(restored) == natural.rows(postgresql_archive)
        assert count(restored, tables.write_lock) == count(postgresql_archive, tables.write_lock)
        assert list(verify.verify(restored)) == []
        restored.dispose()


def _libpq(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    subprocess.run(
        [postgres.binaries() / program, *arguments], check=True, capture_output=True, text=True
    )
