"""The output of a monitoring plugin: a status line with performance data, then detail lines.

Source: the Monitoring Plugins Development Guidelines, sections on output and performance data.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.monitoring.ranges import Range

# The guidelines begin the output with the name of the service.
SERVICE = "ARCHIVE"
# Nagios reads 8 KiB of the output; some agents read less.
_LINES_AT_MOST = 20
# Characters; a name or a reason of an appliance may have more.
_LINE_AT_MOST = 300


class Level(IntEnum):
    """The state of a service; the numbers are the exit codes."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# A known problem matters more than an unknown state.
_BEST_FIRST = (Level.OK, Level.UNKNOWN, Level.WARNING, Level.CRITICAL)


def badness(level: Level) -> int:
    """Return the rank of a level: the worse, the greater."""
    return _BEST_FIRST.index(level)


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst level; OK if there are none."""
    return max(levels, key=badness, default=Level.OK)


class Datum(NamedTuple):
    """A figure for performance data in base units; a `value` of None is unknown. `unit` is s, % or empty.

    `most` is the greatest possible value. A label may contain blanks: it is written in quotes.
    """

    label: str
    value: int | None
    unit: str = ""
    warning: Range | None = None
    critical: Range | None = None
    most: int | None = None

    def __str__(self) -> str:
        """Return the figure in the format of the guidelines; the minimum is always 0."""
        value = "U" if self.value is None else f"{self.value}{self.unit}"
        fields = (value, self.warning, self.critical, 0, self.most)
        text = ";".join("" if one is None else str(one) for one in fields)
        return f"'{self.label}'={text.rstrip(';')}"


def harmless(text: str) -> str:
    """Return a text as one line of limited length, without `|`, which separates performance data.

    It has no semicolons either: Nagios separates its log by them, and replaces them with colons.
    """
    from archive.render.units import text as printable

    found = printable(text).replace("|", "/").replace(";", ",")
    return found if len(found) <= _LINE_AT_MOST else f"{found[: _LINE_AT_MOST - 3]}..."


def output(level: Level, status: str, data: Sequence[Datum] = (), lines: Sequence[str] = ()) -> str:
    """Return the complete output: the status line, then the first detail lines.

    There are at most 20 detail lines, and a line that counts the rest.
    """
    first = f"{SERVICE} {level.name} - {harmless(status)}"
    if data:
        first += f" | {' '.join(map(str, data))}"
    shown = [harmless(line) for line in lines[:_LINES_AT_MOST]]
    if len(lines) > _LINES_AT_MOST:
        shown.append(f"... and {len(lines) - _LINES_AT_MOST:,} more")
    return "".join(f"{line}\n" for line in (first, *shown))
