"""`archive ingest`: import files with job details or exported jobs.

Each file is an import of its own: if one fails, those before it stay and those after it are tried.
The archive is created, if it is a SQLite file, when the first file is open.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli import ERROR, PARTIAL, parse
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    connect,
    examples,
    say,
)
from archive.cli.record_settings import record_settings, use_calendar
from archive.errors import ArchiveError, InterruptedInputError, SchemaError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine

    from archive.config.settings import Fleet
    from archive.store.counts import Counts

EPILOG = examples(
    "archive ingest details.json --appliance vc01.example.com",
    "curl ... | archive ingest - --appliance vc01.example.com",
    "archive ingest backup-of-the-archive.jsonl.gz",
)


def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files with job details as vCenter returns them (either API), or with exported jobs:"
            " .json or .jsonl, also gzipped. - is standard input.",
        ),
    ],
    appliance: Annotated[
        str | None,
        typer.Option(
            "--appliance",
            "-a",
            metavar="NAME",
            help="Appliance that the jobs belong to. Exported jobs name theirs.",
        ),
    ] = None,
    seen_at: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="When the answer was fetched, such as 2026-07-24T02:20:00Z. Default: now.",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Print the summary even if standard output is no terminal.",
        ),
    ] = False,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="Print the summary in this format. Default: one line on a terminal or in systemd's"
            " journal, nothing elsewhere.",
        ),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Import files: each is one import, archived as a whole or not at all.

    JSON Lines are archived in parts: after an interruption, ingest the file again. Exit code 3: a
    document went to quarantine, or only some of the files could be archived.
    """
    from contextlib import nullcontext

    from archive import db, timestamps
    from archive.calendar import check_seen
    from archive.cli.output import is_watched
    from archive.store.counts import Counts

    try:
        seen = check_seen(timestamps.parse(seen_at) if seen_at else timestamps.now())
    except ValueError as error:
        raise UsageError(f"--seen-at: {error}") from error
    # All later imports would count as older than this one.
    if timestamps.is_future(seen):
        raise UsageError(
            f"--seen-at: {seen} is in the future: it is now {timestamps.now()} by this machine's clock"
        )
    engine = connect(database, config)
    fleet = parse.configuration_beside(database, config)
    prepare = cache(lambda: _prepare(engine, fleet))
    total = Counts()
    failures: list[ArchiveError] = []
    # To connect for each of many files would take longer than to import one new job.
    many = db.keeping(engine, 1, large_cache=True) if len(paths) > 1 else nullcontext(engine)
    with many as keeper:
        for path in paths:
            try:
                _add(total, _ingest_file(keeper, path, appliance, seen, prepare))
            except ArchiveError as error:
                # A wrong schema fails every file alike, so one error is enough.
                if len(paths) == 1 or debug or isinstance(error, SchemaError):
                    raise
                failures.append(error)
                say(f"archive: {error}")
    if len(failures) < len(paths):
        # After the imports, since the settings of an appliance can only be stored with the
        # appliance.
        record_settings(engine, fleet)
        if output_format is None and (verbose or is_watched()):
            output_format = Format.TABLE
        written = output_format is None or _summarise(total, output_format)
        if total.quarantined:
            say("Some documents could not be archived: see `archive quarantine list`.")
        raise typer.Exit(PARTIAL if failures or total.quarantined or not written else 0)
    # Then something is archived, although no file is complete.
    interrupted = any(isinstance(error, InterruptedInputError) for error in failures)
    raise typer.Exit(PARTIAL if interrupted else ERROR)


def _prepare(engine: Engine, fleet: Fleet | None) -> None:
    """Create a SQLite archive if there is none, with the calendar of the configuration."""
    from archive.db import migrate as databases

    databases.prepare(engine)
    use_calendar(engine, fleet)


def _ingest_file(
    engine: Engine, path: str, appliance: str | None, seen_at: str, prepare: Callable[[], None]
) -> Counts:
    """Import one file and return its counts. Raises ArchiveError, with the file's name.

    `prepare` is called before anything is written.

    The progress counts bytes of the file as it is stored, so a gzipped one has a right end, too.
    """
    from archive.ingest.ingest import ingest as run
    from archive.ingest.open_file import open_file
    from archive.ingest.run import Source
    from archive.render.progress import progress

    with open_file(path) as file, progress(Path(file.name).name, file.size) as advance:
        prepare()  # only when there is something to archive
        source = Source(file.name, file.content, appliance, seen_at)
        summary = run(engine, source, lambda _: advance(file.position()))
    # An import without new jobs cannot have brought another appliance's.
    if summary.counts.new:
        _warn_of_other_system(engine, summary.run)
    return summary.counts


def _warn_of_other_system(engine: Engine, run: int) -> None:
    """Warn if the import may have been given the wrong appliance.

    It only reads, after the import was committed: a wrong guess must not stop anything.
    """
    from archive import db
    from archive.ingest.other_targets import other_system

    with db.reading(engine) as connection:
        found = other_system(connection, run)
    if found is not None:
        appliance, system = found
        say(
            f"Warning: the targets of new jobs of {appliance} name the system {system}. If that is"
            f" another appliance, run `archive import undo {run}`."
        )


def _add(total: Counts, counts: Counts) -> None:
    """Add the counts of a file to the total."""
    for name, value in asdict(counts).items():
        setattr(total, name, getattr(total, name) + value)


def _summarise(total: Counts, output_format: Format) -> bool:
    """Print the counts; return whether that was possible. The import is complete anyway."""
    from archive.cli.output import open_output
    from archive.render import records

    counts = asdict(total)
    try:
        with open_output(None) as out:
            if output_format is Format.TABLE:
                # Most archives have no pruned jobs.
                shown = {name: n for name, n in counts.items() if n or name != "pruned"}
                out.write(", ".join(f"{value:,} {name}" for name, value in shown.items()) + "\n")
            else:
                out.write(records.one(counts, output_format))
    except ArchiveError as error:
        say(f"archive: {error}; the import is complete")
        return False
    return True
