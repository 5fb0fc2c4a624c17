"""`archive collect`: ask the appliances of the configuration, and archive what they tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli import ERROR, PARTIAL
from archive.cli.fleet import (
    PatternsArgument,
    TagsOption,
    enabled_entries,
    read_fleet,
    warn_of_unverified,
)
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    OutputOption,
    connect,
    examples,
    say,
)
from archive.errors import AlreadyRunningError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Engine

    from archive.collect.store_answer import Outcome
    from archive.config.entries import Entry, Fleet

EPILOG = examples(
    "archive collect",
    "archive collect vc01.example.com 'vc2*' --save answers",
    "archive collect --dry-run --format table",
)


def collect(
    patterns: PatternsArgument = None,
    tag: TagsOption = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Keep the raw answers there, gzipped, a file for each appliance and run.",
            file_okay=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask, and say what would be archived; write nothing.")
    ] = False,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How the summary is written: a line for each appliance, or JSON with totals. On a"
            " terminal one line, and elsewhere none, if nothing is said.",
        ),
    ] = None,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Ask appliances for their backup jobs and archive what is new; for cron.

    Who did not answer, and why, is said on standard error. Exit code 0 if all told everything, or if
    another collection is at work; 1 if none did; 3 if some did not, or told only a part.
    """
    if dry_run and save is not None:
        raise UsageError("--dry-run writes nothing, so there is nothing to --save")
    fleet = read_fleet(config)
    entries = enabled_entries(fleet, patterns, tag)
    warn_of_unverified(entries)
    engine = connect(database, config)
    try:
        number, outcomes = _run(engine, fleet, entries, save, dry_run)
    except AlreadyRunningError as error:
        say(f"archive: {error}; nothing is asked twice at the same time")
        return
    for outcome in outcomes:
        if outcome.attempt.reason:
            say(f"{outcome.attempt.appliance}: {outcome.attempt.reason}")
    _summarise(number, len(entries), outcomes, output_format, output)
    raise typer.Exit(_exit_code(len(entries), outcomes))


def _run(
    engine: Engine, fleet: Fleet, entries: Sequence[Entry], save: Path | None, dry_run: bool
) -> tuple[int | None, list[Outcome]]:
    """Return the collection's number, if it has one, and how each appliance ended, by name."""
    from archive.collect.run import collect as run
    from archive.collect.run import rehearse
    from archive.db import migrate as databases
    from archive.render.progress import progress

    outcomes: list[Outcome] = []
    with progress("Asking appliances", len(entries)) as advance:

        def on_outcome(outcome: Outcome) -> None:
            outcomes.append(outcome)
            advance(len(outcomes))

        number = None
        if dry_run:
            there = databases.current(engine) is not None
            if there:
                databases.require(engine)
            rehearse(engine if there else None, fleet, entries, on_outcome)
        else:
            databases.prepare(engine)
            _use_calendar(engine, fleet)
            number = run(engine, fleet, entries, on_outcome, save).id
    return number, sorted(outcomes, key=lambda outcome: outcome.attempt.appliance)


def _use_calendar(engine: Engine, fleet: Fleet) -> None:
    """Give a new archive the configuration's calendar; say so if another one is in use."""
    from archive import db
    from archive.maintenance import change_calendar
    from archive.store import settings
    from archive.store.known_jobs import is_empty

    if fleet.calendar is None:
        return
    with db.reading(engine) as connection:
        used, empty = settings.calendar(connection), is_empty(connection)
    if used == fleet.calendar:
        return
    if empty:
        change_calendar.change_calendar(engine, fleet.calendar)
    else:
        say(
            f"Warning: the archive's calendar is {used.zone} from {used.day_start}, not that of the"
            " configuration; `archive db calendar` changes it."
        )


def _summarise(
    number: int | None,
    asked: int,
    outcomes: Sequence[Outcome],
    output_format: Format | None,
    output: Path | None,
) -> None:
    from archive.cli.collect_summary import COLUMNS, row, sentence, totals
    from archive.cli.output import open_output
    from archive.render import records
    from archive.render.write import write

    if output_format is None and output is None:
        if sys.stdout is not None and sys.stdout.isatty():
            typer.echo(sentence(asked, outcomes))
        return
    rows = [row(outcome) for outcome in outcomes]
    with open_output(output) as out:
        if output_format is Format.JSON:
            whole = {"collection": number, "asked": asked, **totals(outcomes)}
            out.write(records.nested(whole, "appliances", COLUMNS, rows))
        else:
            write(COLUMNS, rows, output_format or Format.TABLE, out)


def _exit_code(asked: int, outcomes: Sequence[Outcome]) -> int:
    from archive.store import collection_log

    ended = [outcome.attempt.outcome for outcome in outcomes]
    if ended.count(collection_log.COMPLETE) == asked:
        return 0
    return PARTIAL if {collection_log.COMPLETE, collection_log.PARTIAL} & set(ended) else ERROR
