"""Options of `archive check`.

Defaults of thresholds are in `archive.monitoring.thresholds`: an option that is not given is None
here. Ranges are read by `archive.monitoring.ranges`, in the notation of the Monitoring Plugins.
"""

from __future__ import annotations

from typing import Annotated

import typer

# The heading of their panel in the help text, with the notation.
_THRESHOLDS = "Thresholds (ranges: 10, 10:, ~:10, 10:20, @10:20)"


def _option(*names: str, help_: str) -> typer.models.OptionInfo:
    """Return an option for a threshold: a range as text, in a panel of its own in the help."""
    found: typer.models.OptionInfo = typer.Option(
        *names, metavar="RANGE", help=help_, rich_help_panel=_THRESHOLDS
    )
    return found


AppliancesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="APPLIANCE", help="Appliances (names or globs). Default: all."),
]
StaleOption = Annotated[
    str | None,
    typer.Option(
        "--stale",
        metavar="TIME",
        help="UNKNOWN if the newest import is older, such as 36h. Default: 50h.",
    ),
]
TimeoutOption = Annotated[
    int,
    typer.Option(
        "--timeout",
        "-t",
        metavar="SECONDS",
        min=1,
        max=86_400,
        help="UNKNOWN if the check takes longer.",
    ),
]
WarningAge = Annotated[
    str | None,
    _option("--warning-age", "-w", help_="Age of the last success, such as 26h. Default: the RPO."),
]
CriticalAge = Annotated[
    str | None,
    _option(
        "--critical-age",
        "-c",
        help_="Age of the last success, such as 50h. Default: twice the RPO.",
    ),
]
WarningFailures = Annotated[
    str | None,
    _option("--warning-failures", help_="Consecutive failures. Default: 2, so that 3 warn."),
]
CriticalFailures = Annotated[
    str | None, _option("--critical-failures", help_="Consecutive failures.")
]
WarningMissed = Annotated[
    str | None, _option("--warning-missed", help_="Days with missed backups, of the last 30.")
]
CriticalMissed = Annotated[
    str | None, _option("--critical-missed", help_="Days with missed backups, of the last 30.")
]
WarningDrop = Annotated[
    str | None,
    _option(
        "--warning-drop", help_="How much smaller the last success is than usual. Default: 50%."
    ),
]
CriticalDrop = Annotated[
    str | None,
    _option(
        "--critical-drop", help_="How much smaller the last success is than usual. Default: 90%."
    ),
]
WarningDuration = Annotated[
    str | None,
    _option("--warning-duration", help_="Duration of the last success, such as 2h or 90min."),
]
CriticalDuration = Annotated[
    str | None, _option("--critical-duration", help_="Duration of the last success.")
]
WarningStuck = Annotated[
    str | None, _option("--warning-stuck", help_="Stuck jobs. Default: 0, so that any warns.")
]
CriticalStuck = Annotated[str | None, _option("--critical-stuck", help_="Stuck jobs.")]
WarningOther = Annotated[
    str | None,
    _option(
        "--warning-other",
        help_="Jobs of the last 30 days in an unknown status. Default: 0, so that any warns.",
    ),
]
CriticalOther = Annotated[
    str | None,
    _option("--critical-other", help_="Jobs of the last 30 days in an unknown status."),
]
WarningImport = Annotated[
    str | None,
    _option(
        "--warning-import",
        help_="Age of the last import of the appliance. Default: longer than usual for it.",
    ),
]
CriticalImport = Annotated[
    str | None, _option("--critical-import", help_="Age of the last import of the appliance.")
]
