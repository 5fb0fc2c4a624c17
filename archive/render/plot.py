"""Charts on a terminal: drawn to its width, with legends that work without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.charts import LineFigure
from archive.render import canvas, scale
from archive.render.units import readable, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from archive.charts import BarFigure, Figure
    from archive.render.canvas import Glyphs

# Without a terminal; in characters, as are the numbers below.
_WIDTH, _HEIGHT = 80, 25
# A narrower terminal breaks the lines.
_NARROWEST = 30
# Of a chart of lines; the height of bars follows from their number.
_LEAST_HEIGHT, _GREATEST_HEIGHT = 8, 24
# Lines of the screen for the title and legend of each figure, and for the notes below all.
_BESIDE_EACH, _BESIDE_ALL = 3, 4
# What names and bars get at least of the width.
_LEAST_FOR_NAMES, _LEAST_FOR_BARS = 16, 16
_GAP = "  "
_NULL = "-"


def write(figures: Sequence[Figure], out: TextIO, *, ascii_only: bool = False) -> None:
    """Write figures one below the other, in the width and colours of the terminal.

    Without a terminal they are 80 characters wide and have no colours; they are never narrower than
    30. Raises ArchiveError if plotext is not available.
    """
    glyphs = canvas.ASCII if ascii_only else canvas.UNICODE
    if not out.isatty():
        drawn = _all(figures, _WIDTH, _HEIGHT, glyphs, coloured=False)
        out.writelines(f"{line.rstrip()}\n" for line in drawn)
        return
    from rich.ansi import AnsiDecoder
    from rich.console import Console

    console = Console(file=out, force_terminal=True)
    coloured = console.color_system is not None and not console.no_color
    for line in _all(figures, console.width, console.height, glyphs, coloured=coloured):
        for shown in AnsiDecoder().decode(
            line
        ):  # rich reduces colours to what the terminal supports
            shown.rstrip()
            console.print(shown, soft_wrap=True, highlight=False)


def _all(
    figures: Sequence[Figure], width: int, height: int, glyphs: Glyphs, *, coloured: bool
) -> Iterator[str]:
    """Yield the lines of all figures, each with its title, chart and legend."""
    height = (height - _BESIDE_ALL) // max(len(figures), 1) - _BESIDE_EACH
    height = min(max(height, _LEAST_HEIGHT), _GREATEST_HEIGHT)
    width = max(width, _NARROWEST)
    for place, figure in enumerate(figures):
        if place:
            yield ""
        yield _printable(figure.title, glyphs)
        if isinstance(figure, LineFigure):
            yield from canvas.lines(figure, width, height, glyphs, coloured=coloured)
            names = [line.name for line in figure.lines]
            if names != [figure.title]:
                yield from _legend(names, glyphs.points, glyphs, width, coloured=coloured)
            yield from _beyond(figure, glyphs)
        else:
            yield from _bars(figure, width, glyphs, coloured=coloured)


def _beyond(figure: LineFigure, glyphs: Glyphs) -> Iterator[str]:
    """Yield a line for each outlier, which is drawn at the edge."""
    limit = scale.limit([point.value for line in figure.lines for point in line.points])
    names = dict(figure.ticks)
    for line in figure.lines:
        for at, value, _ in line.points:
            if value > limit:
                name = _printable(line.name, glyphs)
                yield f"Beyond the axis: {name}, {names[at]}: {readable(figure.kind, value)}"


def _bars(figure: BarFigure, width: int, glyphs: Glyphs, *, coloured: bool) -> Iterator[str]:
    """Yield the lines of a figure of bars, with name and sum before each bar."""
    from rich.cells import cell_len

    values = [_sum(figure, bar.values) for bar in figure.bars]
    after = max(map(len, values))
    room = max(width - after - _LEAST_FOR_BARS, _LEAST_FOR_NAMES)
    names = [_shortened(_printable(bar.name, glyphs), room) for bar in figure.bars]
    before = max(map(cell_len, names))
    beside = before + len(_GAP) + after + 1
    rows = canvas.bars(figure, width - beside, glyphs, coloured=coloured)
    for name, value, row in zip(names, values, rows, strict=False):
        yield f"{name}{' ' * (before - cell_len(name))}{_GAP}{value:>{after}} {row}"
    yield from (" " * beside + row for row in rows[len(names) :])
    totals = [sum(value or 0 for value in bar.values) for bar in figure.bars]
    cut = [name for name, total in zip(names, totals, strict=True) if total > scale.limit(totals)]
    if cut:
        yield f"Beyond the axis: {', '.join(cut)}"
    if len(figure.parts) > 1:
        yield from _legend(figure.parts, glyphs.parts, glyphs, width, coloured=coloured)
    if figure.mark is not None:
        yield f"{glyphs.mark} {_printable(figure.mark, glyphs)}"


def _sum(figure: BarFigure, values: Iterable[float | None]) -> str:
    """Return the sum of a bar's parts in readable units; `-` if none of them is known."""
    known = [value for value in values if value is not None]
    return readable(figure.kind, sum(known)) if known else _NULL


def _legend(
    names: Sequence[str], signs: str, glyphs: Glyphs, width: int, *, coloured: bool
) -> Iterator[str]:
    """Yield the lines of a legend."""
    from rich.cells import cell_len

    line, filled = "", 0
    for name, sign, colour in zip(names, signs, canvas.COLOURS, strict=False):
        printable = _printable(name, glyphs)
        needed = cell_len(printable) + 2
        if line and filled + len(_GAP) + needed > width:
            yield line
            line, filled = "", 0
        shown = "\x1b[38;2;{};{};{}m{}\x1b[0m".format(*colour, sign) if coloured else sign
        line += f"{_GAP if line else ''}{shown} {printable}"
        filled += needed + (len(_GAP) if filled else 0)
    yield line


def _printable(name: str, glyphs: Glyphs) -> str:
    """Return a name on one line; in ASCII if the chart is."""
    shown = text(name)
    return shown.encode("ascii", "backslashreplace").decode() if glyphs is canvas.ASCII else shown


def _shortened(name: str, width: int) -> str:
    """Return a text cut to a width, with ... in its middle."""
    from rich.cells import cell_len, chop_cells

    if cell_len(name) <= width:
        return name
    kept = (width - 3) // 2
    return f"{chop_cells(name, kept)[0]}...{chop_cells(name[::-1], kept)[0][::-1]}"
