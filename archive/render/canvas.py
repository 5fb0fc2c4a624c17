"""Draw lines and bars as characters, with plotext, which only this module knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archive.errors import ArchiveError
from archive.render import scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.charts import BarFigure, LineFigure

# Of the palette of Okabe and Ito, for the colour-blind: colours visible on dark and light.
COLOURS = (
    (0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9), (0x00, 0x9E, 0x73),
    (0xD5, 0x5E, 0x00), (0xCC, 0x79, 0xA7), (0x00, 0x72, 0xB2),
)  # fmt: skip
# Rows or columns that an axis takes: its line, and its labels.
_AXIS, _AXIS_WITH_NAMES = 1, 2
# Characters; below that nothing could be recognised.
_NARROWEST = 10
# Rows of an axis for each of its labels, so that they do not stand line by line.
_ROWS_A_NAME = 3
_GAP_BETWEEN_NAMES = 4
# plotext draws axes with box characters in any case.
_BOX = str.maketrans("┌┐└┘─│┬┴├┤┼", "++++-|+++++")


class Glyphs(NamedTuple):
    """Characters for points, the lines between them, parts of bars, and marks.

    `points` and `parts` have one for each line or part, which tell them apart without colours.
    """

    points: str
    way: str
    parts: str
    mark: str


# `braille` is plotext's name for dots, of which a character has eight.
UNICODE = Glyphs("●▲■◆○△", "braille", "█▒░▚", "┃")
ASCII = Glyphs("*o+x#@", ".", "#=-:", "|")


def lines(
    figure: LineFigure, width: int, height: int, glyphs: Glyphs, *, coloured: bool
) -> list[str]:
    """Return a chart of lines as rows of text, with escape sequences if `coloured`.

    Raises ArchiveError if plotext is not available.

    `width` and `height` are in characters, axes included.
    """
    plotext = _plotext()
    canvas = _clear(plotext)
    values = [point.value for line in figure.lines for point in line.points]
    most = scale.limit(values)
    axis = scale.scale(figure.kind, min(values), most, max(2, height // _ROWS_A_NAME))
    names = [scale.name(figure.kind, value) for value in axis.ticks]
    inside = max(width - max(map(len, names)) - _AXIS, _NARROWEST)
    canvas.plot_size(inside + max(map(len, names)) + _AXIS, height)
    signs = []
    for line, glyph, colour in zip(figure.lines, glyphs.points, COLOURS, strict=False):
        pixel = plotext.pixel(foreground=colour)
        # An outlier is drawn at the edge; the legend says so.
        heights = [min(point.value, axis.high) for point in line.points]
        places = [point.at for point in line.points], heights
        way = canvas.signal(*places, marker=plotext.marker(glyphs.way, pixel))
        for place, point in enumerate(line.points):
            way.line(place, point.follows)
        canvas.draw(way)
        signs.append(canvas.signal(*places, marker=plotext.marker(glyph, pixel)))
    for sign in signs:  # on top of all lines
        canvas.draw(sign)
    first, last = figure.ticks[0][0], figure.ticks[-1][0]
    alone = first == last
    canvas.ruler("x").lim(first - alone, last + alone)
    canvas.ruler("y").lim(axis.low, axis.high)
    canvas.ruler("y").ticks(list(axis.ticks), labels=names)
    shown = _some(figure.ticks, inside)
    canvas.ruler("x").ticks([at for at, _ in shown], labels=[name for _, name in shown])
    return _rows(canvas, glyphs, coloured=coloured)


def bars(figure: BarFigure, width: int, glyphs: Glyphs, *, coloured: bool) -> list[str]:
    """Return a row of text for each bar, then those of the axis; see `lines`."""
    plotext = _plotext()
    canvas = _clear(plotext)
    width = max(width, _NARROWEST)
    number = len(figure.bars)
    canvas.plot_size(width, number + _AXIS_WITH_NAMES)
    totals = [sum(value or 0 for value in bar.values) for bar in figure.bars]
    marks = [(bar.mark, place) for place, bar in enumerate(figure.bars, 1) if bar.mark is not None]
    greatest = max(scale.limit(totals), *(mark for mark, _ in marks), 0)
    axis = scale.scale(figure.kind, 0, greatest, max(1, width // 12))
    starts = [0.0] * number
    for part, (glyph, colour) in enumerate(zip(glyphs.parts, COLOURS, strict=False)):
        if part == len(figure.parts):
            break
        ends = [
            start + (bar.values[part] or 0) for start, bar in zip(starts, figure.bars, strict=True)
        ]
        marker = plotext.marker(glyph, plotext.pixel(foreground=colour))
        shown = [[min(one, axis.high) for one in place] for place in (starts, ends)]
        found = canvas.bar(
            list(range(1, number + 1)), *shown, orientation="h", marker=marker, width=0.1
        )
        canvas.draw(found)
        starts = ends
    if marks:
        ats = [at for at, _ in marks], [place for _, place in marks]
        canvas.draw(canvas.signal(*ats, marker=plotext.marker(glyphs.mark, plotext.pixel())))
    canvas.ruler("x").lim(0, axis.high)
    canvas.ruler("x").ticks(
        list(axis.ticks), labels=[scale.name(figure.kind, one) for one in axis.ticks]
    )
    canvas.ruler("y").ticks([])
    canvas.ruler("y").lim(1, number if number > 1 else 2)
    # The first bar is on top.
    canvas.ruler("y").direction(-1)
    return _rows(canvas, glyphs, coloured=coloured)


def _plotext() -> Any:
    """Return plotext, which takes a while to import. Raises ArchiveError if it is not available."""
    try:
        import plotext
    except ImportError as error:  # it is compiled, and may be missing on this platform
        raise ArchiveError(f"cannot draw charts: plotext is not available: {error}") from error
    return plotext


def _clear(plotext: Any) -> Any:
    """Return plotext's only figure, cleared, with two axes and without colours.

    plotext keeps one figure for the whole process, so two charts cannot be built at once.
    """
    plotext.terminal.limit(width=False, height=False)
    canvas = plotext.figure
    canvas.clear()
    canvas.theme("colorless")
    canvas.axes(active=False, axis="x", side="upper")
    canvas.axes(active=False, axis="y", side="right")
    return canvas


def _some(ticks: Sequence[tuple[int, str]], width: int) -> Sequence[tuple[int, str]]:
    """Return as many evenly spaced ticks as fit the width."""
    room = max(1, width // (max(len(name) for _, name in ticks) + _GAP_BETWEEN_NAMES))
    return ticks[:: -(-len(ticks) // room)]


def _rows(canvas: Any, glyphs: Glyphs, *, coloured: bool) -> list[str]:
    """Return the canvas as rows of text; boxes of the axes become ASCII if glyphs are."""
    text: str = canvas.build().string(colorless=not coloured)
    if glyphs is ASCII:
        text = text.translate(_BOX)
    return text.rstrip("\n").split("\n")
