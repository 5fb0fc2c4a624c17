"""Readers of a SQLite archive who may write neither its file nor its folder."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.errors import DatabaseError
from tests.support.archives import created, import_documents
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

NOBODY = 65534
QUERY = sa.text("SELECT count(*) FROM job")


@pytest.fixture
def filled() -> Iterator[Engine]:
    """Give an archive with a job, in a folder that others can look into."""
    with tempfile.TemporaryDirectory() as name:
        engine = created(f"{name}/archive.db")
        import_documents(engine, {"a": job()})
        Path(name, "archive.db").chmod(0o644)
        Path(name).chmod(0o755)
        yield engine


@contextmanager
def another_user(engine: Engine) -> Iterator[None]:
    """Run a block as a user without rights to write; root becomes one, others lose them."""
    path = db.sqlite_file(engine.url)
    assert path is not None
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        path.chmod(0o444)
        path.parent.chmod(0o555)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        else:
            path.parent.chmod(0o755)
            path.chmod(0o644)


def jobs(reader: Engine) -> int:
    with db.reading(reader) as connection:
        return int(connection.execute(QUERY).scalar_one())


@contextmanager
def kept_open(engine: Engine) -> Iterator[None]:
    """Leave the files beside the archive, as a process that is writing does."""
    connection = sqlite3.connect(str(db.sqlite_file(engine.url)))
    connection.execute("SELECT 1 FROM job").fetchall()
    yield
    connection.close()


def test_reader_needs_no_right_to_write(filled: Engine) -> None:
    """Whether or not somebody else has the archive open; nothing is left beside it."""
    reader = db.create_reader(filled.url)
    folder = Path(str(filled.url.database)).parent
    with another_user(filled):
        assert jobs(reader) == 1
        assert [path.name for path in folder.iterdir()] == ["archive.db"]
    with kept_open(filled):
        import_documents(filled, {"b": job()}, "vc02")
        with another_user(filled):
            assert jobs(reader) == 2
    with another_user(filled):
        assert jobs(reader) == 2


def test_archive_that_changes_while_it_is_read(filled: Engine) -> None:
    """What was read may be of two states, so it is no answer."""
    reader = db.create_reader(filled.url)
    with ExitStack() as stack:
        with another_user(filled):
            stack.enter_context(pytest.raises(DatabaseError, match="while it was read; run the co"))
            connection = stack.enter_context(db.reading(reader))
            assert connection.execute(QUERY).scalar_one() == 1
        import_documents(filled, {"b": job()}, "vc02")
    with another_user(filled):
        assert jobs(reader) == 2


def test_kept_connection_sees_what_was_written_since(filled: Engine) -> None:
    """As those of `archive serve`, which also notices that it was."""
    reader = db.create_reader(filled.url, 1, 60)
    watch = db.Watch(reader)
    with another_user(filled):
        assert jobs(reader) == 1
        mark = watch.mark()
        assert watch.mark() == mark
    import_documents(filled, {"b": job()}, "vc02")
    with another_user(filled):
        assert watch.mark() != mark
        assert jobs(reader) == 2
    watch.close()


def test_wal_that_nobody_has_open(filled: Engine) -> None:
    """After a crash the newest rows are in it; only a user who can write makes them readable."""
    path = str(db.sqlite_file(filled.url))
    with kept_open(filled):
        import_documents(filled, {"b": job()}, "vc02")
        left = Path(f"{path}-wal").read_bytes()
    Path(f"{path}-wal").write_bytes(left)
    reader = db.create_reader(filled.url)
    with another_user(filled), pytest.raises(DatabaseError, match="file cannot be opened"):
        jobs(reader)
