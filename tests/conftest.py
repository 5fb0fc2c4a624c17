"""Fixtures of all tests."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
from contextlib import ExitStack
from itertools import compress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool

from archive import db
from archive.db import migrate
from archive.db.distributed import distribute
from tests.support import citus, postgres
from tests.support.archives import created, empty
from tests.support.laws import EXAMPLES, is_of_another_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy.engine import Engine


# A busy machine, or what is drawn by chance, fails no test: there are no deadlines, and drawing may take long.
# `--hypothesis-profile=few` draws a third of the examples.
_PATIENT = settings(
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("archive", _PATIENT, max_examples=6 * EXAMPLES)
settings.register_profile("few", _PATIENT, max_examples=10)
settings.load_profile("archive")

# Those that tests of archives run on; a cluster only if there is one.
DATABASES = ["sqlite", "postgresql", *(["citus"] if citus.URL_VARIABLE in os.environ else [])]
# Connections that wait for the next test: opening one takes as long as a small import.
_KEPT = 4


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of another day, unless they are named; begin with the longest, those of whole systems.

    Else one process ends alone with them.
    """
    if not config.option.keyword and not any("::" in argument for argument in config.args):
        left_out = [is_of_another_day(item) for item in items]
        config.hook.pytest_deselected(items=[*compress(items, left_out)])
        items[:] = [item for item, out in zip(items, left_out, strict=True) if not out]
    items.sort(key=lambda item: "system" not in item.path.parts)


def pytest_collection_finish() -> None:
    """Collect garbage less often: going through all tests again and again takes a while."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@event.listens_for(Pool, "checkout")
def _never_wait(connection: object, _record: object, _proxy: object) -> None:
    """Do not sync to disk: test data need not survive a power failure."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL server for the session; workers find its URL in their environment."""
    if postgres.URL_VARIABLE in os.environ:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ[postgres.URL_VARIABLE] = stack.enter_context(postgres.server())
    stack.callback(os.environ.pop, postgres.URL_VARIABLE)


def pytest_report_header() -> list[str]:
    """Name the databases that the tests run on."""
    try:
        with postgres.engine(os.environ[postgres.URL_VARIABLE]).connect() as connection:
            version = connection.scalar(text("SHOW server_version"))
            return [f"PostgreSQL: {version}", citus.described()]
    except DBAPIError as error:
        raise pytest.UsageError(f"{postgres.URL_VARIABLE}: {error.orig}") from error


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of a fresh, empty PostgreSQL database."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """Give the name of a database with an empty archive, which others are copied from."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        engine = migrate.connect(url)
        migrate.upgrade(engine)
        engine.dispose()
        assert engine.url.database is not None
        yield engine.url.database


@pytest.fixture(scope="session")
def postgresql_archive(postgres_template: str) -> Iterator[Engine]:
    """Give an archive on PostgreSQL that tests of one process share.

    Its connections are left in the state of new ones.
    """
    with postgres.new_database(os.environ[postgres.URL_VARIABLE], postgres_template) as url:
        engine = db.create_engine(db.parse_url(url), kept=_KEPT)
        event.listen(engine, "connect", _prepare_statements)
        event.listen(engine, "checkin", _forget)
        yield engine
        engine.dispose()


def _prepare_statements(connection: psycopg.Connection[Any], _record: object) -> None:
    """Let the server remember statements: parsing and planning them is a third of its work for a small import."""
    connection.prepare_threshold = 3


def _forget(connection: psycopg.Connection[Any] | None, _record: object) -> None:
    """Release locks that a session holds until it ends, and reset its settings."""
    if connection is None or connection.closed:
        return
    connection.rollback()
    connection.execute("SELECT pg_advisory_unlock_all()")
    connection.execute("SET idle_session_timeout TO DEFAULT")
    connection.commit()


@pytest.fixture(scope="session")
def sqlite_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Give an archive on SQLite that tests of one process share."""
    path = tmp_path_factory.mktemp("archive") / "archive.db"
    created(path)
    engine = db.create_engine(db.parse_url(str(path)), kept=_KEPT, large_cache=True)

    def close_connections(event: str, arguments: tuple[Any, ...]) -> None:
        # When this process closes a file that it has read itself, SQLite's connections lose their locks (POSIX).
        if event == "open" and arguments[0] in (path, str(path)):
            engine.dispose()

    sys.addaudithook(close_connections)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def citus_archive() -> Iterator[Engine]:
    """Give a distributed archive that tests of one process share."""
    with citus.new_database() as url:
        engine = db.create_engine(db.parse_url(url), kept=_KEPT)
        event.listen(engine, "checkin", _forget)
        migrate.upgrade(engine)
        distribute.distribute(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def engines(request: pytest.FixtureRequest) -> list[Engine]:
    """Give an empty archive on each database."""
    archives: list[Engine] = [request.getfixturevalue(f"{name}_archive") for name in DATABASES]
    for archive in archives:
        empty(archive)
    return archives


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give an empty archive, on each database in turn."""
    archive: Engine = request.getfixturevalue(f"{request.param}_archive")
    empty(archive)
    return archive


@pytest.fixture(scope="module", params=DATABASES)
def shared_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give an archive on each database in turn, which a module fills once and then only reads."""
    if request.param == "sqlite":
        yield created(tmp_path_factory.mktemp("shared") / "archive.db")
        return
    with ExitStack() as stack:
        if request.param == "citus":
            engine = migrate.connect(stack.enter_context(citus.new_database()))
            migrate.upgrade(engine)
            distribute.distribute(engine)
        else:
            server = os.environ[postgres.URL_VARIABLE]
            template = request.getfixturevalue("postgres_template")
            engine = migrate.connect(stack.enter_context(postgres.new_database(server, template)))
        stack.callback(engine.dispose)
        yield engine
