"""Where an archive is: URLs of databases, and paths of files."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from archive.errors import DatabaseError


def parse_url(text: str) -> URL:
    """Return the database URL of `--database`: a URL, or the path of a SQLite file.

    Raises DatabaseError for anything that is neither.
    """
    if text in ("", ":memory:"):
        raise DatabaseError(_WHICH_URL)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(_WHICH_URL) from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise DatabaseError(_WHICH_URL)
    if url.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise DatabaseError(_WHICH_URL)  # in memory, it would be gone with the command
    if "@" in (url.host or ""):
        raise DatabaseError("the URL of the database has an @ in its password; write it as %40")
    return url


def shown(url: URL) -> str:
    """Return a URL as it may be shown: without its password, wherever that stands in it."""
    return url.difference_update_query(_passwords(url)).render_as_string(hide_password=True)


def has_password(url: URL) -> bool:
    """Say whether there is a password in a URL, wherever that stands in it."""
    return url.password is not None or bool(_passwords(url))


def _passwords(url: URL) -> list[str]:
    return [name for name in url.query if "password" in name.lower()]


_WHICH_URL = (
    "the database must be given as sqlite:///PATH, as postgresql://USER@HOST/NAME, "
    "or as the path of a SQLite file"
)


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))
