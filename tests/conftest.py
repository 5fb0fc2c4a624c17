"""What all tests share."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from archive import database
from tests import postgres
from tests.archives import empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL server for the session; workers find its URL in their environment."""
    if postgres.URL_VARIABLE in os.environ:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ[postgres.URL_VARIABLE] = stack.enter_context(postgres.server())
    stack.callback(os.environ.pop, postgres.URL_VARIABLE)


def pytest_report_header() -> str:
    """Name the database that the tests ran on."""
    try:
        with postgres.engine(os.environ[postgres.URL_VARIABLE]).connect() as connection:
            return f"PostgreSQL: {connection.scalar(text('SHOW server_version'))}"
    except DBAPIError as error:
        raise pytest.UsageError(f"{postgres.URL_VARIABLE}: {error.orig}") from error


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of a fresh, empty PostgreSQL database."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_archive(postgres_url: str) -> Engine:
    """Give an archive on PostgreSQL that tests of one process share."""
    engine = database.connect(postgres_url)
    database.upgrade(engine)
    return engine


@pytest.fixture(scope="session")
def sqlite_archive(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Give an archive on SQLite that tests of one process share."""
    engine = database.connect(str(tmp_path_factory.mktemp("archive") / "archive.db"))
    database.upgrade(engine)
    return engine


@pytest.fixture
def engines(sqlite_archive: Engine, postgresql_archive: Engine) -> list[Engine]:
    """Give an empty archive on each database."""
    for archive in (sqlite_archive, postgresql_archive):
        empty(archive)
    return [sqlite_archive, postgresql_archive]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give an empty archive, on each database in turn."""
    archive: Engine = request.getfixturevalue(f"{request.param}_archive")
    empty(archive)
    return archive
