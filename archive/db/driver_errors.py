"""Sentences for the errors of database drivers: what is wrong, and what to do about it.

Errors are recognised by their codes: the SQLSTATE of PostgreSQL, which its manual lists in appendix A,
and SQLite's extended result codes. Messages are in the language of the server, so none is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db import failed_connection
from archive.db.urls import shown, sqlite_file
from archive.errors import DatabaseError, TimeLimitError
from archive.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

# Sentences that several codes share: the problem, then the action.
_BUSY = "another process is writing to the archive; run the command again when it has finished"
_CONFLICT = "another process changed the same rows; run the command again"
_DAMAGED = "the archive is damaged; restore it from a backup"
_DAMAGED_VALUE = "a value cannot be read; `archive db verify` names damaged values"
_DISK_FAILED = "the disk failed; see the system's log"
_DISK_FULL = "the disk is full; free some space, then run the command again"
_MEMORY = "there is not enough memory; run the command again when less is running"
_LOST = "the connection to the server failed; run the command again"
_SHUT_DOWN = "the server is starting or shutting down; run the command again later"
_USER = "the server refused the user or the password; check them and the server's pg_hba.conf"
_INCOMPLETE = "a table, view or column is missing; check --database, then run `archive db verify`"

# Stands for an error of a driver about a value that it cannot read; it has no code.
_UNDECODED = "undecoded"
# By the code, or by the part of it that stands for a whole class.
_SENTENCES = {
    "SQLITE_INTERRUPT": "the query took longer than it may; limit it to fewer days or appliances",
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_PROTOCOL": _BUSY,
    "SQLITE_READONLY": (
        "the archive is read-only for this user; check the permissions of its file and folder"
    ),
    "SQLITE_CANTOPEN": "the archive's file cannot be opened; check its path and permissions",
    "SQLITE_NOTADB": "the file is not an archive; check --database",
    "SQLITE_CORRUPT": _DAMAGED,
    # Of the archive's own SQL, which is right if all tables and values are.
    "SQLITE_ERROR": (
        "a table or view is missing, or a value is damaged; check --database, then run"
        " `archive db verify`"
    ),
    _UNDECODED: _DAMAGED_VALUE,
    "SQLITE_FULL": _DISK_FULL,
    "SQLITE_IOERR": _DISK_FAILED,
    "SQLITE_NOMEM": _MEMORY,
    "08": _LOST,
    failed_connection.LOST: _LOST,
    "22": _DAMAGED_VALUE,
    "25006": "the server accepts no writes; use the primary server, not a standby",
    "25P03": "the server ended an idle transaction; run the command again",
    "28": _USER,
    "3D000": "the server has no such database; create it, or check --database",
    "40": _CONFLICT,
    "42501": (
        "permission denied; use the archive's owner, or for reports a member of a role that"
        " `archive db role` made"
    ),
    "42P01": _INCOMPLETE,
    "42703": _INCOMPLETE,
    "53100": _DISK_FULL,
    "53200": _MEMORY,
    "53300": "the server has no free connection; run the command again later",
    "55P03": _BUSY,
    "57014": "the server cancelled the statement; its statement_timeout may be too short",
    "57P01": _SHUT_DOWN,
    "57P02": _SHUT_DOWN,
    "57P03": _SHUT_DOWN,
    "58030": _DISK_FAILED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    failed_connection.REFUSED: "no server answers at this address; check that PostgreSQL is running",
    failed_connection.UNKNOWN_HOST: "the server's name cannot be resolved; check --database",
    failed_connection.TIMEOUT: "the server does not answer; check the network, then try again",
}


# Of a statement that was cancelled; PostgreSQL has one code for a limit and for a cancellation by hand.
_CANCELLED = {"SQLITE_INTERRUPT", "57014"}


def failure(error: BaseException, engine: Engine) -> DatabaseError:
    """Return the error to raise for one that a driver raised: a TimeLimitError if a limit was exceeded."""
    kind = DatabaseError if _CANCELLED.isdisjoint(codes(error, engine)) else TimeLimitError
    return kind(explain(error, engine))


def explain(error: BaseException, engine: Engine) -> str:
    """Return a sentence about an error that a driver raised: the archive, the problem, the action.

    The driver's message follows in parentheses, as one line and without passwords. An error without
    a known code is passed on as the driver words it.
    """
    place = sqlite_file(engine.url) or shown(engine.url)
    cause = mask_text(message(error))
    sentence = next((_SENTENCES[code] for code in codes(error, engine) if code in _SENTENCES), None)
    if sentence is None:
        return f"{place}: the database reports an error: {cause}"
    return f"{place}: {sentence} ({cause})"


def message(error: BaseException) -> str:
    """Return a driver's message as one line; PostgreSQL's detail and context, which quote rows, are left out."""
    primary: str | None = getattr(getattr(error, "diag", None), "message_primary", None)
    return " ".join((primary or str(error).split("\n\n")[0]).split())


def codes(error: BaseException, engine: Engine) -> Iterator[str]:
    """Yield the error's code, then the codes of the classes it belongs to."""
    sqlite: str = getattr(error, "sqlite_errorname", "")
    if sqlite:
        yield sqlite
        yield "_".join(sqlite.split("_")[:2])
        return
    if engine.dialect.name == "sqlite" and type(error).__name__ == "OperationalError":
        yield _UNDECODED
    if (
        type(error).__name__ == "DataError"
    ):  # of psycopg itself, for a time that Python does not have
        yield _UNDECODED
    sqlstate: str | None = getattr(error, "sqlstate", None)
    if sqlstate is None and engine.dialect.name == "postgresql":
        sqlstate = failed_connection.code(error, engine)
    if sqlstate is not None:
        yield sqlstate
        yield sqlstate[:2]
