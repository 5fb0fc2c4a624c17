"""`archive export`: the whole archive, for spreadsheets and for other archives."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    examples,
    open_archive,
    say,
)
from archive.errors import ArchiveError

app = typer.Typer(no_args_is_help=True, help="Export the whole archive.")


@app.command("csv", epilog=examples("archive export csv archive-tables"))
def export_csv(
    directory: Annotated[
        Path, typer.Argument(file_okay=False, help="Where the files go; made if it is not there.")
    ],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write one CSV file a table (RFC 4180, UTC, exact bytes and seconds), for spreadsheets.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, and a password
    in a URL is hidden; `archive export jsonl` changes nothing.
    """
    from archive import dialects, export
    from archive.cli.output import open_output
    from archive.columns import Column
    from archive.render.write import write

    engine = open_archive(database, config)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"{directory}: it cannot be made: {error.strerror}") from error
    names = export.table_names()
    # Each file replaces its older self when all of them have been written.
    with dialects.reading(engine) as connection, ExitStack() as files:
        for name in names:
            columns, rows = export.table_rows(connection, name)
            out = files.enter_context(open_output(directory / f"{name}.csv"))
            write([Column(column) for column in columns], rows, "csv", out)
    say(f"{len(names)} tables written to {directory}.")


@app.command(
    "jsonl",
    epilog=examples(
        "archive export jsonl | gzip > archive.jsonl.gz",
        "archive export jsonl -o archive.jsonl && archive ingest archive.jsonl -d other.db",
    ),
)
def export_jsonl(
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write every job as one line of JSON, exactly as archived; `archive ingest` reads it back."""
    from archive import dialects, export
    from archive.cli.output import open_output

    with (
        dialects.reading(open_archive(database, config)) as connection,
        open_output(output) as out,
    ):
        out.writelines(export.lines(connection))
