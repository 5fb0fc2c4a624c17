"""`archive fleet`: the appliances of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli.options import (
    ConfigOption,
    DebugOption,
    Format,
    FormatOption,
    OutputOption,
    examples,
    say,
)

if TYPE_CHECKING:
    from archive.config.entries import Entry, Fleet, Trust

app = typer.Typer(
    no_args_is_help=True, help="List, check and add the appliances of the configuration."
)

PatternsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|GLOB]...", help="Which appliances; all, if none is named."),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Only appliances with this tag; values of the same tag are alternatives.",
    ),
]


@app.command(
    "list", epilog=examples("archive fleet list", "archive fleet list 'vc0*' --tag site=Berlin")
)
def list_fleet(
    patterns: PatternsArgument = None,
    tag: TagsOption = None,
    output_format: FormatOption = Format.TABLE,
    output: OutputOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """List the appliances, and how each is reached; nothing is connected to, no secret is read."""
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.config.selection import select
    from archive.render.write import write

    columns = (
        Column("name"),
        Column("address"),
        Column("user"),
        Column("secret"),
        Column("trust"),
        Column("cadence_seconds", Kind.SECONDS),
        Column("tags"),
        Column("enabled", Kind.FLAG),
    )
    entries = select(read_fleet(config), patterns or [], tag or [], disabled=True)
    rows = [
        (
            entry.name,
            entry.address,
            entry.user,
            entry.secret.origin,
            _trust(entry.trust),
            entry.cadence_seconds,
            ", ".join(f"{name}={value}" for name, value in sorted(entry.tags.items())) or None,
            entry.enabled,
        )
        for entry in entries
    ]
    with open_output(output) as out:
        write(columns, rows, output_format, out)
    if not rows:
        say("The configuration has no appliances.")
    warn_of_unverified(entries)


def read_fleet(config: str | None) -> Fleet:
    """Return the configuration that is meant. Raises ConfigurationError if there is none."""
    from archive.config import file
    from archive.errors import ConfigurationError

    path = file.find(config)
    if path is None:
        raise ConfigurationError(
            f"there is no configuration at {file.users_own()} or {file.SYSTEM}; write one there, or"
            f" name one with --config or ${file.VARIABLE}"
        )
    return file.read(path)


def enabled_entries(fleet: Fleet, patterns: list[str] | None, tag: list[str] | None) -> list[Entry]:
    """Return the appliances that are meant. Raises ConfigurationError if all are disabled."""
    from archive.config.selection import select
    from archive.errors import ConfigurationError

    entries = select(fleet, patterns or [], tag or [])
    if not entries:
        raise ConfigurationError(f"{fleet.path} has no appliance that is enabled")
    return entries


def warn_of_unverified(entries: Iterable[Entry]) -> None:
    """Say of which appliances nobody knows whether they are what answers."""
    names = [entry.name for entry in entries if not entry.trust.verify]
    if names:
        say(
            f"Warning: certificates are not verified, so passwords may go to anybody: {', '.join(names)}."
        )


def _trust(trust: Trust) -> str:
    if not trust.verify:
        return "OFF"
    if trust.pin is not None:
        return "pin"
    return "system" if trust.ca_file is None else f"CA file {trust.ca_file}"
