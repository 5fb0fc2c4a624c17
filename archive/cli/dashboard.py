"""`archive dashboard`: the fleet on one page, in one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    OutputOption,
    SinceOption,
    UntilOption,
    examples,
    open_archive,
    say,
)
from archive.cli.report_options import NowOption, ObjectiveOption, TagsOption
from archive.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = examples(
    "archive dashboard -o fleet.html",
    "archive dashboard --tag site=berlin --title 'Backups in Berlin' -o berlin.html",
    "archive dashboard --since 2026-01-01 > fleet.html",
)


def dashboard(
    output: OutputOption = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What stands at its top.")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: ObjectiveOption = None,
    now: NowOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the fleet as one HTML file that needs nothing else: to read, to mail, to print.

    What needs attention stands first, then a calendar of each appliance, trends, failures, growth,
    builds and collection. Without --since it has two years.
    """
    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_output
    from archive.dashboard.gathered import gather
    from archive.dashboard.page import TITLE, page
    from archive.reports import Scope

    _refuse_terminal(output)
    moment = parse.instant(now)
    with db.reading(open_archive(database, config)) as connection:
        first, last = parse.days(connection, since, until, moment)
        scope = Scope(
            since=first,
            until=last,
            appliances=tuple(appliance or ()),
            named=parse.tagged(tag or (), config),
            now=moment,
            objective_seconds=parse.seconds(rpo),
            cadences=parse.cadences(config),
        )
        found = gather(connection, scope, parse.tags(config))
    text = page(found, TITLE if title is None else title)
    with open_output(output) as out:
        out.write(text)
    if output is not None:
        jobs = len(found.history.days)
        say(
            f"{output.resolve()} shows {found.number:,} appliances and {jobs:,} jobs in"
            f" {len(text.encode()) / 1e6:.1f} MB; open it in a browser."
        )


def _refuse_terminal(output: Path | None) -> None:
    if output is None and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a page is nothing for a terminal; name a file with -o FILE.html")
