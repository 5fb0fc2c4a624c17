"""Opening an archive: where it is, which schema it has, and bringing that up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection, Engine

# Oldest first. The last one is the schema that this version of the command reads and writes.
REVISIONS = ("0001",)
HEAD = REVISIONS[-1]
# How Alembic compares what is there with `tables`. Comments are no part of the schema: `upgrade` writes
# them, whether there is a migration or not.
COMPARED: dict[str, Any] = {
    "compare_type": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
}
# Of the environment: the database that is meant where none is named.
VARIABLE = "ARCHIVE_DATABASE_URL"


def folder(name: str) -> Path:
    """Return a folder shipped with the package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def default_file() -> Path:
    """Return the SQLite file that is used when no database is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("archive", appauthor=False)) / "archive.db"


def connect(database: str | None = None) -> Engine:
    """Return an engine for a URL or SQLite path; None means the environment's, else the default."""
    if database is None:
        database = os.environ.get(VARIABLE) or str(default_file())
    return db.create_engine(db.parse_url(database))


def describe(engine: Engine) -> str:
    """Return the archive's place as it may be shown: a path or a URL without its password."""
    path = db.sqlite_file(engine.url)
    return str(path) if path else db.shown(engine.url)


def current(engine: Engine) -> str | None:
    """Return the revision of the archive's schema, or None if there is no archive yet."""
    path = db.sqlite_file(engine.url)
    if path is not None and not path.exists():
        return None
    with db.reading(engine) as connection:
        return revision(connection)


def revision(connection: Connection) -> str | None:
    """Return the schema revision that a connection sees."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def require(engine: Engine) -> None:
    """Raise SchemaError, with the command to run, unless the schema is this command's own."""
    found = current(engine)
    place = describe(engine)
    if found is None:
        raise SchemaError(
            f"there is no archive at {place}; `archive db upgrade` creates it"
            " (on SQLite the first `archive ingest` does, too)"
        )
    if found not in REVISIONS:
        raise SchemaError(
            f"the archive at {place} has schema {found}, made by a newer version of archive than"
            f" this one (which knows {HEAD}); install that version here, too"
        )
    if found != HEAD:
        raise SchemaError(
            f"the archive at {place} has schema {found} and this version needs {HEAD};"
            " run `archive db upgrade`"
        )


def prepare(engine: Engine) -> None:
    """Make sure that the archive can be written: on SQLite it is created if it is not there."""
    path = db.sqlite_file(engine.url)
    if path is not None and (not path.exists() or _is_blank(engine)):
        upgrade(engine)
    else:
        require(engine)


def _is_blank(engine: Engine) -> bool:
    """Say whether nothing is in a database: not even another process has got further yet."""
    with db.reading(engine) as connection:
        return not sa.inspect(connection).get_table_names()


def upgrade(engine: Engine, target: str = "head") -> None:
    """Create the archive or bring its schema to a revision, in one transaction.

    Comments are brought up to date in either case; no migration has to follow their wording. Raises
    SchemaError if the archive is newer than this command.
    """
    from alembic import command

    from archive.db import comments

    found = current(engine)
    if found is not None and found not in REVISIONS:
        require(engine)
    db.prepare_file(engine)
    with db.writing(engine) as connection:
        db.require_utf8(connection)
        db.lock(connection, ["schema"])
        command.upgrade(alembic_config(connection), target)
        db.comment(connection, comments.comments())


def downgrade(engine: Engine, target: str) -> None:
    """Take the schema back to an older revision, in one transaction."""
    from alembic import command

    with db.writing(engine) as connection:
        command.downgrade(alembic_config(connection), target)


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the shipped migrations on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
