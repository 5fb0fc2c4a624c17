"""The options of `archive report`: a name for each, so that the verb itself stays legible."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from archive.cli.options import GREATEST

# The same as `calendar.PERIODS` and `scope.ALL_GROUPS`, which would be slow to import for a help text.
Period = Literal["day", "week", "month", "quarter", "year"]
Group = Literal["appliance", "type", "build", "location", "day"]

_JUDGEMENT = "What they are held against"
_ROWS = "Which rows"


def complete_name(incomplete: str) -> list[tuple[str, str]]:
    """Return the reports whose names begin like that, with their questions."""
    from archive.reports import REPORTS

    return [
        (report.name, report.question)
        for report in REPORTS.values()
        if report.name.startswith(incomplete)
    ]


def complete_group(context: typer.Context, incomplete: str) -> list[str]:
    """Return what the report that has been named can be grouped by."""
    from archive.reports import REPORTS
    from archive.reports.core.scope import ALL_GROUPS

    name = context.params.get("name")
    groups = REPORTS[name].groups if name in REPORTS else ALL_GROUPS
    return [group for group in groups if group.startswith(incomplete)]


def complete_column(context: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the report that has been named, after a `-` if there is one."""
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
    typer.Argument(metavar="NAME", help="Which report; see above.", autocompletion=complete_name),
]
ListOption = Annotated[bool, typer.Option("--list", help="List the reports instead.")]
PeriodOption = Annotated[
    Period,
    typer.Option("--period", "-p", help="What a row stands for.", rich_help_panel=_ROWS),
]
ByOption = Annotated[
    Group | None,
    typer.Option(
        "--by",
        help="A row for each of these, too.",
        autocompletion=complete_group,
        rich_help_panel=_ROWS,
    ),
]
CompareOption = Annotated[
    bool,
    typer.Option(
        "--compare", help="The main figures of the period before, too.", rich_help_panel=_ROWS
    ),
]
SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Order rows by a column, as CSV names it; -COLUMN is descending.",
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
        help="Only the first N rows of that order.",
        rich_help_panel=_ROWS,
    ),
]
PlotOption = Annotated[
    bool,
    typer.Option(
        "--plot", help="Draw the rows instead, of reports that have a plot.", rich_help_panel=_ROWS
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Only appliances with this tag in the configuration; values of the same tag are"
        " alternatives.",
    ),
]
LocationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--location",
        metavar="GLOB",
        help="Only jobs to these targets, in any case, such as 'sftp://nas*'.",
    ),
]
BuildsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--build",
        metavar="GLOB",
        help="Only jobs of these builds, by version or build number, such as '8.0.*'.",
    ),
]
StatusesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status", "-s", metavar="STATUS", help="Only jobs in this status.",
    ),
]  # fmt: skip
ObjectiveOption = Annotated[
    str | None,
    typer.Option(
        "--rpo",
        metavar="TIME",
        help="The greatest age that a last success may have, such as 25h or 1d.",
        rich_help_panel=_JUDGEMENT,
    ),
]
CapacityOption = Annotated[
    str | None,
    typer.Option(
        "--capacity",
        metavar="SIZE",
        help="How much the targets hold, such as 2TB or 500GiB.",
        rich_help_panel=_JUDGEMENT,
    ),
]
KeepOption = Annotated[
    int | None,
    typer.Option(
        "--keep",
        metavar="N",
        min=1,
        max=GREATEST,
        help="How many backups of an appliance are kept there.",
        rich_help_panel=_JUDGEMENT,
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="INSTANT",
        help="As of when ages are told, and days count back, such as 2026-03-01T12:00:00Z.",
        rich_help_panel=_JUDGEMENT,
    ),
]
