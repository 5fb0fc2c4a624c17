"""Where a configuration says that the archive is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.config.values import text
from archive.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path


def database(value: Any, folder: Path, unsafe: str | None) -> str:
    """Return what `--database` would take; a relative path of a SQLite file begins at `folder`.

    `unsafe` is why the configuration may hold no secret, if it may not. Raises ValueError.
    """
    from archive import db

    written = text(value)
    try:
        url = db.parse_url(written)
    except DatabaseError as error:
        raise ValueError(str(error)) from error
    if unsafe and db.has_password(url):
        raise ValueError(f"it has a password in it, but {unsafe}")
    path = db.sqlite_file(url)
    if path is None:
        return written
    absolute = str(folder / path.expanduser())
    if not url.query:
        return absolute
    return url.set(database=absolute).render_as_string(hide_password=False)
