"""`archive log`: list collections, their appliances, and imports, also those that were undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli.options import (
    GREATEST,
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    examples,
    open_reader,
    say,
)
from archive.errors import UsageError
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.columns import Column
    from archive.store.collection_log import Brought

app = typer.Typer(no_args_is_help=True, help="Show the log of collections and imports.")

# At most one less than the greatest number, since one more row is asked for.
_LimitOption = Annotated[
    int,
    typer.Option(
        "--limit", "-n", min=0, max=GREATEST - 1, help="Number of rows, newest first. 0: all."
    ),
]
# Counts of documents that an answer brought, in the order of `Brought`.
_COUNTS = ("seen", "new", "changed", "unchanged", "quarantined")
# What narrow terminals leave out, the greatest first.
_EXPENDABLE = {
    "started": 9, "asked": 9, "unchanged": 8, "seen": 7, "source": 6, "findings": 5, "changed": 4,
    "quarantined": 3, "pruned": 10, "number": 2, "finished": 1,
}  # fmt: skip


@app.command(
    "collections",
    epilog=examples("archive log collections", "archive log collections --limit 0 -f csv"),
)
def list_collections(
    limit: _LimitOption = 20,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """List collections, newest first, with the number of appliances by outcome."""
    from archive import db
    from archive.store import collection_log, settings

    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        found = collection_log.collections(connection, _one_more(limit))
    columns = [
        *_columns("number"),
        *_instants("started", "finished"),
        *_columns("outcome", "asked", "complete", "partial", "failed"),
    ]
    _write_newest("collection", columns, found, limit, output_format, output, zone)


@app.command("show", epilog=examples("archive log show", "archive log show 12 --format json"))
def show_collection(
    number: Annotated[
        int | None,
        typer.Argument(
            min=1,
            max=GREATEST,
            help="Number of a collection, as in `archive log collections`. Default: the newest.",
        ),
    ] = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Show the outcome of each appliance in a collection."""
    from archive import db
    from archive.render.units import moment
    from archive.store import collection_log, settings

    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        if number is None:
            one = next(iter(collection_log.collections(connection, 1)), None)
        else:
            one = collection_log.find_collection(connection, number)
            if one is None:
                raise UsageError(f"no collection {number}: see `archive log collections`")
        # The newest one may still be running; then it shows the appliances that are done.
        found = [] if one is None else collection_log.attempts(connection, one.id)
    columns = [
        *_columns("appliance"),
        *_instants("asked", "answered"),
        *_columns("outcome", "reason", *_COUNTS),
    ]
    rows = [
        (
            each.appliance,
            each.asked_at,
            each.answered_at,
            each.outcome,
            each.reason,
            *_cells(counts),
        )
        for each, counts in found
    ]
    _write(columns, rows, output_format, output, zone)
    if one is None:
        say("No collections yet.")
    else:
        tried = f"{len(rows):,} of {counted(one.asked, 'appliance')} tried"
        say(f"Collection {one.id} of {moment(one.started, zone)}: {one.outcome}, {tried}.")


@app.command(
    "appliances", epilog=examples("archive log appliances", "archive log appliances -f json")
)
def list_appliances(
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """List all appliances that were ever collected from, longest without an answer first.

    Outcome and reason are those of the last attempt, the counts those of the last archived answer.
    """
    from archive import db
    from archive.store import collection_log, settings

    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        found = collection_log.standings(connection)
    columns = [
        *_columns("appliance"),
        *_instants("last_asked", "last_answered"),
        *_columns("outcome", "reason", *_COUNTS),
    ]
    rows = [
        (
            one.appliance,
            one.asked_at,
            one.answered_at,
            one.outcome,
            one.reason,
            *_cells(one.brought),
        )
        for one in found
    ]
    _write(columns, rows, output_format, output, zone)
    if not rows:
        say("No collections yet.")


@app.command(
    "imports",
    epilog=examples("archive log imports", "archive log imports --appliance 'vc0*' --limit 0"),
)
def list_imports(
    appliance: AppliancesOption = None,
    limit: _LimitOption = 20,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """List imports, newest first: ingested files and collected answers."""
    from archive import db
    from archive.reports import Scope
    from archive.store import evidence_chain, import_log, settings

    scope = Scope(appliances=tuple(appliance or ()))
    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        ids = scope.appliance_ids(connection)
        found = import_log.logged_runs(connection, _one_more(limit), ids)
        head = evidence_chain.head(connection)
    columns = [
        *_columns("number", "source", "appliance"),
        *_instants("started", "finished"),
        *_columns("outcome", "error", "seen", "new", "changed", "unchanged"),
        *_columns("findings", "quarantined", "pruned"),
    ]
    _write_newest("import", columns, found, limit, output_format, output, zone)
    if output_format is Format.TABLE and head.id:  # people may keep it
        say(f"Head of the chain of evidence: {head}.")


@app.command(
    "maintenance", epilog=examples("archive log maintenance", "archive log maintenance -f csv")
)
def list_maintenance(
    limit: _LimitOption = 20,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """List what changed the history other than imports, newest first."""
    from archive import db
    from archive.store import maintenance_log, settings

    with db.reading(open_reader(database, config)) as connection:
        zone = settings.calendar(connection).zone
        found = maintenance_log.entries(connection, _one_more(limit))
    columns = [
        *_columns("number"),
        *_instants("done_at"),
        *_columns("what", "appliance", "new_name", "jobs", "detail"),
    ]
    _write_newest("change", columns, found, limit, output_format, output, zone)


def _columns(*names: str) -> list[Column]:
    """Return columns by name: counts, except those that are known to be texts.

    What a narrow terminal leaves out follows from the names, too.
    """
    from archive.columns import Column, Kind

    texts = ("source", "appliance", "outcome", "reason", "error", "what", "new_name", "detail")
    return [
        Column(
            name,
            Kind.TEXT if name in texts else Kind.COUNT,
            expendable=_EXPENDABLE.get(name, 0),
        )
        for name in names
    ]


def _instants(*names: str) -> list[Column]:
    """Return columns of instants by name."""
    from archive.columns import Column, Kind

    return [Column(name, Kind.INSTANT, expendable=_EXPENDABLE.get(name, 0)) for name in names]


def _cells(counts: Brought | None) -> Sequence[int | None]:
    """Return the counts of an answer; None for each if there was no answer."""
    return (None,) * len(_COUNTS) if counts is None else counts


def _write(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    output_format: Format,
    output: Path | None,
    zone: str,
) -> None:
    """Write rows in a format, to a file or standard output."""
    from archive.cli.output import open_output
    from archive.render.write import write

    with open_output(output) as out:
        write(columns, rows, output_format, out, zone)


def _one_more(limit: int) -> int | None:
    """Return the limit plus one row, which shows whether there are more; None for all (0)."""
    return limit + 1 if limit else None


def _write_newest(
    noun: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    limit: int,
    output_format: Format,
    output: Path | None,
    zone: str,
) -> None:
    """Write at most `limit` rows, and say if there are more; `rows` has one more than that."""
    _write(columns, rows[: limit or None], output_format, output, zone)
    if not rows:
        say(f"No {noun}s yet.")
    elif limit and len(rows) > limit:
        say(f"Newest {counted(limit, noun)} shown. List all with --limit 0.")
