"""`archive demo`: a made-up fleet's history in an archive to play with."""

from __future__ import annotations

import io
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archive.cli.options import DebugOption, Format, _from_anywhere, examples, say
from archive.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from archive.demo.fleet import Plan
    from archive.store.counts import Counts

# In the current folder, where its file is seen and can be deleted.
DEFAULT = "archive-demo.db"
# What the run log calls the imports, and so how a demo's archive is told from any other.
SOURCE = "archive demo: "

EPILOG = examples("archive demo", "archive demo --database postgresql://me@localhost/demo")
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
            help=f"Another place than {DEFAULT}: a URL or the path of a SQLite file.",
            callback=_from_anywhere,
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Fill an archive with two years of a made-up fleet, and show what can be asked of it.

    It goes into the file archive-demo.db in the current folder; $ARCHIVE_DATABASE_URL is left
    alone. What an earlier demo has put there is replaced; an archive with anything else in it is
    not touched.
    """
    from datetime import UTC, datetime

    from archive import db
    from archive.db import migrate as databases
    from archive.demo.fleet import plan

    engine = databases.connect(database or DEFAULT)
    _prepare(engine)
    fleet = plan(datetime.now(UTC))
    counts = _fill(engine, fleet)
    place = databases.describe(engine)
    path = db.sqlite_file(engine.url)
    say(
        f"{path.resolve() if path else place} now holds {counts.new:,} made-up jobs of"
        f" {len(fleet.appliances)} appliances since {fleet.start:%Y-%m-%d}.\n"
    )
    _show(engine)
    say("\nTry next:\n")
    program = _program()
    for line in TRY:
        say(f"  {program}{line.removeprefix('archive')} --database {shlex.quote(place)}")


def _program() -> str:
    """Return how this command is called from here: by its name only if the shell would find it."""
    return "archive" if shutil.which("archive") else shlex.quote(sys.argv[0])


def _prepare(engine: Engine) -> None:
    """Leave an empty archive. Raises UsageError if there is anything that no demo has made."""
    import sqlalchemy as sa

    from archive import db
    from archive.db import migrate as databases
    from archive.db import tables

    path = db.sqlite_file(engine.url)
    if path is not None and not path.exists():
        databases.upgrade(engine)
        return
    with db.reading(engine) as connection:
        if databases.revision(connection) is None:
            if set(sa.inspect(connection).get_table_names()) - {"alembic_version"}:
                raise _not_ours(engine)
            sources = None
        else:
            databases.require(engine)
            sources = connection.execute(sa.select(tables.ingest_run.c.source)).scalars().all()
    if sources is not None and not all(source.startswith(SOURCE) for source in sources):
        raise _not_ours(engine)
    if sources:
        databases.downgrade(engine, "base")
    if sources != []:
        databases.upgrade(engine)


def _not_ours(engine: Engine) -> UsageError:
    from archive.db import migrate as databases

    place = databases.describe(engine)
    return UsageError(
        f"{place} holds something that is not a demo, and stays as it is;"
        " name another place with --database, for example --database another-demo.db"
    )


def _fill(engine: Engine, fleet: Plan) -> Counts:
    from archive.demo.collection import EVERY, collect
    from archive.ingest.ingest import Source, ingest
    from archive.render.progress import progress
    from archive.store.counts import Counts

    total = Counts()
    rounds = fleet.days // EVERY.days + 1
    with progress("Two years of backups", rounds * len(fleet.appliances)) as advance:
        for done, collected in enumerate(collect(fleet), 1):
            stream: Any = io.BufferedReader(io.BytesIO(collected.content))
            name = f"{SOURCE}{collected.appliance}"
            source = Source(name, stream, collected.appliance, collected.seen_at)
            total.new += ingest(engine, source).counts.new
            advance(done)
    return total


def _show(engine: Engine) -> None:
    """Print the overview of the history by quarter, which fits on a screen."""
    from archive import db, reports
    from archive.cli.output import open_output
    from archive.render.write import write

    report, scope = reports.find("trends"), reports.Scope("quarter")
    with db.reading(engine) as connection, open_output(None) as out:
        rows = report.cells_of(scope, reports.run(connection, report.name, scope))
        write(report.columns_of(scope), rows, Format.TABLE, out)
