"""Options that several verbs share.

Every verb finds the archive in the same order: the option, the environment, the configuration, the
default.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archive.masking import mask_text
from archive.text import without_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

    from archive.store.evidence_chain import Key

# The greatest integer of both databases.
GREATEST = 2**63 - 1
# Seconds after which a command that only reads gives up, so that none runs on unnoticed: PostgreSQL cannot
# clean up, nor SQLite shorten its WAL, as long as somebody reads an old state.
READ_SECONDS = 3600
# For verbs with an option to raise it.
TIME_LIMIT = 600


class Format(StrEnum):
    """Output formats of rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def from_anywhere(
    context: typer.Context, param: typer.CallbackParam, value: str | None
) -> str | None:
    """Accept an option before the verb too: `archive --database X VERB`.

    What follows the verb comes first; None if it is in neither place.
    """
    root = context.find_root()
    return root.params.get(str(param.name)) if value is None and root is not context else value


# Options are types: a verb has one by naming it, and its help is written once.
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        metavar="URL",
        help="The archive: postgresql://USER@HOST/NAME, sqlite:///PATH or the path of a SQLite file."
        " Default: $ARCHIVE_DATABASE_URL, then `database` in the configuration, then archive.db in"
        " the user's data directory.",
        callback=from_anywhere,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration file. Default: $ARCHIVE_CONFIG, then archive.toml in the user's"
        " configuration directory, then /etc/archive/archive.toml.",
        callback=from_anywhere,
    ),
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option(
        "--time-limit",
        metavar="TIME",
        help="Stop after this time; on PostgreSQL it limits each query of a report. Default:"
        " 10min.",
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show a traceback on errors.", hidden=True)
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="Output format.", case_sensitive=False)
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to this file. An existing file is replaced only when the new one is complete.",
        dir_okay=False,
    ),
]
AppliancesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--appliance",
        "-a",
        metavar="GLOB",
        help="Only appliances with this name or glob, or with !GLOB all others. Repeatable.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DAYS",
        help="First day: 2026-03-01, 2026-Q1, 2026-W05, 30d, 6mo, yesterday, 'last month', ...",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="DAYS", help="Last day, written like --since. For a month, its last day."
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Only appliances with this tag in the configuration. Repeatable: values of one tag are"
        " alternatives, different tags must all match.",
    ),
]
TypesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", help="Only jobs of this type, such as SCHEDULED. Repeatable."
    ),
]


def connect(database: str | None, config: str | None) -> Engine:
    """Return an engine for the archive, whether it exists or not.

    The configuration is read only if neither `--database` nor the environment names an archive.

    Raises ConfigurationError or DatabaseError for an unusable place. Nothing is opened yet.
    """
    from archive.db import migrate as databases

    # A broken configuration must not hinder a user who names the archive.
    if database is None and not os.environ.get(databases.VARIABLE):
        from archive.config import file

        path = file.find(config)
        database = file.database(path) if path else None
    engine = databases.connect(database)
    _use_evidence_key(engine, config)
    return engine


def _use_evidence_key(engine: Engine, config: str | None) -> None:
    """Make an engine use the configuration's key of evidence; it is read with the first link."""
    from archive.store import evidence_chain

    evidence_chain.use_key(engine, cache(lambda: evidence_key(config)))


def evidence_key(config: str | None) -> Key | None:
    """Return the key of evidence of the configuration; None without one. Raises ConfigurationError.

    A broken file that nobody has named has none: the user may have named the archive instead.
    """
    from archive.config import file
    from archive.store.evidence_chain import Key

    path = file.find(config)
    named = config is not None or bool(os.environ.get(file.VARIABLE))
    found = None if path is None else file.evidence_key(path, or_none=not named)
    return None if found is None else Key(found)


def open_archive(database: str | None, config: str | None) -> Engine:
    """Return an engine for an archive that exists and has the current schema. Raises SchemaError."""
    from archive.db import migrate as databases

    engine = connect(database, config)
    databases.require(engine)
    return engine


def open_reader(
    database: str | None, config: str | None, seconds: int | None = READ_SECONDS
) -> Engine:
    """Return an engine that only reads, for so many seconds, as `open_archive` does.

    SQLite's file is opened read-only. On a terminal it says how far a standby has come.

    Raises SchemaError; exceeding the limit raises TimeLimitError.
    """
    from archive import db
    from archive.db import migrate as databases

    engine = db.create_reader(connect(database, config).url, seconds=seconds)
    _use_evidence_key(engine, config)
    databases.require(engine)
    if sys.stderr is not None and sys.stderr.isatty() and (note := db.standby_note(engine)):
        say(note)
    return engine


@contextmanager
def within(name: str, seconds: int) -> Iterator[None]:
    """Say of a query or report that was stopped what its limit was. Raises TimeLimitError."""
    from archive.errors import TimeLimitError

    try:
        yield
    except TimeLimitError as error:
        raise TimeLimitError(
            f"{name} took longer than {seconds:,} s; limit it to fewer days or appliances, or raise"
            " --time-limit"
        ) from error


def examples(*lines: str) -> str:
    """Return the examples of a help text, one command line each."""
    # An empty line after each: typer joins the lines of a paragraph.
    return "Examples:\n\n" + "\n\n".join(f"  {line}" for line in lines)


def say(text: str) -> None:
    """Print a message on standard error, without passwords; only data goes to standard output.

    Names of files, and texts of servers, may contain control characters, which are escaped.
    """
    typer.echo(without_controls(mask_text(text)), err=True)
