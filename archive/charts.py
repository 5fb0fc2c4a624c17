"""Charts that reports declare, and the figures that renderers draw of their rows.

`Lines`, `Bars` and `Ahead` name columns of a report; `LineFigure` and `BarFigure` have the values,
ready to be drawn by any renderer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from archive.columns import Kind


@dataclass(frozen=True)
class Lines:
    """Lines over time: one per column, or for grouped rows one per group of the first column."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Bars:
    """A bar for each row: `names` are the columns of its name, `parts` the columns stacked in it.

    `mark` is a column with a limit to compare the bar with.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]
    mark: str | None = None


class Forecast(NamedTuple):
    """A forecast for a number of days ahead: columns of the value and of its lower and upper bound."""

    days: int
    value: str
    low: str
    high: str


@dataclass(frozen=True)
class Ahead:
    """A line for each row, from the current value on; a row without a name is the total."""

    name: str
    value: str
    forecasts: tuple[Forecast, ...]


# What a report may declare.
Chart = Lines | Bars | Ahead


class Point(NamedTuple):
    """A value at a place on the x axis; `follows` means no gap since the point before.

    `at` is a day ordinal, or for forecasts a number of days from now.
    """

    at: int
    value: float
    follows: bool


class Line(NamedTuple):
    """A named line; its points run from left to right."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LineFigure:
    """One or more lines with one or more points each, in the unit of `kind`.

    `ticks` are the labelled places of the x axis, from left to right.
    """

    title: str
    kind: Kind
    ticks: tuple[tuple[int, str], ...]
    lines: tuple[Line, ...]


class Bar(NamedTuple):
    """A bar with the values of its parts; None is a missing value, unlike 0."""

    name: str
    values: tuple[float | None, ...]
    mark: float | None


@dataclass(frozen=True)
class BarFigure:
    """One or more bars in the unit of `kind`, first on top; `mark` is the label of their marks."""

    title: str
    kind: Kind
    parts: tuple[str, ...]
    mark: str | None
    bars: tuple[Bar, ...]


# What a renderer must be able to draw.
Figure = LineFigure | BarFigure
