"""`archive report`: show reports on the backup history.

Notes below a table go to standard error, so that the output has rows alone; JSON has them before
its rows.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from archive.appliance_names import split_globs
from archive.cli.options import (
    TIME_LIMIT,
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    SinceOption,
    TagsOption,
    TimeLimitOption,
    TypesOption,
    UntilOption,
    examples,
    open_reader,
    say,
    within,
)
from archive.cli.report_options import (
    BuildsOption,
    ByOption,
    CapacityOption,
    CompareOption,
    KeepOption,
    ListOption,
    LocationsOption,
    NameArgument,
    NowOption,
    PeriodOption,
    PlotOption,
    RpoOption,
    SortOption,
    StatusesOption,
    TopOption,
)
from archive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from sqlalchemy.engine import Connection

    from archive.reports import Report, Scope
    from archive.reports.core.plots import Drawing

EPILOG = examples(
    "archive report --list",
    "archive report trends",
    "archive report success --period week --since 'last month' --by appliance",
    "archive report sizes --plot",
    "archive report sizes --appliance 'vc0*' --format csv -o sizes.csv",
    "archive report volume --by appliance --sort -size_total_bytes --top 10",
)


class ReportCommand(TyperCommand):
    """A command whose help lists the reports; they are imported only when help is shown.

    Importing the reports takes longer than all the rest of the help.
    """

    def format_help(self, *arguments: Any) -> None:
        """Write the help text."""
        from archive.reports import REPORTS

        listed = "\n\n".join(
            f"[bold]{report.name}[/]: {report.question}" for report in REPORTS.values()
        )
        text = self.help
        self.help = f"{text}\n\nReports:\n\n{listed}"
        super().format_help(*arguments)
        # As before, since the object may format its help again.
        self.help = text


def report(
    name: NameArgument = None,
    period: PeriodOption = "month",
    by: ByOption = None,
    compare: CompareOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    tag: TagsOption = None,
    job_type: TypesOption = None,
    location: LocationsOption = None,
    build: BuildsOption = None,
    status: StatusesOption = None,
    rpo: RpoOption = None,
    capacity: CapacityOption = None,
    keep: KeepOption = None,
    now: NowOption = None,
    plot: PlotOption = False,
    list_: ListOption = False,
    time_limit: TimeLimitOption = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Show a report on the backup history. Each report answers one question."""
    from archive import db, reports
    from archive.cli import asked_report, parse
    from archive.cli.output import open_output
    from archive.render import records
    from archive.render.write import write
    from archive.reports.answer import answer
    from archive.reports.core import plots
    from archive.store import settings

    if list_:
        _write_list(output_format, output)
        return
    if name is None:
        raise UsageError("no report named: `archive report --list` lists the reports")
    chosen = reports.find(name)
    if plot and output_format is not Format.TABLE:
        raise UsageError(f"--plot and --format {output_format} exclude each other")
    limit = parse.seconds(time_limit) or TIME_LIMIT
    engine = open_reader(database, config, limit)
    with within(name, limit), db.reading(engine) as connection:
        scope = asked_report.scope(
            connection,
            config,
            chosen,
            period=period,
            by=by,
            compare=compare,
            since=since,
            until=until,
            appliance=appliance,
            tag=tag,
            job_type=job_type,
            location=location,
            build=build,
            status=status,
            rpo=rpo,
            capacity=capacity,
            keep=keep,
            now=now,
        )
        found = answer(connection, chosen, scope, sort, top)
        charts = plots.charts(chosen, scope, reports.REPORTS.values()) if plot else ()
        rows = _Counted(found.rows)
        with open_output(output) as out:
            if plot:
                _draw(plots.drawing(charts, scope, found.columns, rows), out, output)
            elif output_format is Format.JSON:
                heading = found.heading(connection, asked_report.further(scope, tag, now))
                records.write_within(heading, "rows", found.columns, rows, out)
            else:
                write(found.columns, rows, output_format, out, settings.calendar(connection).zone)
        # JSON has the notes before its rows, and CSV has no place for them.
        if output_format is Format.TABLE:
            _explain(connection, chosen, scope, rows.number)


def _write_list(output_format: Format, output: Path | None) -> None:
    """Write the reports, with their questions, groups, and whether they can be drawn.

    `by` are the groups, joined by a comma and a space.
    """
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.render.write import write
    from archive.reports import REPORTS
    from archive.reports.core import plots

    columns = (Column("name"), Column("question"), Column("by"), Column("plot", Kind.FLAG))
    rows = [
        (found.name, found.question, ", ".join(found.groups), bool(plots.ways(found)))
        for found in REPORTS.values()
    ]
    with open_output(output) as out:
        write(columns, rows, output_format, out)


def _draw(drawing: Drawing, out: TextIO, output: Path | None) -> None:
    """Write charts, and the notes on them on standard error."""
    from archive.cli.output import is_ascii
    from archive.render import plot
    from archive.render.units import text

    plot.write(drawing.figures, out, ascii_only=output is None and is_ascii())
    for note in drawing.notes:
        _note(text(note))  # it may contain names from the documents


class _Counted:
    """An iterable of rows that counts them.

    The first row is fetched at once, so that an error shows before any output is written.
    """

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = chain(list(islice(rows, 1)), rows)
        self.number = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.number += 1
            yield row


def _explain(connection: Connection, report: Report, scope: Scope, number: int) -> None:
    """Print the notes below a table.

    Standard error has them, and when the archive was filled, so that old data are noticed.
    """
    from archive import reports
    from archive.render.units import UTC, moment
    from archive.reports.core import pruned
    from archive.store import settings

    if not number:
        _note(f"No rows{_limits(scope)}.")
    for note in chain(report.notes(connection, scope), pruned.notes(connection, scope)):
        _note(note)
    known = reports.import_span(connection, scope)
    if known is None:
        _note("No imports yet: see `archive collect --help` and `archive ingest --help`.")
    else:
        zone = settings.calendar(connection).zone
        times = "" if zone == UTC else f" Times are in {zone}."
        _note(f"Imports from {moment(known.first, zone)} to {moment(known.last, zone)}.{times}")


def _note(text: str) -> None:
    """Print a note on standard error, folded between words on a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        text = textwrap.fill(
            text, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False
        )
    say(text)


def _limits(scope: Scope) -> str:
    """Return what the rows were limited to, in words, for the sentence that there are none."""
    chosen, left_out = split_globs(scope.appliances)
    limits = (
        (scope.since, f"since {scope.since}"),
        (scope.until, f"until {scope.until}"),
        (scope.types, f"of type {' or '.join(scope.types)}"),
        (scope.statuses, f"with status {' or '.join(scope.statuses)}"),
        (scope.builds, f"of build {' or '.join(scope.builds)}"),
        (scope.locations, f"to {' or '.join(scope.locations)}"),
        (chosen, f"of {' or '.join(chosen)}"),
        (left_out, f"without {' or '.join(left_out)}"),
    )
    return "".join(f" {words}" for given, words in limits if given)
