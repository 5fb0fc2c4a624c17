"""Layout of tables: column widths, headings, and folding to the width of a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = "  "
NULL = "-"
MARK, NO_MARK = "! ", "  "
# Texts are not folded into narrower columns; lines become too long instead.
_NARROWEST = 12
# A series is left out before texts are folded into narrower columns.
_NARROW = 16
_BOLD, _DIM, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m"


class Section(NamedTuple):
    """Rows under a heading: from index `first` to before `end`."""

    heading: str
    first: int
    end: int


@dataclass
class Field:
    """A column: the lines of its header, its cells (None is NULL), its width in characters."""

    header: list[str]
    cells: list[str | None]
    numeric: bool
    width: int
    series: bool = False

    def blank(self, section: Section) -> None:
        """Show NULL as empty in a section: always for texts, and for numbers if all are NULL."""
        rows = slice(section.first, section.end)
        if not self.numeric or all(cell is None for cell in self.cells[rows]):
            self.cells[rows] = [cell or "" for cell in self.cells[rows]]

    @property
    def is_text(self) -> bool:
        """Whether the column can be folded."""
        return not (self.numeric or self.series)

    @property
    def least(self) -> int:
        """The minimum width."""
        return max(_NARROWEST, *(len(word) for word in self.header))


@dataclass
class Layout:
    """Columns, sections of rows under headings, and margins of rows if there are any."""

    fields: list[Field]
    sections: Sequence[Section]
    margins: Sequence[str] | None
    _spans: list[list[range]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let texts take the space of preceding columns that are empty in a section."""
        from rich.cells import cell_len

        for section in self.sections:
            for one in self.fields:
                one.blank(section)
        self._spans = [_spans(self.fields, section) for section in self.sections]
        if not self.sections:
            return
        for place, one in enumerate(self.fields):
            if not one.is_text:
                continue
            widths = [max(map(cell_len, one.header))]
            for section, spans in zip(self.sections, self._spans, strict=True):
                lent = sum(self._width(span) - one.width for span in spans if span[-1] == place)
                cells = one.cells[section.first : section.end]
                widths += [cell_len(cell or "") - lent for cell in cells]
            one.width = max(widths)

    @property
    def width(self) -> int:
        """The width of the lines."""
        return self._width(range(len(self.fields))) + len(self._margin)

    @property
    def _margin(self) -> str:
        return "" if self.margins is None else NO_MARK

    def _width(self, span: range) -> int:
        return sum(self.fields[place].width for place in span) + len(GAP) * (len(span) - 1)

    def fit(self, width: int) -> Layout:
        """Return the layout for a width: texts are folded; series are left out before texts get narrow."""
        excess = self.width - width
        texts = [one for one in self.fields if one.is_text]
        spare = sum(max(one.width - max(_NARROW, one.least), 0) for one in texts)
        shown = [one for one in self.fields if not one.series]
        if excess > spare and len(shown) < len(self.fields):
            return Layout(shown, self.sections, self.margins).fit(width)
        # Widest first, until lines fit or no column can be narrower.
        for one in sorted(texts, key=lambda one: -one.width):
            if excess > 0 and one.width > one.least:
                narrowed = max(one.least, one.width - excess)
                excess -= one.width - narrowed
                one.width = narrowed
        return self

    def lines(self, number: int, *, styled: bool) -> Iterator[str]:
        """Yield the header and a number of rows, with bold, dim and red if `styled`."""
        bold, plain = (_BOLD, _PLAIN) if styled else ("", "")
        height = max(len(one.header) for one in self.fields)
        for line in range(height):
            # Headers of fewer lines stand at the bottom.
            words = [([""] * (height - len(one.header)) + one.header)[line] for one in self.fields]
            padded = [
                _padded(word, one.width, numeric=one.numeric)
                for word, one in zip(words, self.fields, strict=True)
            ]
            yield f"{bold}{(self._margin + GAP.join(padded)).rstrip()}{plain}"
        yield "─" * self.width
        if not self.sections:
            yield from self._rows(range(number), _each(self.fields), styled=styled)
        for section, spans in zip(self.sections, self._spans, strict=True):
            yield f"{bold}{section.heading}{plain}"
            yield from self._rows(range(section.first, section.end), spans, styled=styled)

    def _rows(self, places: range, spans: Sequence[range], *, styled: bool) -> Iterator[str]:
        fields = [self.fields[span[-1]] for span in spans]
        widths = [self._width(span) for span in spans]
        for place in places:
            values = [one.cells[place] for one in fields]
            folded = [
                [NULL] if cell is None else list(_folded(cell, width)) or [""]
                for cell, width in zip(values, widths, strict=True)
            ]
            margin = "" if self.margins is None else self.margins[place]
            for line in range(max(map(len, folded))):
                cells = [
                    _padded(cell[line] if line < len(cell) else "", width, numeric=one.numeric)
                    for one, cell, width in zip(fields, folded, widths, strict=True)
                ]
                if styled and line == 0:
                    cells = [
                        f"{_DIM}{cell}{_PLAIN}" if value is None else cell
                        for value, cell in zip(values, cells, strict=True)
                    ]
                    if margin == MARK:
                        margin, cells[0] = f"{_RED}{margin}", f"{cells[0]}{_PLAIN}"
                yield (margin + GAP.join(cells)).rstrip()
                margin = self._margin


def _each(fields: Sequence[Field]) -> list[range]:
    return [range(place, place + 1) for place in range(len(fields))]


def _spans(fields: Sequence[Field], section: Section) -> list[range]:
    """Return the columns that each cell of a section spans; the last one is its own."""
    found: list[range] = []
    first = 0
    for place, one in enumerate(fields):
        cells = one.cells[section.first : section.end]
        if not any(cells) and None not in cells and place + 1 < len(fields):
            continue
        if not one.is_text:
            found += [range(before, before + 1) for before in range(first, place)]
            first = place
        found.append(range(first, place + 1))
        first = place + 1
    return found


def _padded(text: str, width: int, *, numeric: bool) -> str:
    from rich.cells import cell_len

    space = " " * (width - cell_len(text))
    return space + text if numeric else text + space


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text folded to a width: between words, or within a longer word."""
    from rich.cells import cell_len, chop_cells

    while cell_len(text) > width:
        line = chop_cells(text, width)[0]
        space = text.rfind(" ", 1, len(line) + 1)
        end = space if space > 0 else len(line)
        yield text[:end]
        text = text[end:].lstrip(" ")
    if text:
        yield text
