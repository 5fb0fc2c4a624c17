from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import engine as engines
from archive.db import migrate, rights
from archive.errors import DatabaseError
from tests.support.archives import import_documents
from tests.support.command import environment
from tests.support.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

# Prints whether it holds the lock, and keeps it until its input ends.
HOLDER = (
    "import sys\n"
    "from archive import db\n"
    "from archive.db import migrate\n"
    "with db.alone(migrate.connect(sys.argv[1]), 'collect') as held:\n"
    "    print(held, flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def holder(engine: Engine) -> Iterator[tuple[subprocess.Popen[str], bool]]:
    """Run another process that takes the lock, and give whether it got it."""
    url = engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
    ) as running:  # fmt: skip
        assert running.stdout
        yield running, running.stdout.readline() == "True\n"


def is_free(engine: Engine) -> bool:
    """Return whether this process can take the lock."""
    with db.alone(engine, "collect") as held:
        return held


def test_only_one_process_has_the_lock(engine: Engine) -> None:
    """A second process gets False at once; afterwards the lock is free."""
    with holder(engine) as (running, held):
        assert held
        assert not is_free(engine)
        with db.alone(engine, "other") as other:
            assert other
        running.communicate()
    assert running.returncode == 0
    with db.alone(engine, "collect") as mine:
        assert mine
        with holder(engine) as (_, held):
            assert not held
        assert not is_free(engine)
    assert is_free(engine)


def test_crash_releases_the_lock(engine: Engine) -> None:
    """A killed process leaves nothing to clean up."""
    with holder(engine) as (running, held):
        assert held
        running.kill()
        running.wait()
        # A server may need a moment to see that its client has gone.
        assert any(is_free(engine) for _ in range(1000))


def test_exception_releases_the_lock(engine: Engine) -> None:
    """An exception within the block releases the lock and propagates."""

    def fail() -> None:
        with db.alone(engine, "collect") as held:
            assert held
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_free(engine)


def test_lock_does_not_block_writers(engine: Engine) -> None:
    """The holder of the lock blocks no import, and holds no old state of the tables."""
    with db.alone(engine, "collect") as held:
        assert held
        import_documents(engine, SAMPLES)
        if engine.dialect.name == "postgresql":
            idle = sa.text(
                "SELECT backend_xmin FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            with db.reading(engine) as connection:
                assert connection.execute(idle).scalars().all() == [None]


def test_lock_belongs_to_the_database_file(tmp_path: Path) -> None:
    """On SQLite all paths to one database share a lock; its file stays beside the database."""
    path = tmp_path / "archive.db"
    path.touch()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with db.alone(migrate.connect(str(path)), "collect"):
        assert not is_free(migrate.connect(str(link)))
    assert (tmp_path / "archive.db-collect.lock").exists()
    assert not (tmp_path / "link.db-collect.lock").exists()


def test_lock_that_cannot_be_created(tmp_path: Path) -> None:
    """If the lock file cannot be created, an error says so."""
    engine = migrate.connect(str(tmp_path / "none" / "archive.db"))
    with pytest.raises(
        DatabaseError, match=r"archive\.db-collect\.lock: cannot lock the file: No such"
    ):
        is_free(engine)
    engine = migrate.connect("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseError, match="no server answers"):
        is_free(engine)


def test_locks_of_writers_cannot_be_held_by_a_reader(postgresql_archive: Engine) -> None:
    """No lock of an import is an advisory lock, which anybody who can log in could take."""
    names = ["appliance vc01", "calendar", "references", "runs", "totals"]
    with db.writing(postgresql_archive) as connection:
        db.lock(connection, names)
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert connection.exec_driver_sql(held).scalar_one() == 0
    assert "write_lock" not in rights.readable()


def test_shared_locks_exclude_only_exclusive_ones(
    postgresql_archive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first lock of a name makes its row, alone.
    with db.writing(postgresql_archive) as connection:
        db.lock(connection, ["calendar"])
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 0.1)
    with db.writing(postgresql_archive) as one:
        db.lock(one, ["calendar"], shared=True)
        with db.writing(postgresql_archive) as other:
            db.lock(other, ["calendar"], shared=True)
        with (
            pytest.raises(DatabaseError, match="another process is writing"),
            db.writing(postgresql_archive) as third,
        ):
            db.lock(third, ["calendar"])
