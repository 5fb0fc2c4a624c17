"""Options that several verbs share, declared once."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# The greatest number that a database can compare with.
GREATEST = 2**63 - 1


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def _from_anywhere(
    context: typer.Context, param: typer.CallbackParam, value: str | None
) -> str | None:
    """Let `archive --database X VERB` mean the same as `archive VERB --database X`."""
    root = context.find_root()
    return root.params.get(str(param.name)) if value is None and root is not context else value


DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        metavar="URL",
        help="sqlite:///PATH, postgresql://USER@HOST/NAME or the path of a SQLite file. Else"
        " $ARCHIVE_DATABASE_URL, else what the configuration names, else a file in the user's data"
        " directory.",
        callback=_from_anywhere,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration. Else $ARCHIVE_CONFIG, else archive.toml in the user's"
        " configuration directory, else /etc/archive/archive.toml.",
        callback=_from_anywhere,
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show a traceback when something fails.", hidden=True)
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="How rows are written.", case_sensitive=False)
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file, whole or not at all.",
        dir_okay=False,
    ),
]
AppliancesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--appliance", "-a", metavar="GLOB", help="Only these appliances; may be given repeatedly."
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DAYS",
        help="First day: 2026-03-01, 2026-Q1, 2026-W05, 30d, yesterday, 'last month', ...",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="DAYS", help="Last day, as --since; of a month its last."),
]
TypesOption = Annotated[
    list[str] | None,
    typer.Option("--type", metavar="TYPE", help="Only jobs of this type, such as SCHEDULED."),
]


def connect(database: str | None, config: str | None) -> Engine:
    """Return an engine on the archive that is meant, whether it is there or not.

    The configuration is looked for only if neither `--database` nor the environment names one.
    """
    from archive.db import migrate as databases

    if database is None and not os.environ.get(databases.VARIABLE):
        from archive.config import file

        path = file.find(config)
        database = file.database(path) if path else None
    return databases.connect(database)


def open_archive(database: str | None, config: str | None) -> Engine:
    """Return an engine on an archive that exists and has the right schema."""
    from archive.db import migrate as databases

    engine = connect(database, config)
    databases.require(engine)
    return engine


def examples(*lines: str) -> str:
    """Return the part of a help text that shows how a verb is used."""
    return "Examples:\n\n" + "\n\n".join(f"  {line}" for line in lines)


def say(text: str) -> None:
    """Talk to the person at the terminal; data goes to standard output, talk does not."""
    typer.echo(text, err=True)
