"""Find an archive, check its schema, and upgrade it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import foreign_tables, tables
from archive.db.foreign_tables import VERSION_TABLE
from archive.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import Connection, Engine

# Oldest first. The last one is the schema of this version.
REVISIONS = ("0001",)
HEAD = REVISIONS[-1]
# Options of Alembic's comparison of a database with `tables`. Comments are left out: `upgrade` writes
# them without a migration.
COMPARED: dict[str, Any] = {
    "compare_type": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
    # Its own, since another program beside it may use Alembic, too.
    "version_table": VERSION_TABLE,
    "include_name": lambda name, kind, _: kind != "table" or name in tables.metadata.tables,
}
# Environment variable with the default database.
VARIABLE = "ARCHIVE_DATABASE_URL"


def folder(name: str) -> Path:
    """Return a folder of the package: inside it when installed, beside it in a checkout.

    `name` is `migrations` or `sql`. The wheel has both inside the package.
    """
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def default_file() -> Path:
    """Return the SQLite file used by default.

    On Linux it is `~/.local/share/archive/archive.db`, or below `$XDG_DATA_HOME`.
    """
    import platformdirs

    return Path(platformdirs.user_data_dir("archive", appauthor=False)) / "archive.db"


def connect(database: str | None = None) -> Engine:
    """Return an engine for a URL or SQLite path. Default: $ARCHIVE_DATABASE_URL, then the default file.

    Nothing is opened yet. Raises DatabaseError for an invalid URL.
    """
    if database is None:
        database = os.environ.get(VARIABLE) or str(default_file())
    return db.create_engine(db.parse_url(database))


def describe(engine: Engine) -> str:
    """Return the archive's path, or its URL without the password."""
    path = db.sqlite_file(engine.url)
    return str(path) if path else db.shown(engine.url)


def current(engine: Engine) -> str | None:
    """Return the schema revision of the archive; None if there is no archive.

    A revision of a later version of the command is returned, too. Nothing is created by asking.
    """
    path = db.sqlite_file(engine.url)
    if path is not None and not path.exists():
        return None
    with db.reading(engine) as connection:
        return revision(connection)


def revision(connection: Connection) -> str | None:
    """Return the schema revision that a connection sees; None if there is no archive."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant


def size(engine: Engine) -> int:
    """Return the number of jobs, by which the time of an upgrade grows; any schema has them."""
    with db.reading(engine) as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM job")).scalar_one())


def require(engine: Engine) -> None:
    """Raise SchemaError, with the command to run, unless the schema is this version's.

    A SQLite file without an archive is not created. Raises DatabaseError, too, if it cannot be
    read.
    """
    found = current(engine)
    place = describe(engine)
    if found is None:
        foreign_tables.refuse(engine, place)
        raise SchemaError(
            f"no archive at {place}: create it with `archive db upgrade` (a SQLite archive is also"
            " created by the first `archive ingest` or `archive collect`)"
        )
    if found not in REVISIONS:
        raise SchemaError(
            f"the archive at {place} has schema {found} of a newer version; this version supports"
            f" {HEAD}: upgrade the archive command on this machine"
        )
    if found != HEAD:
        raise SchemaError(
            f"the archive at {place} has schema {found}, but this version needs {HEAD}: run"
            " `archive db upgrade`"
        )


def prepare(engine: Engine) -> None:
    """Create a SQLite archive if it does not exist; then, or on PostgreSQL, check the schema."""
    if db.sqlite_file(engine.url) is not None and current(engine) is None:
        upgrade(engine)
    else:
        require(engine)


def upgrade(engine: Engine, target: str = "head", *, beside_others: bool = False) -> None:
    """Create the archive or upgrade its schema to a revision, in one transaction.

    Comments are always updated, so that their wording needs no migrations, and roles that were given
    rights get them for what is new; new tables of a distributed archive are distributed. Raises SchemaError, with
    nothing changed, if the archive is newer than this version, or if there is no archive yet, but
    tables of another program; `beside_others` allows those.

    On PostgreSQL two upgrades wait for each other; a table in use is waited for as long as
    `LOCK_WAIT_SECONDS`.
    """
    from archive.db import comments, roles

    found = current(engine)
    if found is None:
        foreign_tables.refuse(engine, describe(engine), allowed=beside_others)
    elif found not in REVISIONS:
        require(engine)
    db.prepare_file(engine)
    with db.writing(engine) as connection:
        db.require_utf8(connection)
        db.lock_schema(connection)
        given = roles.given(connection)
        if found is None:
            foreign_tables.mark(connection)
        run(connection, target)
        if db.is_distributed(connection):
            from archive.db.distributed.distribute import place_tables
            from archive.db.distributed.views import avoid_recursion

            place_tables(connection)
            avoid_recursion(connection)
        db.comment(connection, comments.comments())
        roles.give_again(connection, given)


def run(connection: Connection, target: str = "head") -> None:
    """Run the migrations up to a revision, in the caller's transaction."""
    from alembic import command

    command.upgrade(alembic_config(connection), target)


@contextmanager
def new_and_empty(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees a new archive in PostgreSQL's temporary schema; it is gone at the end."""
    with db.writing(engine) as connection:
        # What is created goes into the first schema of the path.
        connection.exec_driver_sql("SET LOCAL search_path TO pg_temp")
        run(connection)
        yield connection
        connection.rollback()


@contextmanager
def new_in_memory() -> Iterator[Connection]:
    """Yield a connection to a new, empty archive on SQLite, which has no file and is gone at the end."""
    with sa.create_engine("sqlite://", poolclass=sa.NullPool).begin() as connection:
        run(connection)
        yield connection


def downgrade(engine: Engine, target: str) -> None:
    """Downgrade the schema to an older revision, in one transaction.

    `base` removes everything, and the data with it.
    """
    from alembic import command

    with db.writing(engine) as connection:
        command.downgrade(alembic_config(connection), target)


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the package's migrations on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
