"""`archive quarantine`: documents that could not be archived as jobs.

A document keeps its number until it is archived. It is shown byte by byte as it came, passwords
included.
"""

from __future__ import annotations

from typing import Annotated

import typer

from archive.cli import PARTIAL
from archive.cli.options import (
    GREATEST,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    examples,
    open_archive,
    open_reader,
    say,
)
from archive.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="List, show and retry documents that could not be archived as jobs."
)


@app.command("list", epilog=examples("archive quarantine list"))
def list_held(
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """List the documents in quarantine, with the reasons."""
    from archive import db
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.render.write import write
    from archive.store import quarantine, settings

    columns = (
        Column("number", Kind.COUNT),
        Column("appliance"),
        Column("key", expendable=3),
        Column("position", expendable=8),
        Column("reason"),
        Column("document_bytes", Kind.BYTES, expendable=7),
        Column("first_seen", Kind.INSTANT, expendable=6),
        Column("last_seen", Kind.INSTANT, expendable=5),
    )
    with db.reading(open_reader(database, config)) as connection:
        rows = quarantine.entries(connection)
        zone = settings.calendar(connection).zone
    with open_output(output) as out:
        write(columns, rows, output_format, out, zone)
    if not rows:
        say("No documents in quarantine.")


@app.command("show", epilog=examples("archive quarantine show 1"))
def show_held(
    number: Annotated[
        int,
        typer.Argument(
            min=1, max=GREATEST, help="Number of a document, as in `archive quarantine list`."
        ),
    ],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Print a document exactly as imported; the reason goes to stderr.

    On a terminal, control characters are escaped.
    """
    from archive import db
    from archive.cli.output import open_output
    from archive.store import quarantine
    from archive.text import without_controls

    with db.reading(open_reader(database, config)) as connection:
        held = next(iter(quarantine.held(connection, [number])), None)
    if held is None:
        raise UsageError(f"no document {number} in quarantine: see `archive quarantine list`")
    with open_output(None) as out:
        if out.isatty():
            text = held.document.decode("utf-8", "backslashreplace")
            out.write(f"{without_controls(text)}\n")
        else:
            # The document is bytes, which need not be text; what was written as text must come
            # before it.
            out.flush()
            out.buffer.write(held.document + b"\n")
    say(f"{held.position}: {held.reason}")


@app.command("retry", epilog=examples("archive quarantine retry", "archive quarantine retry 1 4"))
def retry_held(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(min=1, max=GREATEST, help="Numbers of documents. Default: all."),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Try to archive documents again, for example after an upgrade.

    Exit code 3: some documents stay in quarantine.
    """
    from archive.ingest import retry_quarantine

    counts = retry_quarantine.retry(open_archive(database, config), numbers or []).counts
    typer.echo(f"{counts.seen:,} archived, {counts.quarantined:,} still in quarantine")
    raise typer.Exit(PARTIAL if counts.quarantined else 0)
