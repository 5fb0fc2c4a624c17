"""Reports from a standby of the PostgreSQL server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import text

from archive import db, reports
from archive.db import migrate
from archive.reports import sql_files
from tests.support import postgres
from tests.support.command import archive, at
from tests.support.queried import fill, tell
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

NOTE = "The server is a standby; the last change that it has is of 20"


_AT_A_TIME = ("report", "check", "metrics")


class Pair(NamedTuple):
    """The archive on a server, and on the standby that follows it."""

    primary: Engine
    standby: Engine


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with postgres.server(f"{postgres.SETTINGS}wal_level = replica\nmax_wal_senders = 4\n") as url:
        primary = migrate.connect(url)
        migrate.upgrade(primary)
        fill(primary)
        with postgres.standby(url) as other:
            standby = migrate.connect(other)
            tell(primary)
            _catch_up(primary, standby)
            yield Pair(primary, standby)


def _catch_up(primary: Engine, standby: Engine) -> None:
    """Wait until the standby has every change of the primary."""
    with db.reading(primary) as connection:
        wanted = connection.execute(text("SELECT pg_current_wal_lsn()")).scalar_one()
    query = text("SELECT pg_last_wal_replay_lsn() >= CAST(:wanted AS pg_lsn)")
    for _ in range(1000):
        with db.reading(standby) as connection:
            if connection.execute(query, {"wanted": wanted}).scalar_one():
                return
            connection.execute(text("SELECT pg_sleep(0.01)"))
    raise AssertionError("the standby does not follow")


@pytest.mark.ci
@pytest.mark.parametrize(
    "arguments",
    [
        *(("report", name, "--format", "csv") for name in reports.REPORTS),
        *(("sql", name) for name in sql_files.names()),
        ("check",),
        ("metrics",),
        ("export", "jsonl"),
        ("job", "list"),
        ("log", "imports"),
        ("appliance", "list"),
    ],
    ids=" ".join,
)
def test_standby_answers_like_its_primary(pair: Pair, arguments: tuple[str, ...]) -> None:
    """Byte for byte."""
    options = ("--now", "2026-03-06T00:00:00Z") if arguments[0] in _AT_A_TIME else ()
    expected = archive(*arguments, *options, at(pair.primary))
    found = archive(*arguments, *options, at(pair.standby))
    assert [_anywhere(text) for text in (found.out, found.err)] == [
        _anywhere(text) for text in (expected.out, expected.err)
    ]
    assert found.code == expected.code


@pytest.mark.ci
def test_terminal_shows_how_far_a_standby_has_come(pair: Pair) -> None:
    assert NOTE in on_terminal("report", "rpo", at(pair.standby))
    assert "standby" not in on_terminal("report", "rpo", at(pair.primary))


def _anywhere(output: str) -> str:
    """Return output without the port of the server."""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", output)


@pytest.mark.ci
def test_standby_refuses_writes(pair: Pair) -> None:
    done = archive("quarantine", "retry", at(pair.standby))
    assert done.code == 1
    assert "the server accepts no writes; use the primary server, not a standby" in done.err


def test_primary_and_files_are_no_standby(engine: Engine) -> None:
    assert db.standby_note(engine) is None
