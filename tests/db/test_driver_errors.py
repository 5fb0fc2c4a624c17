from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from archive import db
from archive.db import driver_errors, failed_connection, migrate
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

BUSY = "another process is writing to the archive"


@pytest.mark.parametrize(
    ("sqlstate", "said"),
    [
        ("08006", "the connection to the server failed"),
        ("25006", "the server accepts no writes"),
        ("25P03", "the server ended an idle transaction"),
        ("28000", "the server refused the user or the password"),
        ("28P01", "the server refused the user or the password"),
        ("3D000", "the server has no such database"),
        ("40001", "another process changed the same rows"),
        ("40P01", "another process changed the same rows"),
        ("42501", "permission denied; use the archive's owner"),
        ("42P01", "a table, view or column is missing"),
        ("42703", "a table, view or column is missing"),
        ("53100", "the disk is full; free some space"),
        ("53200", "there is not enough memory"),
        ("53300", "the server has no free connection"),
        ("55P03", BUSY),
        ("57014", "the server cancelled the statement"),
        ("57P01", "the server is starting or shutting down"),
        ("57P02", "the server is starting or shutting down"),
        ("57P03", "the server is starting or shutting down"),
        ("58030", "the disk failed"),
        ("22P02", "a value cannot be read; `archive db verify` names damaged values"),
        ("XX001", "the archive is damaged; restore it from a backup"),
        ("XX002", "the archive is damaged; restore it from a backup"),
    ],
)
def test_postgresql_errors_are_recognised_by_sqlstate(sqlstate: str, said: str) -> None:
    """The sentence depends on the code, whatever language the server uses."""
    engine = migrate.connect("postgresql://u@h/n")
    error = psycopg.errors.lookup(sqlstate)("FEHLER:  auf Deutsch\n\nKONTEXT:  nichts")
    sentence = driver_errors.explain(error, engine)
    assert sentence.startswith(f"postgresql://u@h/n: {said}")
    assert sentence.endswith("(FEHLER: auf Deutsch)")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_BUSY", BUSY),
        ("SQLITE_BUSY_SNAPSHOT", BUSY),
        ("SQLITE_LOCKED", BUSY),
        ("SQLITE_READONLY", "the archive is read-only for this user"),
        ("SQLITE_READONLY_DIRECTORY", "the archive is read-only for this user"),
        ("SQLITE_CANTOPEN_ISDIR", "the archive's file cannot be opened"),
        ("SQLITE_NOTADB", "the file is not an archive; check --database"),
        ("SQLITE_CORRUPT_INDEX", "the archive is damaged; restore it from a backup"),
        ("SQLITE_FULL", "the disk is full; free some space"),
        ("SQLITE_IOERR_WRITE", "the disk failed"),
        ("SQLITE_NOMEM", "there is not enough memory"),
        ("SQLITE_PROTOCOL", BUSY),
        ("SQLITE_ERROR", "a table or view is missing, or a value is damaged"),
        ("", "a value cannot be read; `archive db verify` names damaged values"),
    ],
)
def test_sqlite_errors_are_recognised_by_extended_code(name: str, said: str) -> None:
    """The sentence depends on the extended code, or on its primary code."""
    error = sqlite3.OperationalError("any words")
    error.sqlite_errorname = name
    sentence = driver_errors.explain(error, migrate.connect("a.db"))
    assert sentence.startswith(f"a.db: {said}")
    assert sentence.endswith("(any words)")


@pytest.mark.parametrize(
    "error", [psycopg.errors.UniqueViolation("doppelt"), ValueError("doppelt")]
)
def test_other_errors_keep_the_message_of_the_database(error: Exception) -> None:
    """Unforeseen errors get no advice."""
    engine = migrate.connect("postgresql://u@h/n")
    said = "postgresql://u@h/n: the database reports an error: doppelt"
    assert driver_errors.explain(error, engine) == said


def sentence_for(url: sa.URL) -> str:
    """Return the error for a database that cannot be reached."""
    with pytest.raises(DatabaseError) as raised, db.reading(db.create_engine(url)):
        pass
    return str(raised.value)


def test_refused_connections_are_recognised_by_sqlstate(postgresql_archive: Engine) -> None:
    """The driver has no code for them, so the server is asked once more."""
    url = postgresql_archive.url
    with db.writing(postgresql_archive) as connection:
        connection.exec_driver_sql("CREATE ROLE nobodys LOGIN CONNECTION LIMIT 0")
    try:
        assert "the server has no such database" in sentence_for(url.set(database="nowhere"))
        assert "refused the user or the password" in sentence_for(url.set(username="nobody"))
        assert "has no free connection" in sentence_for(url.set(username="nobodys"))
    finally:
        with db.writing(postgresql_archive) as connection:
            connection.exec_driver_sql("DROP ROLE nobodys")


def test_unreachable_servers(tmp_path: Path) -> None:
    """A name that does not resolve and an address without a server are different errors."""
    url = sa.make_url("postgresql://u@h/n")
    assert "cannot be resolved" in sentence_for(url.set(host="nowhere.invalid"))
    for host in ("127.0.0.1", str(tmp_path)):
        assert "no server answers at this address" in sentence_for(url.set(host=host, port=1))
    timeout = psycopg.errors.ConnectionTimeout("connection timeout expired")
    engine = db.create_engine(url)
    assert "the server does not answer" in driver_errors.explain(timeout, engine)


def test_server_behind_a_firewall(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without any answer is a timeout."""

    def wait(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", wait)
    assert failed_connection._network_error("h", "1") == failed_connection.TIMEOUT


def test_lost_connection(postgresql_archive: Engine) -> None:
    """A connection that the server ends is an error; a new one works."""
    with pytest.raises(DatabaseError, match="the server is starting or shutting down"):  # noqa: SIM117 - the first takes what the second raises
        with db.reading(postgresql_archive) as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    lost = psycopg.OperationalError("consuming input failed")
    said = driver_errors.explain(lost, postgresql_archive)
    assert "the connection to the server failed; run the command again" in said


def test_permission_denied_names_the_table(postgresql_archive: Engine) -> None:
    """The error has the table's name, in the words of the server."""
    with db.writing(postgresql_archive) as connection:
        connection.exec_driver_sql("CREATE ROLE poor LOGIN")
    try:
        poor = db.create_engine(postgresql_archive.url.set(username="poor"))
        with pytest.raises(DatabaseError, match="permission denied; use the archive's owner") as no:  # noqa: SIM117 - the first takes what the second raises
            with db.reading(poor) as connection:
                connection.exec_driver_sql("SELECT * FROM job")
        assert str(no.value).endswith("(permission denied for table job)")
    finally:
        with db.writing(postgresql_archive) as connection:
            connection.exec_driver_sql("DROP ROLE poor")


def test_statement_timeout(postgresql_archive: Engine) -> None:
    """A statement that the server cancels has its own sentence."""
    slow = db.create_engine(
        postgresql_archive.url.set(query={"options": "-c statement_timeout=50"})
    )
    with pytest.raises(DatabaseError, match="statement_timeout may be too short"):  # noqa: SIM117 - the first takes what the second raises
        with db.reading(slow) as connection:
            connection.exec_driver_sql("SELECT pg_sleep(5)")
