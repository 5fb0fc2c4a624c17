"""`archive demo`: create a demo archive with the history of an invented fleet.

It goes through the ordinary import, answer by answer, as if the fleet had been collected from for
two years: so all totals and judgements come about as in use. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import io
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli.options import DebugOption, Format, examples, from_anywhere, say
from archive.errors import UsageError
from archive.text import counted

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.demo.fleet import Plan
    from archive.store.counts import Counts

# In the current folder, where users see the file and can delete it.
DEFAULT = "archive-demo.db"
# Start of the imports' sources; a demo archive is recognised by it.
SOURCE = "archive demo: "

EPILOG = examples("archive demo", "archive demo --database postgresql://me@localhost/demo")
# Their order is that of a first tour: state, trend, success, then SQL and single jobs.
TRY = (
    "archive report summary",
    "archive report durations --plot --appliance vc02.ber.example.com",
    "archive report success --period month --appliance '*.lon.*'",
    "archive sql last_success",
    "archive sql failures_this_week",
    "archive job list --status RUNNING",
)


def demo(
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            "-d",
            metavar="URL",
            help=f"Where to create it: a URL or the path of a SQLite file. Default: {DEFAULT}.",
            callback=from_anywhere,
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Create a demo archive with two years of an invented fleet, and suggest commands to try.

    Default: archive-demo.db in the current folder; $ARCHIVE_DATABASE_URL is ignored. An earlier demo
    archive is replaced, any other archive is left unchanged.
    """
    from datetime import UTC, datetime

    from archive import db
    from archive.db import migrate as databases
    from archive.demo.fleet import plan

    # Not the archive of the environment or the configuration: that is the real one.
    engine = databases.connect(database or DEFAULT)
    _prepare(engine)
    # Up to today, so that ages and overdue backups look as they do in use.
    fleet = plan(datetime.now(UTC))
    counts = _fill(engine, fleet)
    place = databases.describe(engine)
    path = db.sqlite_file(engine.url)
    say(
        f"Created {path.resolve() if path else place} with {counted(counts.new, 'invented job')} of"
        f" {counted(len(fleet.appliances), 'appliance')} since {fleet.start:%Y-%m-%d}.\n"
    )
    _show(engine)
    say("\nTry next:\n")
    program = _program()
    for line in TRY:
        say(f"  {program}{line.removeprefix('archive')} --database {shlex.quote(place)}")


def _program() -> str:
    """Return the command as the shell finds it: its name, or the path it was started by."""
    return "archive" if shutil.which("archive") else shlex.quote(sys.argv[0])


def _prepare(engine: Engine) -> None:
    """Create an empty archive. Raises UsageError if the database holds anything but a demo.

    A database of a later version is refused as well, by SchemaError.
    """
    import sqlalchemy as sa

    from archive import db
    from archive.db import migrate as databases
    from archive.db import tables
    from archive.db.foreign_tables import VERSION_TABLE

    path = db.sqlite_file(engine.url)
    if path is not None and not path.exists():
        databases.upgrade(engine)
        return
    with db.reading(engine) as connection:
        if databases.revision(connection) is None:
            if set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE}:
                raise _not_ours(engine)
            sources = None
        else:
            databases.require(engine)
            # An archive without imports is nobody's: it is used as it is.
            sources = connection.execute(sa.select(tables.ingest_run.c.source)).scalars().all()
    if sources is not None and not all(source.startswith(SOURCE) for source in sources):
        raise _not_ours(engine)
    if sources:
        databases.downgrade(engine, "base")
    if sources != []:
        databases.upgrade(engine)


def _not_ours(engine: Engine) -> UsageError:
    """Return the error for a database that a demo would destroy."""
    from archive.db import migrate as databases

    place = databases.describe(engine)
    return UsageError(
        f"{place} is not a demo archive and was left unchanged: name another one, for example"
        " --database another-demo.db"
    )


def _fill(engine: Engine, fleet: Plan) -> Counts:
    """Import the answers that a collector would have got, as `archive ingest` does.

    The name of each source starts with `SOURCE`, by which `_prepare` knows the archive again.
    """
    from archive.demo.collection import EVERY, collect
    from archive.ingest.ingest import Source, ingest
    from archive.render.progress import progress
    from archive.store.counts import Counts

    total = Counts()
    rounds = fleet.days // EVERY.days + 1
    with progress("Creating the demo", rounds * len(fleet.appliances)) as advance:
        for done, collected in enumerate(collect(fleet), 1):
            stream: Any = io.BufferedReader(io.BytesIO(collected.content))
            name = f"{SOURCE}{collected.appliance}"
            source = Source(name, stream, collected.appliance, collected.seen_at)
            total.new += ingest(engine, source).counts.new
            advance(done)
    return total


def _show(engine: Engine) -> None:
    """Print the report `trends` by quarter, which fits on a screen."""
    from archive import db, reports
    from archive.cli.output import open_output
    from archive.render.write import write

    report, scope = reports.find("trends"), reports.Scope("quarter")
    with db.reading(engine) as connection, open_output(None) as out:
        rows = report.cells_of(scope, reports.run(connection, report.name, scope))
        write(report.columns_of(scope), rows, Format.TABLE, out)
