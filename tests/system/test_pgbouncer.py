"""Every verb through pgbouncer in transaction mode, where each transaction may get another session."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from archive import db
from archive.db import migrate
from tests.support import postgres
from tests.support.command import Done, archive
from tests.support.samples import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer on the PATH")
# One session for all clients: what a transaction leaves in it, the next one would meet.
CONFIGURATION = """
[databases]
archive = host={host} port={port} dbname={database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
unix_socket_dir =
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@contextmanager
def pooled(sessions: int) -> Iterator[str]:
    """Give the URL of an empty database behind a pooler with so many sessions."""
    with (
        tempfile.TemporaryDirectory(prefix="archive-pgbouncer-") as name,
        postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url,
    ):
        server = make_url(url)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            listen = probe.getsockname()[1]
        values = {"host": server.host, "port": server.port, "database": server.database}
        folder = Path(name)
        file = folder / "pgbouncer.ini"
        file.write_text(
            CONFIGURATION.format(**values, listen=listen, folder=folder, sessions=sessions)
        )
        # It refuses to run as root.
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        assert PGBOUNCER
        with subprocess.Popen(
            [PGBOUNCER, str(file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user and user.pw_uid,
        ) as running:  # fmt: skip
            try:
                _wait_for(listen)
                yield f"postgresql://postgres@127.0.0.1:{listen}/archive"
            finally:
                running.terminate()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pgbouncer does not listen")


def run(url: str, *arguments: str) -> Done:
    return archive(*arguments, f"--database={url}")


def test_every_verb_works_through_a_pooler_in_transaction_mode() -> None:
    """The sessions remember nothing of one transaction that another one could meet."""
    with pooled(sessions=2) as url:
        for arguments in (
            ("db", "upgrade"),
            ("ingest", str(DATA / "details_api.json"), "-a", "vc01"),
            ("ingest", str(DATA / "details_api.json"), "-a", "vc01"),
            ("job", "list"),
            ("report", "summary"),
            ("report", "trends", "--since", "2026-01-01"),
            ("sql", "jobs_of_day"),
            ("quarantine", "retry"),
            ("export", "jsonl"),
            ("db", "calendar", "--time-zone", "Europe/Berlin"),
            ("db", "rebuild"),
            ("db", "verify"),
            ("metrics",),
        ):
            for _ in range(2):  # prepared twice in one session, a statement would fail
                done = run(url, *arguments)
                assert done.code == 0, (arguments, done)


def test_lock_of_a_collection_works_through_a_pooler() -> None:
    """It is held as long as the process needs it, and is free for the next one."""
    with pooled(sessions=4) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        for _ in range(6):
            with db.alone(engine, "collect") as held, db.alone(engine, "collect") as again:
                assert (held, again) == (True, False)


def test_settings_of_a_transaction_do_not_reach_other_clients() -> None:
    with pooled(sessions=1) as url:
        engine = migrate.connect(url)
        with db.writing(engine) as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "30s"
        plain = postgres.engine(url)
        with plain.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
