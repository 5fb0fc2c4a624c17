"""`archive import`: list imports, and undo one.

The list is that of `archive log imports`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from archive.cli import log
from archive.cli.options import (
    GREATEST,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    examples,
    open_archive,
    say,
)
from archive.text import counted

app = typer.Typer(no_args_is_help=True, help="List imports, and undo one.")
app.command("list", epilog=examples("archive import list", "archive import list --limit 0"))(
    log.list_imports
)


@app.command("undo", epilog=examples("archive import undo 57", "archive import undo 57 --yes"))
def undo(
    number: Annotated[
        int,
        typer.Argument(
            min=1, max=GREATEST, help="Number of an import, as in `archive import list`."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Take back what an import alone brought, for example under a wrong appliance.

    Jobs that later imports brought, too, stay. An import that replaced the documents of older jobs
    cannot be undone.
    """
    from archive.maintenance import undo_import

    engine = open_archive(database, config)
    # Deleted jobs come back only if they are imported again.
    if not yes:
        typer.confirm(f"Undo import {number}?", abort=True, err=True)
    undone = undo_import.undo(engine, number)
    parts = [f"{counted(undone.jobs, 'job')} deleted"]
    if undone.kept:
        parts.append(f"{counted(undone.kept, 'job')} kept, since later imports brought them, too")
    if undone.quarantined:
        parts.append(f"{counted(undone.quarantined, 'document')} removed from quarantine")
    say(f"Import {number} is undone: {'; '.join(parts)}.")
