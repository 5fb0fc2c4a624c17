"""`archive appliance`: the appliances in the archive, and changes to them over time.

Each change is one transaction, and a line in `archive log maintenance`. The command asks first
where one cannot be taken back; `--yes` is for scripts. The configuration is only read: `_remind`
says what to change in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archive.appliance_names import check_name
from archive.cli import parse
from archive.cli.options import (
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
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archive.maintenance.appliances import Extent, Twins

# What `archive fleet` is for the configuration, this is for the archive.
app = typer.Typer(
    no_args_is_help=True,
    help="List the appliances in the archive; rename, merge, retire, hold or forget one.",
)

_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the appliance in the archive.")
]
_YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list", epilog=examples("archive appliance list", "archive appliance list -f csv"))
def list_appliances(
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """List the appliances in the archive, with their jobs.

    Names that seem to be one appliance, because they share jobs, are listed on standard error.
    """
    from archive import db
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.maintenance import appliances
    from archive.render.write import write
    from archive.store import settings

    with db.reading(open_reader(database, config)) as connection:
        # Of one state of the archive.
        found, twins = appliances.listed(connection), appliances.twins(connection)
        zone = settings.calendar(connection).zone
    columns = (
        Column("appliance"),
        Column("jobs", Kind.COUNT),
        Column("first_day", Kind.DAY),
        Column("last_day", Kind.DAY),
        Column("first_seen", Kind.INSTANT, expendable=1),
        Column("last_seen", Kind.INSTANT),
        Column("retired_at", Kind.INSTANT, optional=True),
        Column("held_at", Kind.INSTANT, optional=True),
    )
    with open_output(output) as out:
        write(columns, found, output_format, out, zone)
    if not found:
        say("The archive has no appliances yet.")
    warn_of_twins(twins)


def warn_of_twins(twins: Sequence[Twins]) -> None:
    """Warn of names that seem to be one appliance."""
    for name, other, jobs in twins:
        say(
            f"Warning: {name} and {other} share {counted(jobs, 'job')}: if they are one appliance, run"
            f" `archive appliance merge {name} {other}`."
        )


@app.command(
    "rename",
    epilog=examples("archive appliance rename vc01.example.com vcenter-berlin.example.com"),
)
def rename(
    name: _NameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="The new name.")],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Rename an appliance, as if all of its imports had come under the new name."""
    from archive.maintenance import rename as renaming

    path = _configured(config, name)
    known = renaming.rename(open_archive(database, config), name, new_name)
    say(f"{known.name} is now {check_name(new_name)}: {_extent(known)}.")
    _remind(path, known.name, "change its `name` there")


@app.command(
    "merge",
    epilog=examples(
        "archive appliance merge 10.0.0.5 vc01.example.com",
        "archive appliance merge 10.0.0.5 vc01.example.com --yes",
    ),
)
def merge(
    name: _NameArgument,
    into: Annotated[
        str, typer.Argument(metavar="INTO", help="The appliance that it is, and whose name stays.")
    ],
    yes: _YesOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Merge an appliance into another, as if all imports of both had come under one name.

    A merge cannot be taken back.
    """
    from archive import db
    from archive.maintenance import appliances
    from archive.maintenance import merge as merging
    from archive.render.progress import progress

    path = _configured(config, name)
    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        # The question names what is there, so that a wrong name is noticed.
        extents = [appliances.find(connection, each) for each in (name, into)]
    if not yes:
        source, target = (f"{each.name} ({_extent(each)})" for each in extents)
        typer.confirm(f"Merge {source} into {target}?", abort=True, err=True)
    with progress("Merging", 1) as advance:
        merged = merging.merge(engine, name, into, lambda done, of: advance(done / of))
    say(
        f"{merged.source.name} is merged into {merged.target.name}:"
        f" {counted(merged.source.jobs - merged.known, 'job')} moved, {merged.known:,} known already."
    )
    _remind(path, merged.source.name, "remove it there")


@app.command(
    "retire",
    epilog=examples(
        "archive appliance retire vc01.example.com --from 2026-03-01",
        "archive appliance retire vc01.example.com --cancel",
    ),
)
def retire(
    name: _NameArgument,
    from_day: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="First day without backups. Default: today."),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Expect backups of the appliance again.")
    ] = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Retire an appliance: no backup is expected of it from a day on. Its history stays.

    For an appliance in the configuration, set `retired` there instead.
    """
    from archive import db, timestamps
    from archive.maintenance import retire as retiring

    if cancel and from_day is not None:
        raise UsageError("use either --from or --cancel")
    path = _configured(config, name)
    if path is not None:
        raise UsageError(
            f"{check_name(name)} is in {path}, which decides: set `retired` there, and run"
            " `archive collect`"
        )
    engine = open_archive(database, config)
    day = None
    if not cancel:
        with db.reading(engine) as connection:
            day, _ = parse.days(connection, from_day or "today", None, timestamps.now())
    retiring.retire(engine, name, day)
    if day is None:
        say(f"Backups of {check_name(name)} are expected again.")
    else:
        say(f"{check_name(name)} is retired: no backup is expected from {day} on.")


@app.command(
    "forget",
    epilog=examples(
        "archive appliance forget lab01.example.com", "archive appliance forget lab01 --yes"
    ),
)
def forget(
    name: _NameArgument,
    yes: _YesOption = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Delete an appliance with its jobs, history, log and quarantine. This cannot be taken back.

    `archive log maintenance` keeps its name, the number of its jobs, and when this was done.
    """
    from archive import db
    from archive.maintenance import appliances
    from archive.maintenance import forget as forgetting

    path = _configured(config, name)
    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        known = appliances.find(connection, name)
    if not yes:
        typer.confirm(f"Delete {known.name} ({_extent(known)})?", abort=True, err=True)
    known = forgetting.forget(engine, name)
    say(f"{known.name} is forgotten: {_extent(known)} deleted.")
    _remind(path, known.name, "remove it there")


def _extent(known: Extent) -> str:
    """Return what the archive has of an appliance, in words."""
    parts = [counted(known.jobs, "job"), counted(known.imports, "import")]
    if known.quarantined:
        parts.append(f"{counted(known.quarantined, 'document')} in quarantine")
    return ", ".join(parts)


def _configured(config: str | None, name: str) -> Path | None:
    """Return the path of the configuration if it has the appliance.

    Names are compared in the form in which the archive stores them.
    """
    fleet = parse.configuration(config)
    names = [] if fleet is None else [entry.name for entry in fleet.entries]
    return fleet.path if fleet is not None and check_name(name) in names else None


def _remind(path: Path | None, name: str, advice: str) -> None:
    """Say that the configuration still has an appliance, and what to do about it."""
    if path is not None:
        say(f"{path} still has {name}, and the next collection brings it again: {advice}.")
