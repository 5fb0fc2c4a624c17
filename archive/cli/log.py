"""`archive log`: the log of collections and of imports."""

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
    open_archive,
    say,
)
from archive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.columns import Column
    from archive.store.collection_log import Brought

app = typer.Typer(
    no_args_is_help=True, help="Tell when appliances were asked, and what was imported."
)

_LimitOption = Annotated[
    int,
    typer.Option(
        "--limit", "-n", min=0, max=GREATEST - 1, help="How many of the newest; 0 is all."
    ),
]
_BROUGHT = ("seen", "new", "changed", "unchanged", "quarantined")


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
    """List collections, the newest first, with how many appliances were asked and answered."""
    from archive import db
    from archive.store import collection_log

    with db.reading(open_archive(database, config)) as connection:
        found = collection_log.collections(connection, _one_more(limit))
    columns = [
        *_columns("number"),
        *_instants("started", "finished"),
        *_columns("outcome", "asked", "complete", "partial", "failed"),
    ]
    _write_newest("collections", columns, found, limit, output_format, output)


@app.command("show", epilog=examples("archive log show", "archive log show 12 --format json"))
def show_collection(
    number: Annotated[
        int | None,
        typer.Argument(
            min=1,
            max=GREATEST,
            help="A number from `archive log collections`; the newest, if none is.",
        ),
    ] = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what came of each appliance in a collection."""
    from archive import db
    from archive.render.units import moment
    from archive.store import collection_log

    with db.reading(open_archive(database, config)) as connection:
        if number is None:
            one = next(iter(collection_log.collections(connection, 1)), None)
        else:
            one = collection_log.find_collection(connection, number)
            if one is None:
                raise UsageError(
                    f"there is no collection {number}; `archive log collections` has them"
                )
        found = [] if one is None else collection_log.attempts(connection, one.id)
    columns = [
        *_columns("appliance"),
        *_instants("asked", "answered"),
        *_columns("outcome", "reason", *_BROUGHT),
    ]
    # The last field is the number of the import, whose counts stand there instead.
    rows = [(*attempt[:-1], *_cells(brought)) for attempt, brought in found]
    _write(columns, rows, output_format, output)
    if one is None:
        say("There has been no collection yet.")
    else:
        told = f"{len(rows):,} of {one.asked:,} appliances asked"
        say(f"Collection {one.id} of {moment(one.started)}: {one.outcome}, {told}.")


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
    """List the appliances that were ever asked, the longest unanswered first.

    What came last is that of the latest answer that was archived.
    """
    from archive import db
    from archive.store import collection_log

    with db.reading(open_archive(database, config)) as connection:
        found = collection_log.standings(connection)
    columns = [
        *_columns("appliance"),
        *_instants("last_asked", "last_answered"),
        *_columns("outcome", "reason", *_BROUGHT),
    ]
    rows = [(*standing[:-1], *_cells(standing.brought)) for standing in found]
    _write(columns, rows, output_format, output)
    if not rows:
        say("No appliance has been asked yet.")


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
    """List what was imported, the newest first: files as well as answers."""
    from archive import db
    from archive.reports import Scope
    from archive.store import import_log

    scope = Scope(appliances=tuple(appliance or ()))
    with db.reading(open_archive(database, config)) as connection:
        ids = scope.appliance_ids(connection)
        found = import_log.logged_runs(connection, _one_more(limit), ids)
    columns = [
        *_columns("number", "source", "appliance"),
        *_instants("started", "finished"),
        *_columns("outcome", "error", "seen", "new", "changed", "unchanged"),
        *_columns("findings", "quarantined"),
    ]
    _write_newest("imports", columns, found, limit, output_format, output)


def _columns(*names: str) -> list[Column]:
    from archive.columns import Column, Kind

    texts = ("source", "appliance", "outcome", "reason", "error")
    return [Column(name, Kind.TEXT if name in texts else Kind.COUNT) for name in names]


def _instants(*names: str) -> list[Column]:
    from archive.columns import Column, Kind

    return [Column(name, Kind.INSTANT) for name in names]


def _cells(brought: Brought | None) -> Sequence[int | None]:
    return (None,) * len(_BROUGHT) if brought is None else brought


def _write(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    output_format: Format,
    output: Path | None,
) -> None:
    from archive.cli.output import open_output
    from archive.render.write import write

    with open_output(output) as out:
        write(columns, rows, output_format, out)


def _one_more(limit: int) -> int | None:
    """Return how many rows to ask for, so that it shows whether there are more; 0 is all."""
    return limit + 1 if limit else None


def _write_newest(
    what: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    limit: int,
    output_format: Format,
    output: Path | None,
) -> None:
    _write(columns, rows[: limit or None], output_format, output)
    if not rows:
        say(f"No {what} yet.")
    elif limit and len(rows) > limit:
        say(f"The newest {limit:,} {what}; --limit 0 lists all of them.")
