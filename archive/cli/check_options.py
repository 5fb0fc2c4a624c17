"""The options of `archive check`: a name for each, so that the verb itself stays legible."""

from __future__ import annotations

from typing import Annotated

import typer

_THRESHOLDS = "Thresholds (ranges: 10, 10:, ~:10, 10:20, @10:20)"


def _option(*names: str, help_: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        *names, metavar="RANGE", help=help_, rich_help_panel=_THRESHOLDS
    )
    return found


AppliancesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="APPLIANCE", help="Which appliances, as globs; all, if none is named."),
]
StaleOption = Annotated[
    str | None,
    typer.Option(
        "--stale",
        metavar="TIME",
        help="UNKNOWN if nothing has been imported for longer, such as 36h; else 50h.",
    ),
]
TimeoutOption = Annotated[
    int,
    typer.Option(
        "--timeout", "-t", metavar="SECONDS", min=1, max=86_400, help="UNKNOWN if it takes longer."
    ),
]
WarningAge = Annotated[
    str | None,
    _option(
        "--warning-age", "-w", help_="Age of the last success, such as 26h; else its objective."
    ),
]
CriticalAge = Annotated[
    str | None,
    _option("--critical-age", "-c", help_="The same, such as 50h; else twice the objective."),
]
WarningFailures = Annotated[
    str | None, _option("--warning-failures", help_="Failures in a row; else 2, so that 3 warn.")
]
CriticalFailures = Annotated[str | None, _option("--critical-failures", help_="The same.")]
WarningMissed = Annotated[
    str | None, _option("--warning-missed", help_="Missed days of the last 30.")
]
CriticalMissed = Annotated[str | None, _option("--critical-missed", help_="The same.")]
WarningDrop = Annotated[
    str | None,
    _option("--warning-drop", help_="How much smaller than usual the last success is; else 50%."),
]
CriticalDrop = Annotated[str | None, _option("--critical-drop", help_="The same; else 90%.")]
WarningDuration = Annotated[
    str | None, _option("--warning-duration", help_="How long the last success took, such as 2h.")
]
CriticalDuration = Annotated[str | None, _option("--critical-duration", help_="The same.")]
WarningImport = Annotated[
    str | None,
    _option(
        "--warning-import",
        help_="When the archive last heard of the appliance; else if longer ago than usual.",
    ),
]
CriticalImport = Annotated[str | None, _option("--critical-import", help_="The same.")]
