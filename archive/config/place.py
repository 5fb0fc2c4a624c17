"""The key `database` of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.config.values import text
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path


def database(value: Any, folder: Path, unsafe: str | None) -> str:
    """Return the database in the form of `--database`; a relative SQLite path starts at `folder`.

    `unsafe` is why the configuration must not contain secrets, None if it may. Raises ValueError.

    `~` stands for the home directory. A URL of PostgreSQL is returned as written, not masked.
    """
    from archive import db

    written = text(value)
    try:
        url = db.parse_url(written)
    except DatabaseError as error:
        raise ValueError(str(error)) from error
    if unsafe and db.has_password(url):
        raise ValueError(f"contains a password, but {unsafe}")
    path = db.sqlite_file(url)
    if path is None:
        return written
    return str(folder / path.expanduser())
