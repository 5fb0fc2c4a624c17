"""Options of `archive report`, some of which other verbs share.

Which of them a report takes is in its `takes`; others are refused with a sentence. Completion needs
no archive: it offers reports, their groups and their columns.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from archive.cli.options import GREATEST

# Copies of `calendar.PERIODS` and `scope.ALL_GROUPS`, which take too long to import for a help text.
Period = Literal["day", "week", "month", "quarter", "year"]
Group = Literal["appliance", "type", "build", "location", "day"]

# Panels of the help text.
_THRESHOLDS = "Thresholds"
_ROWS = "Rows"


def complete_name(incomplete: str) -> list[tuple[str, str]]:
    """Return the reports whose names start with the text, with their questions."""
    from archive.reports import REPORTS

    return [
        (report.name, report.question)
        for report in REPORTS.values()
        if report.name.startswith(incomplete)
    ]


def complete_group(context: typer.Context, incomplete: str) -> list[str]:
    """Return the groups of the report named before, or all groups."""
    from archive.reports import REPORTS
    from archive.reports.core.scope import ALL_GROUPS

    name = context.params.get("name")
    groups = REPORTS[name].groups if name in REPORTS else ALL_GROUPS
    return [group for group in groups if group.startswith(incomplete)]


def complete_column(context: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the report named before, with a `-` if the text starts with one."""
    from archive.reports import REPORTS, Scope

    name = context.params.get("name")
    if name not in REPORTS:
        return []
    scope = Scope(by=context.params.get("by"), compare=bool(context.params.get("compare")))
    sign = "-" if incomplete.startswith("-") else ""
    names = [f"{sign}{column.name}" for column in REPORTS[name].columns_of(scope)]
    return [column for column in names if column.startswith(incomplete)]


NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="The report, from the list above.", autocompletion=complete_name
    ),
]
ListOption = Annotated[bool, typer.Option("--list", help="List the reports.")]
PeriodOption = Annotated[
    Period,
    typer.Option("--period", "-p", help="Period of a row.", rich_help_panel=_ROWS),
]
ByOption = Annotated[
    Group | None,
    typer.Option(
        "--by",
        help="Group by.",
        autocompletion=complete_group,
        rich_help_panel=_ROWS,
    ),
]
CompareOption = Annotated[
    bool,
    typer.Option(
        "--compare", help="Add the main figures of the period before.", rich_help_panel=_ROWS
    ),
]
SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Sort by this column, named as in CSV. -COLUMN sorts in descending order.",
        autocompletion=complete_column,
        rich_help_panel=_ROWS,
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="N",
        min=1,
        max=GREATEST,
        help="Show only the first N rows, after sorting.",
        rich_help_panel=_ROWS,
    ),
]
PlotOption = Annotated[
    bool,
    typer.Option(
        "--plot",
        help="Draw a chart instead of a table, if the report has one.",
        rich_help_panel=_ROWS,
    ),
]
LocationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--location",
        metavar="GLOB",
        help="Only jobs to this target (glob, any case), such as 'sftp://nas*'. Repeatable.",
    ),
]
BuildsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--build",
        metavar="GLOB",
        help="Only jobs of this version or build number (glob), such as '8.0.*'. Repeatable.",
    ),
]
StatusesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status", "-s", metavar="STATUS", help="Only jobs with this status. Repeatable.",
    ),
]  # fmt: skip
RpoOption = Annotated[
    str | None,
    typer.Option(
        "--rpo",
        metavar="TIME",
        help="RPO: the maximum age of the last success, such as 25h, 90min or 1d.",
        rich_help_panel=_THRESHOLDS,
    ),
]
CapacityOption = Annotated[
    str | None,
    typer.Option(
        "--capacity",
        metavar="SIZE",
        help="Capacity of the targets, such as 2TB or 500GiB.",
        rich_help_panel=_THRESHOLDS,
    ),
]
KeepOption = Annotated[
    int | None,
    typer.Option(
        "--keep",
        metavar="N",
        min=1,
        max=GREATEST,
        help="Number of retained copies of an appliance on the target.",
        rich_help_panel=_THRESHOLDS,
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="INSTANT",
        help="Evaluate as of this time instead of now, such as 2026-03-01T12:00:00Z.",
        rich_help_panel=_THRESHOLDS,
    ),
]
