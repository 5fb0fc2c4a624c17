"""What a monitoring plugin prints: a status line with performance data, and longer text below it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.monitoring.ranges import Range

SERVICE = "ARCHIVE"
# Nagios reads 8 KiB of all that is printed, and agents sometimes less.
_LINES_AT_MOST = 20
_LINE_AT_MOST = 300


class Level(IntEnum):
    """How bad it is; the numbers are the exit codes."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# That something is wrong says more than that something is not known.
_BEST_FIRST = (Level.OK, Level.UNKNOWN, Level.WARNING, Level.CRITICAL)


def badness(level: Level) -> int:
    """Return where a level stands among others: the worse, the greater."""
    return _BEST_FIRST.index(level)


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels; OK of none."""
    return max(levels, key=badness, default=Level.OK)


class Datum(NamedTuple):
    """A figure for performance data, in base units; `value` None is not known. `unit` is s, % or none."""

    label: str
    value: int | None
    unit: str = ""
    warning: Range | None = None
    critical: Range | None = None
    most: int | None = None

    def __str__(self) -> str:
        """Return it as the guidelines write it; the least value is 0 of all."""
        value = "U" if self.value is None else f"{self.value}{self.unit}"
        told = (value, self.warning, self.critical, 0, self.most)
        return f"'{self.label}'={';'.join('' if one is None else str(one) for one in told).rstrip(';')}"


def harmless(text: str) -> str:
    """Return a text on one line of a bounded length, without what separates performance data.

    Nor has it a semicolon, which Nagios turns into a colon, since its own log is separated by them.
    """
    from archive.render.units import text as printable

    found = printable(text).replace("|", "/").replace(";", ",")
    return found if len(found) <= _LINE_AT_MOST else f"{found[: _LINE_AT_MOST - 3]}..."


def output(level: Level, said: str, data: Sequence[Datum] = (), lines: Sequence[str] = ()) -> str:
    """Return all that is printed: the status line, then the first of the longer lines."""
    told = f"{SERVICE} {level.name} - {harmless(said)}"
    if data:
        told += f" | {' '.join(map(str, data))}"
    shown = [harmless(line) for line in lines[:_LINES_AT_MOST]]
    if len(lines) > _LINES_AT_MOST:
        shown.append(f"... and {len(lines) - _LINES_AT_MOST:,} more")
    return "".join(f"{line}\n" for line in (told, *shown))
