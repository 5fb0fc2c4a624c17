"""What is drawn of a result: reports declare charts and make figures of rows, renderers draw figures.

Neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from archive.columns import Kind


@dataclass(frozen=True)
class Lines:
    """Columns over the periods of rows: a line for each; of grouped rows one for each group, of the first."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Bars:
    """A bar for each row, named by some columns: the values of `parts` lie end to end.

    `mark` is a column with a value that the bar is to be held against.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]
    mark: str | None = None


class Forecast(NamedTuple):
    """What will be in so many days: columns of the value, and of between what it lies."""

    days: int
    value: str
    low: str
    high: str


@dataclass(frozen=True)
class Ahead:
    """A line for each row, from the value that a column has now; a row without a name is of all."""

    name: str
    value: str
    forecasts: tuple[Forecast, ...]


Chart = Lines | Bars | Ahead


class Point(NamedTuple):
    """A value at a place of the axis; `follows` says that there is nothing missing since the one before."""

    at: int
    value: float
    follows: bool


class Line(NamedTuple):
    """Points from left to right."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LineFigure:
    """Lines in the unit of a kind, one at least, each with a point at least.

    `ticks` are the places of the axis that have a name, from left to right.
    """

    title: str
    kind: Kind
    ticks: tuple[tuple[int, str], ...]
    lines: tuple[Line, ...]


class Bar(NamedTuple):
    """The values of a bar's parts; None where there is no value, rather than nothing."""

    name: str
    values: tuple[float | None, ...]
    mark: float | None


@dataclass(frozen=True)
class BarFigure:
    """Bars in the unit of a kind, one at least, the first on top; `mark` says what their marks are."""

    title: str
    kind: Kind
    parts: tuple[str, ...]
    mark: str | None
    bars: tuple[Bar, ...]


Figure = LineFigure | BarFigure
