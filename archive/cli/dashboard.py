"""`archive dashboard`: write the state of the fleet as one HTML file.

All that the page shows is read in one transaction, so its parts agree with each other.
"""

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
    TagsOption,
    UntilOption,
    examples,
    open_reader,
    say,
)
from archive.cli.report_options import NowOption, RpoOption
from archive.errors import UsageError
from archive.text import counted

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = examples(
    "archive dashboard -o fleet.html",
    "archive dashboard --tag site=berlin --title 'In Berlin' -o berlin.html",
    "archive dashboard --since 2026-01-01 > fleet.html",
)


def dashboard(
    output: OutputOption = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Title of the page.")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    rpo: RpoOption = None,
    now: NowOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Write the state of the fleet as one self-contained HTML file, to read, mail or print.

    The page starts with what needs attention, then a calendar of each appliance, trends, failures,
    growth, builds and collection. Without --since it covers two years.
    """
    from archive import db
    from archive.cli import parse
    from archive.cli.output import open_output
    from archive.dashboard.gathered import gather
    from archive.dashboard.page import TITLE, page

    # Before the reports run, which may take a while.
    _refuse_terminal(output)
    with db.reading(open_reader(database, config)) as connection:
        scope = parse.scope(
            config,
            connection,
            since=since,
            until=until,
            appliance=appliance,
            tag=tag,
            rpo=rpo,
            now=now,
        )
        found = gather(connection, scope, parse.tags(config))
    # Outside of the transaction, since it no longer needs the database.
    text = page(found, TITLE if title is None else title)
    with open_output(output) as out:
        out.write(text)
    if output is not None:
        jobs = len(found.history.days)
        say(
            f"{output.resolve()}: {counted(found.number, 'appliance')}, {counted(jobs, 'job')},"
            f" {len(text.encode()) / 1e6:.1f} MB. Open it in a browser."
        )


def _refuse_terminal(output: Path | None) -> None:
    """Raise UsageError if the page, megabytes of HTML, would go to a terminal."""
    if output is None and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal: write the page to a file with -o FILE.html"
        )
