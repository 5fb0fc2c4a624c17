"""The measured databases: created again for each round, as an archive or blank."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from bench import commands
from tests.support import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure import Rows

# Settings as for a small server; durability is on, as by default.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = '1GB'
work_mem = '64MB'
maintenance_work_mem = '512MB'
max_wal_size = '8GB'
"""
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
KINDS = (SQLITE, POSTGRESQL)


class Database(Protocol):
    """A database that can be dropped and created again."""

    @property
    def kind(self) -> str:
        """SQLite or PostgreSQL."""

    @property
    def url(self) -> str:
        """Its SQLAlchemy URL, which stays the same."""

    def migrate(self) -> None:
        """Create it again, as an empty archive."""

    def blank(self) -> None:
        """Create it again, without any table."""

    def copy(self, other: Database) -> None:
        """Create it again, as a copy of another database of the same kind."""

    def size(self) -> int:
        """Return its size in bytes beyond that of an empty archive."""

    def processor_seconds(self) -> float:
        """Return the processor time that its server has taken so far, if it has one."""


class Databases:
    """Provide databases by name; the first one on PostgreSQL starts a server."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack

    def get(self, kind: str, name: str) -> Database:
        """Return the database of a name (one word), not yet created."""
        if kind == POSTGRESQL:
            return _PostgreSQL(self._server, name)
        if kind != SQLITE:
            raise ValueError(f"unknown kind of database {kind!r}; choose from: {', '.join(KINDS)}")
        return _SQLite(self._template, self._folder / "sqlite" / name)

    @cached_property
    def _server(self) -> str:
        url = self._stack.enter_context(_server())
        server = _PostgreSQL(url, _TEMPLATE)
        server.blank()
        commands.archive("db", "upgrade", "--database", server.url)
        return url

    @cached_property
    def _template(self) -> Path:
        path = self._folder / f"{_TEMPLATE}.db"
        commands.archive("db", "upgrade", "--database", str(path))
        return path


_TEMPLATE = "bench_archive"
_GROWTH = "SELECT pg_database_size(current_database()) - pg_database_size(%s::name)"


class _PostgreSQL:
    kind = POSTGRESQL

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self._name = name
        self.url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)

    def migrate(self) -> None:
        self._make(_TEMPLATE)

    def blank(self) -> None:
        self._make("template0")

    def copy(self, other: Database) -> None:
        name = sa.make_url(other.url).database
        assert name is not None  # noqa: S101 - the bench names its databases
        self._make(name)

    def size(self) -> int:
        with postgres.engine(self.url).connect() as connection:
            return int(connection.exec_driver_sql(_GROWTH, (_TEMPLATE,)).scalar_one())

    def processor_seconds(self) -> float:
        with postgres.engine(self._server).connect() as connection:
            query = "SELECT pg_read_file('postmaster.pid')"
            main = int(str(connection.exec_driver_sql(query).scalar_one()).split()[0])
        return _processor_seconds(main)

    def _make(self, template: str) -> None:
        with postgres.engine(self._server).connect() as connection:
            for statement in (
                f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
                f"CREATE DATABASE {self._name} TEMPLATE {template}",
                "CHECKPOINT",
            ):
                connection.exec_driver_sql(statement)


class _SQLite:
    kind = SQLITE

    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._folder = folder
        self.url = f"sqlite:///{folder / 'archive.db'}"

    def migrate(self) -> None:
        self.blank()
        shutil.copyfile(self._template, self._folder / "archive.db")

    def blank(self) -> None:
        # With the files that lie beside it.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def copy(self, other: Database) -> None:
        self.blank()
        path = sa.make_url(other.url).database
        assert path is not None  # noqa: S101 - it is a file
        shutil.copyfile(path, self._folder / "archive.db")

    def size(self) -> int:
        return (self._folder / "archive.db").stat().st_size - self._template.stat().st_size

    def processor_seconds(self) -> float:
        return 0.0  # it is in this process


def _processor_seconds(main: int) -> float:
    """Return the processor time of a process and its children, also of those that ended (Linux)."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may have spaces; fields are numbered from 1 in proc(5).
            fields = [*path.read_text().rpartition(")")[2].split()]
        except OSError:
            continue  # it has ended
        parent, times = int(fields[4 - 3]), [int(field) for field in fields[14 - 3 : 18 - 3]]
        if int(path.parent.name) == main:
            ticks += sum(times)
        elif parent == main:
            ticks += sum(times[:2])
    return ticks / os.sysconf("SC_CLK_TCK")


def count(database: Database, queries: dict[str, str]) -> Rows:
    """Return the one number that each query gives, by its name."""
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(query).scalar_one() for name, query in queries.items()
        }


def count_archive(database: Database) -> Rows:
    """Return the jobs of an archive, the messages in their lists, and all arguments."""
    return count(
        database,
        {
            "jobs": "SELECT count(*) FROM job",
            "messages": "SELECT count(*) FROM message WHERE role = 2",
            "arguments": "SELECT count(*) FROM message INNER JOIN message_arg"
            " ON message.appliance_id = message_arg.appliance_id"
            " AND message.content_id = message_arg.content_id",
        },
    )


@contextmanager
def _server() -> Iterator[str]:
    postgres.SETTINGS = SETTINGS
    with postgres.server() as url:
        yield url
