"""`archive appliance hold` and `release`: keep `archive db prune` away from an appliance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archive.cli import parse
from archive.cli.options import (
    ConfigOption,
    DatabaseOption,
    DebugOption,
    TagsOption,
    examples,
    open_archive,
    say,
)
from archive.errors import UsageError
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

HOLD_EPILOG = examples(
    "archive appliance hold vc01.example.com", "archive appliance hold --tag department=finance"
)
RELEASE_EPILOG = examples("archive appliance release vc01.example.com")
_NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Names of appliances in the archive."),
]


def hold(
    names: _NamesArgument = None,
    tag: TagsOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Put appliances on legal hold: `archive db prune` leaves all of their jobs alone.

    With --tag, those that have the tag now. One that gets the tag later is not on hold.
    """
    from archive.maintenance import hold as holding

    changed = holding.hold(open_archive(database, config), _named(names, tag, config))
    say(f"{counted(len(changed), 'appliance')} put on legal hold{_listed(changed)}.")


def release(
    names: _NamesArgument = None,
    tag: TagsOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    debug: DebugOption = False,
) -> None:
    """Release appliances from legal hold. The next `archive db prune` includes their jobs."""
    from archive.maintenance import hold as holding

    changed = holding.release(open_archive(database, config), _named(names, tag, config))
    say(f"{counted(len(changed), 'appliance')} released from legal hold{_listed(changed)}.")


def _named(
    names: Sequence[str] | None, tags: Sequence[str] | None, config: str | None
) -> Sequence[str]:
    """Return the names of the appliances. Raises UsageError for none, or if both ways are used."""
    if bool(names) == bool(tags):
        raise UsageError("name appliances, or select them with --tag")
    return sorted(parse.tagged(tags or (), config) or ()) if tags else names or ()


def _listed(changed: Sequence[str]) -> str:
    return f": {', '.join(changed)}" if changed else ""
