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
    values accordingly, and leaves that column out.
    """

    name: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    kind_in: str | None = None

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
