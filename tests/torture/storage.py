"""Faults of the storage: a disk that is full at any write, and an archive that may not be written."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import migrate
from archive.errors import DatabaseError
from tests.support import postgres
from tests.support.archives import content
from tests.support.command import at
from tests.torture.answers import answer
from tests.torture.judge import compared, load, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

    from tests.torture.answers import Import
    from tests.torture.judge import Budget, Tally
    from tests.torture.place import Place

# Bytes of the file system that PostgreSQL fills.
_SMALL = 24 << 20


def full_file(place: Place, budget: Budget, tally: Tally) -> None:
    """Let a SQLite file have no room for more pages: none, one, and so on until an import fits."""
    # Without pages that are free already.
    whole = sa.create_engine(place.engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with whole.connect() as connection:
        connection.exec_driver_sql("VACUUM")
    number = 0
    while budget.lasts(tally):
        pages, more = _pages(place.engine), 0
        one = answer(number)
        code = 1
        while code and budget.lasts(tally):
            fault = ("pages", pages + more)
            place.forking.start(*one.write(place.folder), at(place.engine), fault=fault)
            code = place.forking.wait()
            if code == 1:
                tally.tried += 1
                _unchanged(place, tally)
            elif code != 3:  # a document is in quarantine
                tally.is_wrong(f"exit code {code}")
            else:
                break
            more += 1
        _completed(place, one, tally)
        number += 1


def full_disk(place: Place, budget: Budget, tally: Tally) -> None:
    """Fill the file system below an archive, so that imports fail where they need room; then free it."""
    if os.geteuid() != 0:
        tally.notes.append("not tried: only root may mount a file system")
        return
    with _small_file_system() as folder, _archive_in(place, folder) as engine:
        there = place._replace(engine=engine)
        number = 0
        while budget.lasts(tally):
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            # The rest, less and less of it from import to import.
            ballast = folder / "ballast"
            room = 4096 * (number * 3 % 64)
            ballast.write_bytes(b"\0" * max(0, free - room))
            one = answer(number)
            fault = ("nothing", 0)  # in the driver
            place.forking.start(*one.write(place.folder), at(engine), fault=fault)
            code = place.forking.wait()
            if code == 1:
                tally.tried += 1
                ballast.unlink()
                _unchanged(there, tally)
            elif code != 3:
                tally.is_wrong(f"exit code {code}")
            ballast.unlink(missing_ok=True)
            _completed(there, one, tally)
            number += 1


def read_only(place: Place, budget: Budget, tally: Tally) -> None:
    """Import as a user, or into a database, that may not write: it is refused, and nothing changes."""
    number = 0
    while budget.lasts(tally):
        one = answer(number)
        try:
            load(_read_only(place.engine), one)
        except DatabaseError:
            tally.tried += 1
        else:
            tally.is_wrong("an import into an archive that is read-only")
        _unchanged(place, tally)
        _completed(place, one, tally)
        number += 1


def _unchanged(place: Place, tally: Tally) -> None:
    verified(place.engine, tally)
    compared(place.engine, content(place.undisturbed), tally)


def _completed(place: Place, one: Import, tally: Tally) -> None:
    """Import on both sides, without the fault."""
    load(place.undisturbed, one)
    load(place.engine, one)
    compared(place.engine, content(place.undisturbed), tally)


def _pages(engine: Engine) -> int:
    with db.reading(engine) as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def _read_only(engine: Engine) -> Engine:
    """Return an engine whose connections may not write."""
    if engine.dialect.name == "postgresql":
        return db.create_engine(
            engine.url.update_query_dict({"options": "-c default_transaction_read_only=on"})
        )
    found = db.create_engine(engine.url)
    sa.event.listen(
        found, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON")
    )
    return found


@contextmanager
def _small_file_system() -> Iterator[Path]:
    """Mount a small file system in memory, which only root may. Raises CalledProcessError."""
    folder = Path("/tmp") / f"archive-torture-{os.getpid()}"  # noqa: S108 - a server must reach it
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_SMALL},mode=777", "tmpfs", str(folder)],  # noqa: S607 - the system's
            check=True,
            capture_output=True,
        )
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True, capture_output=True)  # noqa: S607
    finally:
        folder.rmdir()


@contextmanager
def _archive_in(place: Place, folder: Path) -> Iterator[Engine]:
    """Give a new archive in a folder: a SQLite file, or a database whose tables lie there."""
    if place.engine.dialect.name == "sqlite":
        engine = migrate.connect(str(folder / "archive.db"))
        migrate.upgrade(engine)
        yield engine
        return
    assert place.server is not None
    space = folder / "tables"
    space.mkdir()
    space.chmod(0o700)
    if os.geteuid() == 0:
        import pwd

        os.chown(space, pwd.getpwnam("nobody").pw_uid, -1)
    administration = postgres.engine(place.server.url)
    with administration.connect() as connection:
        connection.execute(sa.text(f"CREATE TABLESPACE small LOCATION '{space}'"))
        connection.execute(
            sa.text("CREATE DATABASE small TEMPLATE template0 ENCODING 'UTF8' TABLESPACE small")
        )
    try:
        engine = migrate.connect(
            administration.url.set(database="small").render_as_string(hide_password=False)
        )
        migrate.upgrade(engine)
        yield engine
        engine.dispose()
    finally:
        with administration.connect() as connection:
            connection.execute(sa.text("DROP DATABASE small WITH (FORCE)"))
            connection.execute(sa.text("DROP TABLESPACE small"))
