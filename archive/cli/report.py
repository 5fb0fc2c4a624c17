"""`archive report`: the history of the backups, by period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from archive.cli.options import (
    AppliancesOption,
    ConfigOption,
    DatabaseOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    SinceOption,
    TypesOption,
    UntilOption,
    examples,
    open_archive,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection

    from archive.reports import Report, Scope

EPILOG = examples(
    "archive report trends",
    "archive report success --period week --since 2026-01-01 --by appliance",
    "archive report sizes --appliance 'vc0*' --format csv -o sizes.csv",
)
# The same as `days.PERIODS` and `scope.ALL_GROUPS`, which would be slow to import for a help text.
Period = Literal["day", "week", "month", "quarter", "year"]
Group = Literal["appliance", "type", "build", "location", "day"]


class ReportCommand(TyperCommand):
    """A command whose help lists the reports, which are read only when it is asked for."""

    def format_help(self, *arguments: Any) -> None:
        """Write the help text."""
        from archive.reports import REPORTS

        listed = "\n\n".join(
            f"[bold]{report.name}[/]: {report.question}" for report in REPORTS.values()
        )
        text = self.help
        self.help = f"{text}\n\nReports:\n\n{listed}"
        super().format_help(*arguments)
        self.help = text


def _complete(incomplete: str) -> list[tuple[str, str]]:
    from archive.reports import REPORTS

    return [
        (report.name, report.question)
        for report in REPORTS.values()
        if report.name.startswith(incomplete)
    ]


def report(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Which report; see above.", autocompletion=_complete),
    ],
    period: Annotated[
        Period, typer.Option("--period", "-p", help="What a row stands for.")
    ] = "month",
    since: SinceOption = None,
    until: UntilOption = None,
    appliance: AppliancesOption = None,
    job_type: TypesOption = None,
    by: Annotated[Group | None, typer.Option("--by", help="A row for each of these, too.")] = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Report the history of the backups: success, sizes and durations by period."""
    from archive import dialects, reports
    from archive.cli.output import open_output
    from archive.render.write import write

    chosen = reports.find(name)
    scope = reports.Scope(period, since, until, tuple(appliance or ()), tuple(job_type or ()), by)
    with dialects.reading(open_archive(database, config)) as connection:
        rows = _Counted(chosen.cells_of(scope, reports.run(connection, name, scope)))
        with open_output(output) as out:
            write(chosen.columns_of(scope), rows, output_format, out)
        if output_format is Format.TABLE:
            _explain(connection, chosen, scope, rows.number)


class _Counted:
    """Rows on their way, and how many there were."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.number += 1
            yield row


def _explain(connection: Connection, report: Report, scope: Scope, number: int) -> None:
    """Say what the rows of a table do not say themselves."""
    from archive import reports
    from archive.render.units import moment

    if not number:
        say(f"No jobs{_limits(scope)}.")
    for note in report.notes(connection, scope):
        say(note)
    known = reports.coverage(connection, scope)
    if known is None:
        say("Nothing has been delivered yet; see `archive ingest --help`.")
    else:
        say(f"Deliveries from {moment(known.first)} to {moment(known.last)}.")


def _limits(scope: Scope) -> str:
    limits = (
        (scope.since, f"since {scope.since}"),
        (scope.until, f"until {scope.until}"),
        (scope.types, f"of type {' or '.join(scope.types)}"),
        (scope.appliances, f"of {' or '.join(scope.appliances)}"),
    )
    return "".join(f" {words}" for given, words in limits if given)
