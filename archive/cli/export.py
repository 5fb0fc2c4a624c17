"""`archive export csv` and `jsonl`: export for spreadsheets and for other archives.

Everything is read in one transaction: the tables of an export belong to one state of the archive.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from archive.cli.csv_options import BOM, BomOption, DelimiterOption, delimiter_of
from archive.cli.export_options import (
    AfterOption,
    FolderArgument,
    OneOutputOption,
    TablesOption,
    ViewsOption,
    choose,
    extent_of,
    file_of,
    next_number,
    part_of,
    progress,
    say_next,
)
from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    SinceOption,
    examples,
    open_reader,
    say,
)
from archive.errors import ArchiveError
from archive.private_files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(no_args_is_help=True, help="Export the archive, or only new jobs.")


@app.command(
    "csv",
    epilog=examples(
        "archive export csv archive-tables",
        "archive export csv --view v_job --since 2026-01-01 -o jobs.csv",
        "archive export csv excel --delimiter ';' --bom",
        "archive export csv new --after 57",
    ),
)
def export_csv(
    directory: FolderArgument = None,
    table: TablesOption = None,
    view: ViewsOption = None,
    since: SinceOption = None,
    after: AfterOption = None,
    delimiter: DelimiterOption = ",",
    bom: BomOption = False,
    output: OneOutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write one CSV file per table (RFC 4180, UTC, exact bytes and seconds), for spreadsheets.

    --since and --after limit the tables of jobs and messages; all other tables are complete. A text
    that a spreadsheet would run as a formula gets a leading apostrophe, and passwords in URLs are
    hidden. `archive export jsonl` changes nothing.
    """
    from archive import db
    from archive.cli.output import open_output
    from archive.columns import Column
    from archive.export import text, view_columns
    from archive.render import delimited

    # All options are checked before anything is created.
    character = delimiter_of(delimiter)
    chosen = choose(table or (), view or (), view_columns.VIEWS, (), directory, output)
    engine = open_reader(database, config, None)
    if directory is not None:
        _make(directory)
    # Existing files are replaced only after all new ones are complete.
    with db.reading(engine) as connection, ExitStack() as files:
        extent = extent_of(connection, since, after)
        number = next_number(connection, extent)
        advance = files.enter_context(progress(len(chosen.relations), chosen.to_standard_output))
        for done, relation in enumerate(chosen.relations):
            rows = text.rows(connection, relation, extent, part_of(advance, done))
            out = files.enter_context(open_output(chosen.place(relation, ".csv")))
            if bom:
                out.write(BOM)
            columns = [Column(name) for name in relation.names()]
            delimited.write(columns, rows, out, character)
            advance(done + 1)
    if directory is not None:
        say(f"{chosen} written to {directory}.")
    say_next(number)


def _make(directory: Path) -> None:
    """Create the folder for files if it does not exist. Raises ArchiveError."""
    try:
        make_folder(directory)
    except OSError as error:
        raise ArchiveError(f"{directory}: cannot create the folder: {error.strerror}") from error


@app.command(
    "jsonl",
    epilog=examples(
        "archive export jsonl | gzip > archive.jsonl.gz",
        "archive export jsonl -o archive.jsonl && archive ingest archive.jsonl -d other.db",
        "archive export jsonl --appliance 'vc0*' --since 2026-01-01 -o part.jsonl",
        "archive export jsonl --after 57 -o new.jsonl",
    ),
)
def export_jsonl(
    appliance: AppliancesOption = None,
    since: SinceOption = None,
    after: AfterOption = None,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write every job as one line of JSON, exactly as archived. `archive ingest` reads it back."""
    from archive import db
    from archive.cli.output import open_output
    from archive.export import text
    from archive.render.records import escaped
    from archive.reports import Scope

    path = file_of(output)
    with db.reading(open_reader(database, config, None)) as connection:
        extent = extent_of(connection, since, after)
        number = next_number(connection, extent)
        # Before the output is opened: a mistyped name must not replace a file.
        ids = Scope(appliances=tuple(appliance or ())).appliance_ids(connection)
        with open_output(path) as out, progress(1, path is None) as advance:
            lines = text.lines(connection, extent, ids, lambda done, of: advance(done / of))
            out.writelines(map(escaped, lines) if out.isatty() else lines)
    say_next(number)
