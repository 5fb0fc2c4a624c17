"""Database URLs and the paths of SQLite files."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from archive.errors import DatabaseError

_FORMS = "use postgresql://USER@HOST/NAME, sqlite:///PATH or the path of a SQLite file"
_INVALID = f"invalid database: {_FORMS}"
# SQLAlchemy's name for psycopg 3.
_POSTGRESQL = "postgresql+psycopg"
# How a URL begins; the name of a file may have a colon, too.
_SCHEME = re.compile(r"([a-z][a-z0-9+]*):", re.IGNORECASE)
# `host=... dbname=...`: libpq's own form. A path that begins like that is written `./host=...`.
_KEY_VALUE = re.compile(
    r"(?:host|hostaddr|port|dbname|user|password|passfile|service|servicefile|connect_timeout|options"
    r"|application_name|client_encoding|target_session_attrs|ssl\w*|gss\w*|krbsrvname|keepalives\w*)"
    r"\s*=",
)
_NO_KEY_VALUES = f"invalid database: not a connection string of the form KEY=VALUE ...; {_FORMS}"
# What psql or another program takes as an address, and nobody as the name of a file.
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|[\w.-]+:\d{2,5}")
# A name that ends so is a file, even if it looks like an address.
_FILE_NAME = re.compile(r"\.(?:db\d?|sqlite\d?|sdb)$", re.IGNORECASE)
# Parameters of psycopg that no text can express, or that the archive sets itself.
_RESERVED = ("autocommit", "client_encoding", "context", "cursor_factory", "row_factory")
# Statements that psycopg runs this often are prepared on the server: none by default, because a pooler in
# transaction mode may send the next transaction to a session that does not know them.
THRESHOLD = "prepare_threshold"


def parse_url(text: str) -> URL:
    """Return the URL for `--database`: a URL, libpq's `host=... dbname=...`, or the path of a SQLite file.

    White space and quotes around it are left out, as they come from files and shell scripts. Raises
    DatabaseError for anything else; what looks like another form of an address is not taken for a path.

    The driver of a PostgreSQL URL is always psycopg. No file is opened and no name resolved.
    """
    text = text.strip()
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        text = text[1:-1].strip()
    if text in ("", ":memory:"):
        raise DatabaseError(_INVALID)
    if "://" in text:
        return _of_url(text)
    if _KEY_VALUE.match(text):
        return _of_key_values(text)
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower().startswith(("postgres", "sqlite", "jdbc", "file", "pgsql")):
        raise DatabaseError(_INVALID)
    first = re.split(r"[/\\]", text)[0]
    if _ADDRESS.fullmatch(first) and not _FILE_NAME.search(text):
        raise DatabaseError(f"{_INVALID}; for a file of this name write ./ before it")
    return URL.create("sqlite", database=text)


def _of_url(text: str) -> URL:
    """Return the URL of a text with `://`. Raises DatabaseError, without the password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        if re.match(r"postgres\w*(\+\w+)?://[^/]*,", text):
            raise DatabaseError(
                "invalid database URL: write several hosts as"
                " postgresql://USER@/NAME?host=HOST1:PORT&host=HOST2:PORT"
            ) from error
        raise DatabaseError(_INVALID) from error
    backend, _, driver = url.drivername.lower().partition("+")
    if backend in ("postgres", "postgresql") and driver not in ("", "psycopg"):
        raise DatabaseError(
            f"invalid database: the driver {driver} is not supported: write postgresql:// without it"
        )
    if backend in ("postgres", "postgresql"):
        return _checked(url.set(drivername=_POSTGRESQL))
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or sqlite_file(url) is None:
        raise DatabaseError(_INVALID)  # a SQLite database in memory would end with the command
    if url.query:
        raise DatabaseError(
            "invalid database URL: SQLite takes no parameters: leave out ? and the rest"
        )
    return url


def _of_key_values(text: str) -> URL:
    """Return the URL of libpq's form; what SQLAlchemy has no place for becomes a parameter of the URL."""
    # The driver is loaded only for this form.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        values = {name: str(value) for name, value in conninfo_to_dict(text).items()}
    except ProgrammingError:  # its text quotes the values
        raise DatabaseError(_NO_KEY_VALUES) from None
    url = URL.create(_POSTGRESQL, values.pop("user", None), database=values.pop("dbname", None))
    if url.username is not None:  # SQLAlchemy renders no password without a user
        url = url.set(password=values.pop("password", None))
    host, port = values.get("host", ""), values.get("port", "")
    if host and not host.startswith("/") and "," not in host and (not port or port.isdecimal()):
        url = url.set(host=host, port=int(port) if port else None)
        values = {name: value for name, value in values.items() if name not in ("host", "port")}
    return _checked(url.set(query=values))


def _checked(url: URL) -> URL:
    """Return a URL of PostgreSQL. Raises DatabaseError for parameters that the archive sets itself."""
    if "@" in (url.host or ""):
        raise DatabaseError("invalid database URL: its password has an @: write it as %40")
    for name in _RESERVED:
        if name in url.query:
            raise DatabaseError(f"invalid database URL: leave out the parameter {name}")
    prepare_threshold(url)
    return url


def prepare_threshold(url: URL) -> int | None:
    """Return after how many runs a statement is prepared on the server; None: never.

    Raises DatabaseError for anything but a whole number or `None`.
    """
    value = url.query.get(THRESHOLD)
    if value is None or value == "None":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise DatabaseError(f"invalid database URL: {THRESHOLD} is not a whole number")
    return int(value)


def shown(url: URL) -> str:
    """Return a URL as text, as users write it, without passwords, wherever they are in it."""
    plain = url.set(drivername=url.get_backend_name()).difference_update_query(_passwords(url))
    return plain.render_as_string(hide_password=True)


def has_password(url: URL) -> bool:
    """Whether there is a password anywhere in a URL.

    libpq takes `password` and `sslpassword` as parameters, too.
    """
    return url.password is not None or bool(_passwords(url))


def _passwords(url: URL) -> list[str]:
    """Return the names of the parameters that are passwords."""
    return [name for name in url.query if "password" in name.lower()]


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))
