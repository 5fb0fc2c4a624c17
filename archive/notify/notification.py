"""A notification as text: a title and a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.monitoring.assessment import counts, described
from archive.monitoring.plugin import Level, harmless, worst
from archive.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.monitoring.assessment import Assessment
    from archive.monitoring.thresholds import Judgement
    from archive.notify.changes import Changes

# Chat programs show long messages in parts, or cut them.
_AT_MOST = 20


class Notification(NamedTuple):
    """A title of one line and a body, both plain text; `level` is that of the worst new problem."""

    title: str
    body: str
    level: Level


# What `archive notify --test` sends.
TEST = Notification(
    "vCenter backups: test",
    "This is a test of archive notify. Nothing is wrong.",
    Level.OK,
)


def notification(found: Changes, now: Assessment) -> Notification:
    """Return the notification of changes that are not empty.

    Texts from the archive are on one line and without control characters.
    """
    parts = []
    if found.archive is not None:
        parts.append(f"No check of the backups is possible: {harmless(found.archive)}.")
    if found.archive_recovered:
        parts.append("Imports have resumed; the archive is no longer stale.")
    if found.worse:
        parts.append("\n".join(["New or worse:", *_lines(found.worse)]))
    if found.recovered:
        parts.append("\n".join(["Recovered:", *_lines(found.recovered)]))
    if found.archive is None:
        parts.append(f"Now: {counts(now.appliances) or 'no appliances'}.")
    level = Level.UNKNOWN if found.archive else worst(one.level for one in found.worse)
    return Notification(f"vCenter backups: {_title(found)}", "\n\n".join(parts), level)


def _title(found: Changes) -> str:
    """Return the number of problems and recoveries, or the appliance if there is only one."""
    if found.archive is not None:
        return harmless(found.archive)
    every = (*found.worse, *found.recovered)
    if len(every) == 1:
        (one,) = every
        name = harmless(one.appliance)
        return f"{name} {one.level.name}" if found.worse else f"{name} recovered"
    parts = [
        counted(len(found.worse), "new problem") if found.worse else "",
        f"{len(found.recovered):,} recovered" if found.recovered else "",
    ]
    return ", ".join(filter(None, parts)) or "imports have resumed"


def _lines(found: Sequence[Judgement]) -> Iterator[str]:
    """Yield a line for each of the first 20 appliances, and the number of the others."""
    for one in found[:_AT_MOST]:
        level = "" if one.level is Level.OK else f"{one.level.name} "
        yield f"{level}{harmless(described(one))}"
    if len(found) > _AT_MOST:
        yield f"... and {len(found) - _AT_MOST:,} more"
