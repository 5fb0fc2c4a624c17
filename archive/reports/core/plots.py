"""Turn the rows of a report into the figures of its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from archive.charts import Ahead, Bar, BarFigure, Bars, Chart, Line, LineFigure, Lines, Point
from archive.errors import UsageError
from archive.reports.core.date_ranges import label_before, of_label
from archive.reports.core.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.charts import Figure
    from archive.columns import Column
    from archive.reports.core.report import Report

# More lines than this cannot be distinguished; more bars do not fit on a screen.
MOST_LINES = 6
MOST_BARS = 20
# In a note below the charts.
_NAMES_AT_MOST = 10
# As a table shows a missing value.
_NULL = "-"
_ALL = "all together"


class Drawing(NamedTuple):
    """Figures to draw one below the other, and notes about what they leave out."""

    figures: list[Figure]
    notes: list[str]


def ways(report: Report) -> tuple[str | None, ...]:
    """Return the groupings with which a report has a plot; None stands for no grouping."""
    return tuple(by for by in (None, *report.groups) if report.charts_of(Scope(by=by)))


def charts(report: Report, scope: Scope, reports: Iterable[Report]) -> tuple[Chart, ...]:
    """Return the charts of a report.

    Raises UsageError if it has none, naming those of `reports` that have.
    """
    if scope.compare:
        raise UsageError("--plot does not support --compare: leave out one of them")
    found = report.charts_of(scope)
    if found:
        return found
    if groups := [by for by in ways(report) if by is not None]:
        raise UsageError(
            f'report "{report.name}" supports --plot only with --by {" or ".join(groups)}'
        )
    names = ", ".join(one.name for one in reports if ways(one))
    raise UsageError(f'report "{report.name}" does not support --plot (supported by: {names})')


def drawing(
    charts: Sequence[Chart], scope: Scope, columns: Sequence[Column], rows: Iterable[Sequence[Any]]
) -> Drawing:
    """Return the figures of rows. Only the rows that are drawn are kept in memory.

    Figures without any value are left out. Raises ValueError for an invalid period label.

    Rows have the columns of `columns`. Notes are sentences for people.
    """
    makers = [_maker(chart, scope, columns) for chart in charts]
    seen = False
    for row in rows:
        seen = True
        for maker in makers:
            maker.add(row)
    figures: list[Figure] = []
    notes: list[str] = []
    for maker in makers:
        figure = maker.figure()
        if figure is not None:
            figures.append(figure)
        elif seen:
            notes.append(f"No chart of {maker.title}: there are no values.")
        # Figures of the same rows repeat their notes.
        notes.extend(note for note in maker.notes() if note not in notes)
    return Drawing(figures, notes)


class _Maker(Protocol):
    """A figure that is built row by row."""

    title: str

    def add(self, row: Sequence[Any]) -> None:
        """Add a row."""

    def figure(self) -> Figure | None:
        """Return the figure, or None if there is nothing to draw."""

    def notes(self) -> Iterator[str]:
        """Yield notes about what is left out."""


def _maker(chart: Chart, scope: Scope, columns: Sequence[Column]) -> _Maker:
    """Return what builds the figure of a chart."""
    if isinstance(chart, Lines):
        return _LinesMaker(chart, scope, columns)
    if isinstance(chart, Bars):
        return _BarsMaker(chart, columns)
    return _AheadMaker(chart, columns)


class _LinesMaker:
    """Lines over periods: one for each value, or of a grouped report one for each group.

    The first column is the period, the second one the group.
    """

    def __init__(self, chart: Lines, scope: Scope, columns: Sequence[Column]) -> None:
        self._by, self._period = scope.by, scope.period
        values = chart.values[:1] if scope.by else chart.values
        self._places = {_of(columns, name).label: _place(columns, name) for name in values}
        self._kind = _of(columns, values[0]).kind
        self.title = ", ".join(self._places)
        self._labels: set[str] = set()
        self._lines: dict[str | None, list[tuple[str, Any]]] = {}
        # Dictionaries as sets that keep the order of the rows.
        self._left_out: dict[str | None, None] = {}
        self._without: dict[str | None, None] = {}

    def add(self, row: Sequence[Any]) -> None:
        """Add a row to the line of each value, or of its group; beyond the limit only names are kept."""
        label = row[0]
        # Also of a row without a value: that is a gap, and belongs to the axis.
        self._labels.add(label)
        for name, place in self._places.items():
            line = row[1] if self._by else name
            if row[place] is None:
                self._without[line] = None
            elif line in self._lines or len(self._lines) < MOST_LINES:
                self._lines.setdefault(line, []).append((label, row[place]))
            else:
                self._left_out[line] = None

    def figure(self) -> LineFigure | None:
        """Return the lines, with periods placed by their first day; None without any value."""
        days = {label: of_label(label).first.toordinal() for label in self._labels}
        lines = [
            Line(
                _name(name),
                tuple(self._points(sorted(points, key=lambda one: days[one[0]]), days)),
            )
            for name, points in self._lines.items()
        ]
        ticks = sorted((day, label) for label, day in days.items())
        return LineFigure(self.title, self._kind, tuple(ticks), tuple(lines)) if lines else None

    def _points(self, values: Sequence[tuple[str, Any]], days: dict[str, int]) -> Iterator[Point]:
        """Yield the points of a line; one after a gap does not follow the one before it."""
        before = None
        for label, value in values:
            follows = before is not None and label_before(label, self._period) == before
            yield Point(days[label], value, follows)
            before = label

    def notes(self) -> Iterator[str]:
        """Yield what lines were left out, and which have no value at all."""
        if self._left_out:
            number = len(self._lines) + len(self._left_out)
            yield (
                f"The chart shows the first {len(self._lines)} of {number:,} lines, without"
                f" {_listed(self._left_out)}. Use filters or --sort to show others."
            )
        with_one = self._lines.keys() | self._left_out.keys()
        without = [line for line in self._without if line not in with_one]
        if without and self._lines:
            yield f"No line for {_listed(without)}: no {self.title}."


class _BarsMaker:
    """Bars, one for each row, divided into parts and with a mark, such as a limit."""

    def __init__(self, chart: Bars, columns: Sequence[Column]) -> None:
        self._names = [_place(columns, name) for name in chart.names]
        self._parts = [_place(columns, name) for name in chart.parts]
        self._labels = tuple(columns[place].label for place in self._parts)
        self._mark = None if chart.mark is None else _place(columns, chart.mark)
        self._mark_label = None if self._mark is None else columns[self._mark].label
        self._kind = columns[self._parts[0]].kind
        self.title = ", ".join(self._labels)
        self._bars: list[Bar] = []
        self._number = 0

    def add(self, row: Sequence[Any]) -> None:
        """Add a row as a bar; beyond MOST_BARS only their number is kept."""
        self._number += 1
        if len(self._bars) < MOST_BARS:
            # Further names can be missing.
            first, *others = (row[place] for place in self._names)
            name = ", ".join([_name(first), *(_name(one) for one in others if one is not None)])
            mark = None if self._mark is None else row[self._mark]
            self._bars.append(Bar(name, tuple(row[place] for place in self._parts), mark))

    def figure(self) -> BarFigure | None:
        """Return the bars of the rows that were kept; None without any row."""
        if not self._bars:
            return None
        return BarFigure(self.title, self._kind, self._labels, self._mark_label, tuple(self._bars))

    def notes(self) -> Iterator[str]:
        """Yield what the chart leaves out."""
        if self._number > len(self._bars):
            yield (
                f"The chart shows the first {len(self._bars)} of {self._number:,} rows."
                " Use filters or --sort to show others."
            )


class _AheadMaker:
    """A forecast. A row of all appliances together is drawn alone, because it dwarfs all others."""

    def __init__(self, chart: Ahead, columns: Sequence[Column]) -> None:
        self._name, self._value = _place(columns, chart.name), _place(columns, chart.value)
        column = columns[self._value]
        self.title, self._kind = column.label, column.kind
        self._forecasts = chart.forecasts
        self._places = [
            tuple(_place(columns, name) for name in forecast[1:]) for forecast in chart.forecasts
        ]
        self._rows: list[Sequence[Any]] = []
        self._number = 0
        self._all: Sequence[Any] | None = None

    def add(self, row: Sequence[Any]) -> None:
        """Add a row; that of all appliances has no name."""
        if row[self._name] is None:
            self._all = row
            return
        self._number += 1
        if len(self._rows) < MOST_LINES:
            self._rows.append(row)

    def figure(self) -> LineFigure | None:
        """Return a line for each row; of a single one, also its bounds."""
        rows = self._rows if self._all is None else [self._all]
        if len(rows) == 1:
            lines = self._fan(rows[0])
        else:
            lines = [self._line(_name(row[self._name]), row, 0) for row in rows]
        ticks = ((0, "now"), *((one.days, f"in {one.days} d") for one in self._forecasts))
        return LineFigure(self.title, self._kind, ticks, tuple(lines)) if lines else None

    def _fan(self, row: Sequence[Any]) -> list[Line]:
        """Return the line of a row with its lower and upper bound, if there is a forecast."""
        name = _ALL if row[self._name] is None else _name(row[self._name])
        lines = [self._line(name, row, 0)]
        if len(lines[0].points) > 1:
            lines += [self._line(what, row, place) for what, place in (("low", 1), ("high", 2))]
        return lines

    def _line(self, name: str, row: Sequence[Any], which: int) -> Line:
        """Return the line from now on; `which` is 0 for the expected value, 1 for low, 2 for high."""
        points = [Point(0, row[self._value], follows=False)]
        for forecast, places in zip(self._forecasts, self._places, strict=True):
            if row[places[which]] is not None:
                points.append(Point(forecast.days, row[places[which]], follows=True))
        return Line(name, tuple(points))

    def notes(self) -> Iterator[str]:
        """Yield what the chart leaves out."""
        if self._all is not None:
            yield "The chart shows all appliances together. Use --top to show the first ones separately."
        elif self._number > len(self._rows):
            yield f"The chart shows the first {len(self._rows)} of {self._number:,} rows."


def _place(columns: Sequence[Column], name: str) -> int:
    """Return the position of a column. Raises ValueError if there is none of this name."""
    return [column.name for column in columns].index(name)


def _of(columns: Sequence[Column], name: str) -> Column:
    return columns[_place(columns, name)]


def _listed(names: Iterable[str | None]) -> str:
    """Return the first names as a list for a sentence."""
    found = [_name(name) for name in names]
    more = len(found) - _NAMES_AT_MOST
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{', '.join(found[:_NAMES_AT_MOST])}{rest}"


def _name(value: Any) -> str:
    return _NULL if value is None else str(value)
