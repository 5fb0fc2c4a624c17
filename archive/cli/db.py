"""`archive db`: the archive itself: its schema, its calendar, its soundness."""

from __future__ import annotations

from typing import Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    connect,
    examples,
    open_archive,
    say,
)
from archive.errors import CheckError

app = typer.Typer(
    no_args_is_help=True,
    help="Create, upgrade and check the archive; set its calendar; let others read it.",
)


@app.command(
    "upgrade", epilog=examples("archive db upgrade --database postgresql://archive@db/archive")
)
def upgrade(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Create the archive, or bring its schema to this version's, in one transaction."""
    from archive.db import migrate as databases

    engine = connect(database, config)
    before = databases.current(engine)
    databases.upgrade(engine)
    place = databases.describe(engine)
    if before == databases.HEAD:
        say(f"The archive at {place} has schema {before} already.")
    else:
        say(f"The archive at {place} now has schema {databases.HEAD}.")


@app.command("current", epilog=examples("archive db current"))
def current(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Print the revision of the archive's schema."""
    from archive.db import migrate as databases

    typer.echo(databases.current(connect(database, config)) or "none")


@app.command("verify", epilog=examples("archive db verify"))
def check(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Verify the archive: schema, references, every document rebuilt and compared, every day.

    Exit code 1 if anything is wrong; what is wrong is printed, one sentence a line.
    """
    from archive.maintenance.verify import verify
    from archive.render.progress import progress

    engine = open_archive(database, config)
    wrong = 0
    with progress("checking", 1) as advance:
        for sentence in verify(engine, lambda done, of: advance(done / of)):
            wrong += 1
            typer.echo(sentence)
    if wrong:
        number = "1 thing is" if wrong == 1 else f"{wrong:,} things are"
        raise CheckError(f"{number} wrong with the archive")
    say("The archive is sound.")


@app.command("rebuild", epilog=examples("archive db rebuild"))
def rebuild(
    database: DatabaseOption = None, config: ConfigOption = None, debug: DebugOption = False
) -> None:
    """Write the day totals, which reports over the whole fleet read, anew from the jobs."""
    from archive import db
    from archive.store import day_totals

    with db.writing(open_archive(database, config)) as connection:
        db.lock(connection, ["calendar"])
        wrong = day_totals.rebuild(connection)
    say(f"The day totals have been written anew; {wrong:,} rows were wrong.")


@app.command(
    "calendar",
    epilog=examples(
        "archive db calendar", "archive db calendar --time-zone Europe/Berlin --day-start 16:00"
    ),
)
def calendar(
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", metavar="ZONE", help="An IANA time zone.")
    ] = None,
    day_start: Annotated[
        str | None,
        typer.Option(
            "--day-start",
            metavar="HH:MM",
            help="When a backup day starts; 16:00 keeps one night's jobs on one day.",
        ),
    ] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Show how the archive cuts time into days, or change it: every job's day is derived anew."""
    from archive import calendar as days
    from archive import db
    from archive.maintenance import change_calendar
    from archive.store import settings

    engine = open_archive(database, config)
    with db.reading(engine) as connection:
        known = settings.calendar(connection)
    if time_zone is not None or day_start is not None:
        known = days.calendar(
            known.zone if time_zone is None else time_zone,
            known.day_start if day_start is None else day_start,
        )
        moved = change_calendar.change_calendar(engine, known)
        say(f"The day of {moved:,} job{'' if moved == 1 else 's'} has changed.")
    typer.echo(f"Days start at {known.day_start} {known.zone}.")


@app.command("role", epilog=examples("archive db role archive_reader"))
def role(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The role, new or not.")],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Make a role that can read the views and nothing else, or bring one up to date (PostgreSQL).

    A new one cannot log in, and so has no password: grant it to those who can.
    """
    from archive.db import roles

    found = roles.reader(open_archive(database, config), name)
    say(
        f"The role {name}, which {'is new' if found.made else 'was there'} and"
        f" {'can' if found.logs_in else 'cannot'} log in, can read {', '.join(roles.READABLE)},"
        " and nothing else of the archive."
    )
    if not found.logs_in:
        say(f"Let somebody read by it, in psql: GRANT {name} TO somebody")
    if found.creates:
        say(
            "Warning: it can make tables of its own, as everybody can here; the schema's owner ends"
            " that, in psql: REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        )
