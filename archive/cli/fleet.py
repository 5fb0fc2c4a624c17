"""`archive fleet`: the appliances in the configuration.

No verb of it opens an archive; `archive appliance list` shows which appliances are archived.
"""

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
    TagsOption,
    examples,
    say,
)

if TYPE_CHECKING:
    from archive.config.settings import Entry, Fleet, Trust

app = typer.Typer(
    no_args_is_help=True, help="List, test and add the appliances in the configuration."
)

PatternsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|GLOB]...", help="Appliances. Default: all that are enabled."),
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
    """List the appliances in the configuration, without connecting or reading secrets."""
    from archive.cli.output import open_output
    from archive.columns import Column, Kind
    from archive.config.selection import select
    from archive.render.write import write

    columns = (
        Column("name"),
        Column("address", expendable=2),
        Column("user", expendable=4),
        Column("secret", expendable=9),
        Column("trust", expendable=8),
        Column("cadence_seconds", Kind.SECONDS, expendable=5),
        Column("tags", expendable=3),
        Column("enabled", Kind.FLAG),
    )
    # Disabled ones, too: the list shows the whole configuration.
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
    """Return the configuration. Raises ConfigurationError if there is none.

    Raises ConfigurationError, too, with all errors in the file.
    """
    from archive.config import file
    from archive.errors import ConfigurationError

    # None if none of the places has a file; a named file that is missing is an error.
    path = file.find(config)
    if path is None:
        raise ConfigurationError(
            f"no configuration at {file.users_own()} or {file.SYSTEM}: create one with `archive fleet"
            f" add`, or name one with --config or ${file.VARIABLE}"
        )
    return file.read(path)


def enabled_entries(fleet: Fleet, patterns: list[str] | None, tag: list[str] | None) -> list[Entry]:
    """Return the selected enabled appliances. Raises ConfigurationError if there are none."""
    from archive.config.selection import select
    from archive.errors import ConfigurationError

    entries = select(fleet, patterns or [], tag or [])
    if not entries:
        raise ConfigurationError(f"{fleet.path}: no enabled appliance")
    return entries


def warn_of_unverified(entries: Iterable[Entry]) -> None:
    """Warn of appliances whose certificates are not verified."""
    names = [entry.name for entry in entries if not entry.trust.verify]
    if names:
        say(
            "Warning: certificates are not verified, so passwords may reach an attacker:"
            f" {', '.join(names)}."
        )


def _trust(trust: Trust) -> str:
    """Return how a certificate is checked: `system`, `CA file ...`, `pin` or `OFF`."""
    if not trust.verify:
        return "OFF"
    if trust.pin is not None:
        return "pin"
    return "system" if trust.ca_file is None else f"CA file {trust.ca_file}"
