"""Faults at the drivers of the databases, in a process that is about to run the command.

A statement is what a driver sends: also COMMIT, each row of SQLite's `executemany`, each COPY.
"""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable

# Where psycopg sends something.
_SENDERS = (
    (psycopg.Cursor, "execute"),
    (psycopg.Cursor, "executemany"),
    (psycopg.Cursor, "copy"),
    (psycopg.Connection, "commit"),
)


def inflict(fault: str, number: int) -> None:
    """Prepare a fault; `number` is that of a statement, from 1, unless the fault's function says else."""
    _FAULTS[fault](number)


def _kill(number: int) -> None:
    """End the process, as `kill -9` does, before a statement."""
    _before(number, lambda _: os.kill(os.getpid(), signal.SIGKILL))


def _cut(number: int) -> None:
    """Let the server end the session that is about to send a statement."""

    def cut(connection: Any) -> None:
        with psycopg.connect(connection.info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))

    _before(number, cut)


def _limit_pages(pages: int) -> None:
    """Limit a SQLite file to a number of pages, as a full disk does."""

    @event.listens_for(sa.Engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")


def _wait_less(seconds: int) -> None:
    """Wait for another writer only so many seconds."""
    from archive.db import engine

    engine.LOCK_WAIT_SECONDS = seconds


def _set_clock_back(seconds: int) -> None:
    """Set the clock of the command back by so many seconds."""
    from archive import timestamps

    now = timestamps.now

    def earlier() -> str:
        moment = timestamps.to_datetime(now())
        return timestamps.from_datetime(moment - timedelta(seconds=seconds))

    timestamps.now = earlier


_FAULTS: dict[str, Callable[[int], None]] = {
    "nothing": lambda _: None,
    "kill": _kill,
    "cut": _cut,
    "pages": _limit_pages,
    "wait": _wait_less,
    "clock": _set_clock_back,
}


def _before(number: int, act: Callable[[Any], None]) -> None:
    """Call `act` once with the connection to a database, before its process sends a statement."""
    lock, sent = threading.Lock(), 0

    def count(connection: Any) -> None:
        nonlocal sent
        with lock:
            sent += 1
            is_due = sent == number
        if is_due:
            act(connection)

    @event.listens_for(sa.Engine, "connect")
    def trace(connection: Any, _record: object) -> None:
        if hasattr(connection, "set_trace_callback"):
            connection.set_trace_callback(lambda _: count(connection))

    for owner, name in _SENDERS:
        setattr(owner, name, _counted(getattr(owner, name), count))


def _counted(send: Any, count: Callable[[Any], None]) -> Any:
    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        count(self if isinstance(self, psycopg.Connection) else self.connection)
        return send(self, *arguments, **options)

    return counted
