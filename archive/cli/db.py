"""`archive db`: create, upgrade, verify and configure the archive's database.

`upgrade` and `current` also take an archive that does not exist yet, or has an older schema; the
other verbs need the current one. `verify` changes nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from archive.cli import parse
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    connect,
    examples,
    open_archive,
    say,
)
from archive.cli.record_settings import use_calendar
from archive.errors import CheckError
from archive.masking import mask_text
from archive.text import counted, without_controls

# What `archive db role` says of a role.
_CAN = {
    "reader": "it can read all but secrets and documents as they came",
    "writer": "it can read and write all rows",
    "owner": "it owns the tables and views",
}

app = typer.Typer(
    no_args_is_help=True,
    help="Create, upgrade, verify, copy and prune the archive, set its calendar, and give read access.",
)


@app.command(
    "upgrade", epilog=examples("archive db upgrade --database postgresql://archive@db/archive")
)
def upgrade(
    beside_other_tables: Annotated[
        bool,
        typer.Option(
            "--beside-other-tables",
            help="Create the archive in a database that has tables of another program.",
        ),
    ] = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Create the archive, or upgrade its schema, in one transaction.

    A new archive gets the calendar of the configuration.
    """
    from archive.db import migrate as databases

    # Not `open_archive`: the archive may not exist yet, or be older than this version.
    engine = connect(database, config)
    before = databases.current(engine)
    if before in databases.REVISIONS[:-1]:
        say(
            f"Upgrading {counted(databases.size(engine), 'job')} from schema {before} to"
            f" {databases.HEAD}, in one transaction."
        )
    databases.upgrade(engine, beside_others=beside_other_tables)
    use_calendar(engine, parse.configuration_beside(database, config))
    place = databases.describe(engine)
    if before == databases.HEAD:
        say(f"The archive at {place} already has schema {before}.")
    else:
        say(f"The archive at {place} now has schema {databases.HEAD}.")


@app.command("current", epilog=examples("archive db current"))
def current(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Print the schema revision of the archive."""
    from archive.db import migrate as databases

    # Data for scripts, so it goes to standard output.
    typer.echo(databases.current(connect(database, config)) or "none")


@app.command("verify", epilog=examples("archive db verify", "archive db verify --fast"))
def verify(
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Of a large archive, verify a random sample of about 20,000 jobs, and no totals.",
        ),
    ] = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Verify the archive: schema, references, and every row of every table.

    Prints one line for each problem. Exit code 1: there are problems.
    """
    from archive.maintenance import verify as verification
    from archive.maintenance import verify_sample
    from archive.render.progress import progress

    engine = open_archive(database, config)
    sample = verify_sample.draw(engine) if fast else verify_sample.EVERYTHING
    problems = 0
    with progress("Verifying", 1) as advance:
        # Each problem is printed at once: verifying a large archive takes minutes.
        for sentence in verification.verify(engine, advance, sample):
            problems += 1
            typer.echo(without_controls(mask_text(sentence)))
    if sample.is_part:
        say(f"Verified 1 of {sample.step} jobs; totals and expected backups were not verified.")
    if problems:
        raise CheckError(f"{counted(problems, 'problem')} found in the archive")
    say("No problems found.")


@app.command("rebuild", epilog=examples("archive db rebuild"))
def rebuild(
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--seals",
            help="Also seal all rows as they are, after you have changed some with SQL yourself.",
        ),
    ] = False,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Recalculate totals, expected backups and anomalies, from which reports are made.

    It also makes the paths of message params anew. Documents that were kept whole are read again first:
    a newer version may know more of their fields.
    """
    from archive import db
    from archive.db import seals, tables
    from archive.maintenance.reread import reread
    from archive.store import judged_backups, param_paths, totals

    engine = open_archive(database, config)
    if found := reread(engine):
        say(f"{counted(found, 'document')} read anew.")
    with db.writing(engine) as connection:
        # Every import holds it, too: nothing may change while it is recalculated.
        db.lock(connection, ["calendar"])
        if accept_changes:
            seals.accept(connection, tables.metadata.sorted_tables)
        wrong = param_paths.rebuild(connection) + judged_backups.rebuild(connection)
        wrong += totals.rebuild(connection)
    say(f"Totals and judgement recalculated; {counted(wrong, 'row')} corrected.")


@app.command(
    "calendar",
    epilog=examples(
        "archive db calendar", "archive db calendar --time-zone Europe/Berlin --day-start 16:00"
    ),
)
def calendar(
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="IANA time zone, such as Europe/Berlin."),
    ] = None,
    day_start: Annotated[
        str | None,
        typer.Option(
            "--day-start",
            metavar="HH:MM",
            help="Time at which a backup day starts. 16:00 counts the jobs of one night on one day.",
        ),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Show or change time zone and start of backup days. A change recalculates every job's day."""
    from archive import calendar as days
    from archive import db
    from archive.maintenance import change_calendar
    from archive.store import settings

    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        known = settings.calendar(connection)
    if time_zone is not None or day_start is not None:
        # What is not given stays as it is.
        known = days.calendar(
            known.zone if time_zone is None else time_zone,
            known.day_start if day_start is None else day_start,
        )
        moved = change_calendar.change_calendar(engine, known)
        say(f"The day of {counted(moved, 'job')} has changed.")
    typer.echo(f"Days start at {known.day_start} {known.zone}.")


@app.command(
    "role",
    epilog=examples(
        "archive db role archive_reader",
        "archive db role archive_writer --rights writer",
        "archive db role archive_owner --rights owner",
    ),
)
def role(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the role, new or existing.")],
    given: Annotated[
        Literal["reader", "writer", "owner"],
        typer.Option(
            "--rights",
            help="reader: run reports, but see no secrets. writer: import and maintain, but change no"
            " table's definition. owner: upgrade, too; the archive is handed over to it.",
        ),
    ] = "reader",
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Create or update a role that can read, write or own the archive (PostgreSQL).

    A new role cannot log in. Grant it to users who can. `archive db upgrade` keeps its rights complete.
    """
    from archive.db import roles
    from archive.db.rights import Rights

    found = roles.give(open_archive(database, config), name, Rights(given))
    say(
        f"{'Created' if found.made else 'Updated'} role {name}"
        f" ({'with' if found.logs_in else 'without'} login): {_CAN[given]}."
    )
    if not found.logs_in:
        say(f"To give it to a user, run in psql: GRANT {name} TO user")
    # Up to version 14, PostgreSQL lets every user create tables in the schema public.
    if found.creates and given != "owner":
        say(
            "Warning: every user can create tables in this schema. To stop that, its owner runs in"
            " psql: REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        )
