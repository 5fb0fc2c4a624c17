"""Columns of results: reports declare them, renderers format them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The meaning of a column's values, which decides how tables show them.

    Values are exact: whole bytes and seconds, ratios from 0 to 1, fixed-width UTC instants, ISO
    days. Points are the difference of two ratios, from -1 to 1: percent would be taken for a part of
    them.
    """

    TEXT = "text"
    COUNT = "count"
    RATIO = "ratio"
    POINTS = "points"
    BYTES = "bytes"
    SECONDS = "seconds"
    RATE = "rate"
    INSTANT = "instant"
    DAY = "day"
    FLAG = "flag"
    SERIES = "series"

    @property
    def difference(self) -> Kind:
        """The kind of the difference of two values of this kind."""
        return Kind.POINTS if self is Kind.RATIO else self


# Kinds whose values are numbers, which are right-aligned.
NUMERIC = (Kind.COUNT, Kind.RATIO, Kind.POINTS, Kind.BYTES, Kind.SECONDS, Kind.RATE)


class Role(StrEnum):
    """The role of a column in a table; CSV and JSON treat all columns alike.

    The value of a heading stands above the rows that share it. Rows with a mark are highlighted.
    """

    CELL = "cell"
    HEADING = "heading"
    MARK = "mark"


# Ends of names that say the unit: a table drops them, since its values show it.
_UNITS = {"_bytes": Kind.BYTES, "_seconds": Kind.SECONDS, "_bytes_per_second": Kind.RATE}
_ENDINGS = _UNITS | {
    "_rate": Kind.RATIO,
    "_ratio": Kind.RATIO,
    "_seen": Kind.INSTANT,
    "_time": Kind.INSTANT,
    "_at": Kind.INSTANT,
}


@dataclass(frozen=True)
class Column:
    """A named column. A table leaves out an `optional` column with nothing but zero and NULL.

    On a narrow terminal a table leaves out the columns with the greatest `expendable` first, the last of
    several, and keeps those with 0; long texts of a `shortened` column end in `…`. `kind_in` names
    another column that holds the kind of each value; a table does not show that column. `signed` columns
    are changes: positive values get a plus. A signed column with `kind_in` has differences of such
    values. A series is a tuple of numbers in order of time, with None for gaps.
    """

    name: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    kind_in: str | None = None
    role: Role = Role.CELL
    signed: bool = False
    expendable: int = 0
    shortened: bool = False

    @property
    def label(self) -> str:
        """The name as shown in a table, without the unit: values carry it."""
        name = self.name
        for unit, kind in _UNITS.items():
            if kind is self.kind:
                name = name.removesuffix(unit)
        return name.replace("_", " ")


def named(name: str) -> Column:
    """Return a column whose kind follows from the end of its name, such as `size_bytes`."""
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return Column(name, kind)
    return Column(name)
