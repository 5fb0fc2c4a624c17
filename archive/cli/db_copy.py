"""`archive db copy` and `archive db backup`.

A copy goes into another database of either kind, row by row. A backup is a copy of a SQLite file,
page by page, and is refused for PostgreSQL, which has tools of its own for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    examples,
    open_archive,
    say,
)
from archive.text import counted

COPY_EPILOG = examples(
    "archive db copy --to postgresql://archive@db.example.com/archive",
    "archive db copy -d postgresql://archive@db.example.com/archive --to archive.db",
)
BACKUP_EPILOG = examples("archive db backup /backup/archive.db")


def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="The copy, in the form of --database. It must be empty or new.",
        ),
    ],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Copy everything into another database, for example from SQLite to PostgreSQL.

    Every row is compared with the original before the copy is committed. After an interruption there
    is no copy: run the command again.
    """
    from archive.db import migrate as databases
    from archive.maintenance import copy_archive
    from archive.render.progress import progress

    engine, target = open_archive(database, config), databases.connect(to)
    with progress("Copying", 1) as advance:
        found = copy_archive.copy_archive(
            engine, target, lambda done, of: advance(done / of if of else 1)
        )
    rows = sum(content.rows for content in found.values())
    say(
        f"{databases.describe(target)} is a copy of {databases.describe(engine)}:"
        f" {counted(rows, 'row')} in {counted(len(found), 'table')}, all verified."
    )


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The backup. An existing file is replaced when the new one is complete.",
            dir_okay=False,
        ),
    ],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Back up a SQLite archive into a file, also while others use it. To restore it, copy it back."""
    from archive.db import migrate as databases
    from archive.db.backup import back_up
    from archive.render.progress import progress

    engine = open_archive(database, config)
    with progress("Backing up", 1) as advance:
        back_up(engine, file, lambda done, of: advance(done / of))
    say(f"{file} is a backup of {databases.describe(engine)}.")
