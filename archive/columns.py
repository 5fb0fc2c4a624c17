"""What a column of a result is: reports declare it, renderers write it, neither knows the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the values of a column mean, and so how a person reads them."""

    TEXT = "text"
    COUNT = "count"
    RATIO = "ratio"
    BYTES = "bytes"
    SECONDS = "seconds"
    RATE = "rate"
    INSTANT = "instant"
    DAY = "day"
    FLAG = "flag"
    SERIES = "series"


class Role(StrEnum):
    """What a table for people makes of a column; anywhere else each is a column like any other.

    The values of a heading stand above the rows that share them. Rows with a mark are set off.
    """

    CELL = "cell"
    HEADING = "heading"
    MARK = "mark"


_UNITS = {"_bytes": Kind.BYTES, "_seconds": Kind.SECONDS, "_bytes_per_second": Kind.RATE}
_ENDINGS = _UNITS | {
    "_rate": Kind.RATIO,
    "_ratio": Kind.RATIO,
    "_seen": Kind.INSTANT,
    "_time": Kind.INSTANT,
}


@dataclass(frozen=True)
class Column:
    """A named column. An `optional` one may be left out of a table where it holds only zero or NULL.

    `kind_in` names a column that says of each row what the kind of the value is; a table shows the
    values accordingly, and leaves that column out. A `signed` one is of changes: more has a plus.
    A series is a tuple of numbers in the order of time, None where there is none.
    """

    name: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    kind_in: str | None = None
    role: Role = Role.CELL
    signed: bool = False

    @property
    def label(self) -> str:
        """The name as a table shows it: its unit stands with each value there."""
        name = self.name
        for unit, kind in _UNITS.items():
            if kind is self.kind:
                name = name.removesuffix(unit)
        return name.replace("_", " ")


def named(name: str) -> Column:
    """Return a column whose kind is what the end of its name says, as in `size_bytes`."""
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return Column(name, kind)
    return Column(name)
