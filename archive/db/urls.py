"""Database URLs and the paths of SQLite files."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from archive.errors import DatabaseError


def parse_url(text: str) -> URL:
    """Return the URL for `--database`, which is a URL or the path of a SQLite file.

    Raises DatabaseError for anything else.
    """
    if text in ("", ":memory:"):
        raise DatabaseError(_INVALID)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(_INVALID) from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise DatabaseError(_INVALID)
    if url.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise DatabaseError(_INVALID)  # a database in memory would end with the command
    if "@" in (url.host or ""):
        raise DatabaseError("invalid database URL: its password has an @: write it as %40")
    return url


def shown(url: URL) -> str:
    """Return a URL as text, as users write it, without passwords, wherever they are in it."""
    plain = url.set(drivername=url.get_backend_name()).difference_update_query(_passwords(url))
    return plain.render_as_string(hide_password=True)


def has_password(url: URL) -> bool:
    """Whether there is a password anywhere in a URL."""
    return url.password is not None or bool(_passwords(url))


def _passwords(url: URL) -> list[str]:
    return [name for name in url.query if "password" in name.lower()]


_INVALID = (
    "invalid database: use postgresql://USER@HOST/NAME, sqlite:///PATH or the path of a SQLite file"
)


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))
