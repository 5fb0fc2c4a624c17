"""`archive collect`: fetch backup jobs from appliances and archive them.

Before anything is fetched, the configuration is read and the archive is made ready. Each appliance
is a transaction of its own, so an error or an interrupt leaves what was archived before it. What
the configuration says of the appliances is recorded after the collection, when new ones are in the
archive.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli import ERROR, PARTIAL
from archive.cli.fleet import (
    PatternsArgument,
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
    TagsOption,
    connect,
    examples,
    say,
)
from archive.cli.record_settings import record_settings, use_calendar
from archive.errors import AlreadyRunningError, ArchiveError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Engine

    from archive.collect.store_answer import Outcome
    from archive.config.settings import Entry, Fleet

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
            help="Save the raw answers in this directory, one gzipped file per appliance and collection.",
            file_okay=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Fetch, and show what would be archived, but write nothing."
        ),
    ] = False,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="Print one line per appliance (JSON: also totals). Default: one line in total on a"
            " terminal or in systemd's journal, nothing elsewhere.",
        ),
    ] = None,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Fetch backup jobs from appliances and archive what is new. Made for cron.

    Appliances that fail are listed on stderr. Exit code 0: all appliances complete, or another
    collection is running; 1: all failed; 3: some failed or are incomplete.
    """
    from archive import timestamps
    from archive.calendar import check_seen

    if dry_run and save is not None:
        raise UsageError("--dry-run and --save exclude each other: a dry run writes nothing")
    check_seen(timestamps.now())
    fleet = read_fleet(config)
    entries = enabled_entries(fleet, patterns, tag)
    # At each run, also from a timer, so that it is not forgotten.
    warn_of_unverified(entries)
    engine = connect(database, config)
    try:
        # A second collection is no failure: a timer that starts while one runs must not raise an
        # alarm.
        number, outcomes = _run(engine, fleet, entries, save, dry_run)
    except AlreadyRunningError as error:
        say(f"archive: {error}; nothing was collected")
        return
    for outcome in outcomes:
        if outcome.attempt.reason:
            say(f"{outcome.attempt.appliance}: {outcome.attempt.reason}")
    code = _exit_code(len(entries), outcomes)
    try:
        _summarise(engine, number, len(entries), outcomes, output_format, output)
    except ArchiveError as error:
        # Everything is archived by now, so an unwritable summary must not look like a failed
        # collection.
        say(f"archive: {error}; the collection is complete")
        code = code or PARTIAL
    raise typer.Exit(code)


def _run(
    engine: Engine, fleet: Fleet, entries: Sequence[Entry], save: Path | None, dry_run: bool
) -> tuple[int | None, list[Outcome]]:
    """Return the collection's number (None for a dry run), and outcomes sorted by appliance.

    An interrupt ends it early: appliances that were not started are in no outcome.
    """
    from archive.collect.run import collect as run
    from archive.collect.run import rehearse
    from archive.db import migrate as databases
    from archive.render.progress import progress

    outcomes: list[Outcome] = []
    with progress("Collecting", len(entries)) as advance:

        def on_outcome(outcome: Outcome) -> None:
            outcomes.append(outcome)
            advance(len(outcomes))

        number = None
        if dry_run:
            exists = databases.current(engine) is not None
            if exists:
                # A dry run writes nothing, so it cannot create an archive either.
                databases.require(engine)
            rehearse(engine if exists else None, fleet, entries, on_outcome)
        else:
            databases.prepare(engine)
            # Before the first import: jobs get their day from the calendar.
            use_calendar(engine, fleet)
            number = run(engine, fleet, entries, on_outcome, save).id
            record_settings(engine, fleet)
    return number, sorted(outcomes, key=lambda outcome: outcome.attempt.appliance)


def _summarise(
    engine: Engine,
    number: int | None,
    asked: int,
    outcomes: Sequence[Outcome],
    output_format: Format | None,
    output: Path | None,
) -> None:
    """Print the outcomes in the format asked for; without one, a sentence if somebody is watching.

    `number` is None for a dry run. Raises ArchiveError if it cannot be written.
    """
    from archive.cli.collect_summary import COLUMNS, row, sentence, totals
    from archive.cli.output import is_watched, open_output
    from archive.render import records
    from archive.render.write import write

    if output_format is None and output is None:
        # cron mails any output, so there is none unless somebody is watching.
        if is_watched():
            typer.echo(sentence(asked, outcomes))
        return
    rows = [row(outcome) for outcome in outcomes]
    with open_output(output) as out:
        if output_format is Format.JSON:
            whole = {"collection": number, "asked": asked, **totals(outcomes)}
            out.write(records.nested(whole, "appliances", COLUMNS, rows))
        else:
            write(COLUMNS, rows, output_format or Format.TABLE, out, _zone(engine))


def _zone(engine: Engine) -> str:
    """Return the zone of the archive; UTC without one, as in a dry run."""
    from archive import db
    from archive.db import migrate as databases
    from archive.render.units import UTC
    from archive.store import settings

    if databases.current(engine) is None:
        return UTC
    with db.reading(engine) as connection:
        return settings.calendar(connection).zone


def _exit_code(asked: int, outcomes: Sequence[Outcome]) -> int:
    """Return 0 if all appliances are complete, 1 if nothing at all was archived, otherwise 3.

    An outcome that is missing counts as neither.
    """
    from archive.store import collection_log

    ended = [outcome.attempt.outcome for outcome in outcomes]
    if ended.count(collection_log.COMPLETE) == asked:
        return 0
    return PARTIAL if {collection_log.COMPLETE, collection_log.PARTIAL} & set(ended) else ERROR
