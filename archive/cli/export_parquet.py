"""`archive export parquet`: export for DuckDB, pandas, Spark and similar tools.

A folder is filled under another name beside it, and gets its own when it is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.cli.export_options import (
    AfterOption,
    FolderArgument,
    OneOutputOption,
    TablesOption,
    ViewsOption,
    choose,
    extent_of,
    next_number,
    part_of,
    progress,
    say_next,
)
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    SinceOption,
    examples,
    open_reader,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from archive.export.relations import Relation
    from archive.store.selection import Extent

EPILOG = examples(
    "archive export parquet archive-parquet",
    "archive export parquet jobs --view v_job --since 2026-01-01",
    "archive export parquet --table appliance -o appliance.parquet",
    "archive export parquet new --after 57",
)


def export_parquet(
    directory: FolderArgument = None,
    table: TablesOption = None,
    view: ViewsOption = None,
    since: SinceOption = None,
    after: AfterOption = None,
    output: OneOutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the tables and the view v_job as Parquet files into a new folder.

    Tables of jobs are partitioned by month. --since and --after limit the tables of jobs and
    messages; all other tables are complete. Passwords in URLs are hidden. This needs the extra
    "parquet".
    """
    from archive import db
    from archive.cli.output import new_folder, open_bytes
    from archive.export import parquet, view_columns

    chosen = choose(table or (), view or (), view_columns.JOB_VIEWS, ("v_job",), directory, output)
    engine = open_reader(database, config, None)
    with db.reading(engine) as connection:
        extent = extent_of(connection, since, after)
        number = next_number(connection, extent)
        # A single file, or standard output; `choose` has made sure that there is one relation.
        if directory is None:
            with open_bytes(chosen.file) as out:
                parquet.write_file(connection, chosen.relations[0], extent, out)
        else:
            with new_folder(directory) as folder:
                _write(connection, chosen.relations, extent, folder)
            say(f"{chosen} written to {directory}.")
    say_next(number)


def _write(
    connection: Connection, chosen: Sequence[Relation], extent: Extent, folder: Path
) -> None:
    """Write the relations into a folder, those of jobs by month."""
    from archive.export import parquet, relations

    months = relations.months(connection, extent)
    with progress(len(chosen)) as advance:
        for done, relation in enumerate(chosen):
            parquet.write_folder(
                connection, relation, extent, months, folder, part_of(advance, done)
            )
            advance(done + 1)
