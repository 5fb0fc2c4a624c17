"""Layout of tables: column widths, headings, and fitting the width of a terminal.

On a narrow terminal the most expendable columns are left out, and at most one column is folded, so that
folded texts never stand side by side. A long first cell gets a line of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from archive.render.folding import fitted_lines, folded, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = "  "
NULL = "-"
MARK, NO_MARK = "! ", "  "
# The folded column is not narrower than this, unless its texts are; other columns are left out first.
_LEAST_FOLDED = 24
# The same for a column whose texts are cut instead.
_LEAST_SHORTENED = 20
# A first cell that is longer than this may stand on a line of its own; the next one is tried where
# too little fits beside it.
_LONGEST_FIRST = (32, 24, 16)
# Columns that are no more expendable than this are left out only if no shorter first cells help.
_WANTED = 1
_BOLD, _DIM, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m"


class Section(NamedTuple):
    """Rows under a heading: from index `first` to before `end`."""

    heading: str
    first: int
    end: int


@dataclass
class Field:
    """A column: the lines of its header, its cells (None is NULL), its width in characters.

    The fields with the greatest `expendable` are left out first; those with 0 never are. Long cells of
    `shortened` fields are cut.
    """

    header: list[str]
    cells: list[str | None]
    numeric: bool
    width: int
    is_text: bool
    expendable: int = 0
    shortened: bool = False

    @property
    def label(self) -> str:
        """The header on one line."""
        return " ".join(self.header)

    @property
    def header_width(self) -> int:
        """The width of the longest line of the header."""
        from rich.cells import cell_len

        return max(map(cell_len, self.header))

    def blank(self, section: Section) -> None:
        """Show NULL as empty in a section: always for texts, and for numbers if all are NULL."""
        rows = slice(section.first, section.end)
        if not self.numeric or all(cell is None for cell in self.cells[rows]):
            self.cells[rows] = [cell or "" for cell in self.cells[rows]]


@dataclass
class Layout:
    """Columns, sections under headings, and margins of rows; a long first cell may take up to `limit`."""

    fields: list[Field]
    sections: Sequence[Section]
    margins: Sequence[str] | None
    limit: int | None = None
    _spans: list[list[range]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let texts take the space of preceding columns that are empty in a section."""
        for section in self.sections:
            for one in self.fields:
                one.blank(section)
        self._spans = [_spans(self.fields, section) for section in self.sections]
        self._set_widths()

    def _set_widths(self) -> None:
        """Set the widths of texts; another layout of the same fields may have set its own."""
        from rich.cells import cell_len

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

    def fit(self, width: int) -> Layout | None:
        """Return the layout for a width, None if there is none: see the module.

        The widths of the fields change. Fields that are left out are missing in the result.
        """
        if self.width <= width:
            return self
        found: tuple[Layout, int] | None = None
        for longest in _LONGEST_FIRST:
            first = _first_width(self.fields[0], longest)
            fitted = self._fitting(width, first)
            if fitted is None:
                continue
            kept = set(map(id, fitted.fields))
            if all(one.expendable > _WANTED for one in self.fields if id(one) not in kept):
                found = fitted, first
                break
            found = found or (fitted, first)
        if found is None:
            return None
        fitted, first = found
        fitted.limit = width
        fitted._narrow(width, first)  # noqa: SLF001 - of the same class
        return fitted

    def _fitting(self, width: int, first: int) -> Layout | None:
        """Return the layout with as many fields as fit, None if too many do not; `first` as in `_least`."""
        missing: list[Field] = []
        fitted = self
        while fitted._spare(width, first) < 0:
            most = max(fitted.fields, key=lambda one: one.expendable)
            if not most.expendable:
                return None
            missing.append(most)
            fitted = self._without(missing)
        # What is narrow may still fit.
        for one in sorted(missing, key=lambda one: one.expendable):
            others = [other for other in missing if other is not one]
            more = self._without(others)
            if more._spare(width, first) >= 0:  # noqa: SLF001 - of the same class
                missing, fitted = others, more
        return fitted

    def _without(self, missing: Sequence[Field]) -> Layout:
        """Return the layout without some fields."""
        numbers = set(map(id, missing))
        shown = [one for one in self.fields if id(one) not in numbers]
        return Layout(shown, self.sections, self.margins)

    def _least(self, first: int) -> list[int]:
        """Return the minimum width of each field; `first` is that of the first one."""
        least = [one.width for one in self.fields]
        least[0] = min(first, least[0])
        place = self._folded()
        if place:
            one = self.fields[place]
            narrowest = _LEAST_SHORTENED if one.shortened else _LEAST_FOLDED
            least[place] = min(one.width, max(narrowest, one.header_width))
        return least

    def _folded(self) -> int:
        """Return the place of the field that is folded: the widest text; 0 if there is none."""
        places = [place for place, one in enumerate(self.fields) if place and one.is_text]
        return max(places, key=lambda place: self.fields[place].width, default=0)

    def _spare(self, width: int, first: int) -> int:
        """Return how much wider than necessary a width is; less than 0 if it is too narrow."""
        self._set_widths()
        least = self._least(first)
        return width - len(self._margin) - sum(least) - len(GAP) * (len(least) - 1)

    def _narrow(self, width: int, first: int) -> None:
        """Set the widths of the fields so that lines have at most a width."""
        spare = self._spare(width, first)
        place = self._folded()
        for at, (one, least) in enumerate(zip(self.fields, self._least(first), strict=True)):
            one.width = min(one.width, least + spare) if at == place else least

    def lines(self, number: int, *, styled: bool) -> Iterator[str]:
        """Yield the header and a number of rows, with bold, dim and red if `styled`."""
        bold, plain = (_BOLD, _PLAIN) if styled else ("", "")
        height = max(len(one.header) for one in self.fields)
        for line in range(height):
            # Headers of fewer lines stand at the bottom.
            words = [([""] * (height - len(one.header)) + one.header)[line] for one in self.fields]
            heads = [
                padded(word, one.width, numeric=one.numeric)
                for word, one in zip(words, self.fields, strict=True)
            ]
            yield f"{bold}{(self._margin + GAP.join(heads)).rstrip()}{plain}"
        yield "─" * self.width
        if not self.sections:
            yield from self._rows(range(number), _each(self.fields), styled=styled)
        for section, spans in zip(self.sections, self._spans, strict=True):
            yield f"{bold}{section.heading}{plain}"
            yield from self._rows(range(section.first, section.end), spans, styled=styled)

    def _rows(self, places: range, spans: Sequence[range], *, styled: bool) -> Iterator[str]:
        from rich.cells import cell_len

        fields = [self.fields[span[-1]] for span in spans]
        widths = [self._width(span) for span in spans]
        for place in places:
            values = [one.cells[place] for one in fields]
            margin = "" if self.margins is None else self.margins[place]
            red, plain = (_RED, _PLAIN) if styled and margin == MARK else ("", "")
            if cell_len(values[0] or "") > widths[0]:
                room = (self.limit or self.width) - len(self._margin)
                for text in folded(values[0] or "", room):
                    yield f"{red}{margin}{text}{plain}"
                    margin = self._margin
                if len(values) == 1:
                    continue
                values[0] = ""
            cells = [
                [NULL] if cell is None else fitted_lines(cell, width, shortened=one.shortened)
                for one, cell, width in zip(fields, values, widths, strict=True)
            ]
            for line in range(max(map(len, cells))):
                shown = [
                    padded(cell[line] if line < len(cell) else "", width, numeric=one.numeric)
                    for one, cell, width in zip(fields, cells, widths, strict=True)
                ]
                if styled and line == 0:
                    shown = [
                        f"{_DIM}{cell}{_PLAIN}" if value is None else cell
                        for value, cell in zip(values, shown, strict=True)
                    ]
                    if margin == MARK:
                        margin, shown[0] = f"{red}{margin}", f"{shown[0]}{plain}"
                yield (margin + GAP.join(shown)).rstrip()
                margin = self._margin


def _first_width(first: Field, longest: int) -> int:
    """Return the width of a first column, if texts beyond `longest` stand on lines of their own."""
    from rich.cells import cell_len

    if not first.is_text:
        return first.width
    widths = (cell_len(cell or NULL) for cell in first.cells)
    return max([first.header_width, *(one for one in widths if one <= longest)])


def _each(fields: Sequence[Field]) -> list[range]:
    """Return a span for each field, as in a table without sections."""
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


def records(fields: Sequence[Field], headings: Sequence[str], width: int) -> Iterator[str]:
    """Yield each row as lines of a label and a folded value, below a rule with its heading."""
    from rich.cells import cell_len

    before = max(cell_len(one.label) for one in fields)
    room = max(width - before - len(GAP), _LEAST_FOLDED)
    for place, heading in enumerate(headings):
        rule = f"─[ {heading} ]"
        yield rule + "─" * (width - cell_len(rule))
        for one in fields:
            cell = one.cells[place]
            lines = [NULL] if cell is None else list(folded(cell, room)) or [""]
            for at, line in enumerate(lines):
                label = "" if at else one.label
                yield f"{padded(label, before, numeric=False)}{GAP}{line}".rstrip()
