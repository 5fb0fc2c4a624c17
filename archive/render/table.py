"""Tables for people: units they read, numbers aligned, nothing cut off."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.columns import Column, Kind, Role
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

_NUMERIC = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_GAP = "  "
_NULL = "-"
# Texts are not folded into columns narrower than this; lines run over instead.
_NARROWEST = 12
# A series is left out rather than that texts are folded into narrower columns.
_NARROW = 24
_MARK, _NO_MARK = "! ", "  "
_BOLD, _DIM, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m"


def write(columns: Sequence[Column], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    """Write a table; an optional column that holds only zero or NULL is left out.

    On a terminal texts are folded to its width; anywhere else lines are as long as they have to be.
    Rows that are not together under one heading have it as a column.
    """
    body = list(rows)
    places = {column.name: place for place, column in enumerate(columns)}
    sections = _sections(columns, body)
    marks = next((place for place, one in enumerate(columns) if one.role is Role.MARK), None)
    margins = None
    if sections or marks is not None:
        margins = [_MARK if marks is not None and row[marks] else _NO_MARK for row in body]
    telling = {column.kind_in for column in columns}
    fields = [
        _field(column, [row[place] for row in body], _kinds(column, body, places))
        for place, column in enumerate(columns)
        if column.name not in telling
        and column.role is not Role.MARK
        and not (sections and column.role is Role.HEADING)
        and (not column.optional or any(row[place] for row in body))
    ]
    for field in fields:
        for section in sections:
            field.blank(section)
    styled = False
    if out.isatty():
        from rich.console import Console

        console = Console(file=out, force_terminal=True)
        fields = _fit(fields, console.width - len(_NO_MARK if margins else ""))
        styled = console.color_system is not None and not console.no_color
    lines = _Lines(fields, sections, margins, styled=styled)
    out.writelines(f"{line}\n" for line in lines.all(len(body)))


class _Section(NamedTuple):
    """Rows under a heading: the places from `first` to before `end`."""

    heading: str
    first: int
    end: int


def _sections(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[_Section]:
    """Return what stands under each heading; nothing if there are none, or one would come twice."""
    place = next((place for place, one in enumerate(columns) if one.role is Role.HEADING), None)
    if place is None:
        return []
    found: list[_Section] = []
    for value, run in groupby(row[place] for row in rows):
        first = found[-1].end if found else 0
        heading = _NULL if value is None else readable(columns[place].kind, value)
        found.append(_Section(heading, first, first + sum(1 for _ in run)))
    return found if len({one.heading for one in found}) == len(found) else []


@dataclass
class _Field:
    """A column laid out: the lines of its header, its cells (None is NULL), its width."""

    header: list[str]
    cells: list[str | None]
    numeric: bool
    width: int
    series: bool = False

    def blank(self, section: _Section) -> None:
        """Leave empty what has no value, if it is no number, or has none in all of a section."""
        rows = slice(section.first, section.end)
        if not self.numeric or all(cell is None for cell in self.cells[rows]):
            self.cells[rows] = [cell or "" for cell in self.cells[rows]]

    def pad(self, text: str) -> str:
        from rich.cells import cell_len

        space = " " * (self.width - cell_len(text))
        return space + text if self.numeric else text + space

    def fold(self, place: int) -> list[str]:
        cell = self.cells[place]
        return [_NULL] if cell is None else list(_folded(cell, self.width)) or [""]


def _kinds(
    column: Column, rows: Sequence[Sequence[Any]], places: Mapping[str, int]
) -> Iterable[Kind]:
    """Return the kinds of a column's values, row by row."""
    if column.kind_in is None:
        return repeat(column.kind)
    return (Kind(row[places[column.kind_in]]) for row in rows)


def _field(column: Column, values: Sequence[Any], kinds: Iterable[Kind]) -> _Field:
    from rich.cells import cell_len

    told = zip(kinds, values)  # noqa: B905 - a column of one kind says it without end
    cells = [
        None if value is None else readable(kind, value, signed=column.signed)
        for kind, value in told
    ]
    numeric = _is_numeric(column, values)
    width = max((cell_len(cell or _NULL) for cell in cells), default=0)
    # A header is no wider than the widest value, if it has spaces to break at.
    width = max([width, *map(cell_len, column.label.split() if numeric else [column.label])])
    header = textwrap.wrap(column.label, width, break_long_words=False)
    return _Field(header, cells, numeric, width, column.kind is Kind.SERIES)


def _is_numeric(column: Column, values: Iterable[Any]) -> bool:
    if column.kind is not Kind.TEXT:
        return column.kind in _NUMERIC
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text in a width: between words, or within one that is longer than a line."""
    from rich.cells import cell_len, chop_cells

    while cell_len(text) > width:
        line = chop_cells(text, width)[0]
        space = text.rfind(" ", 1, len(line) + 1)
        end = space if space > 0 else len(line)
        yield text[:end]
        text = text[end:].lstrip(" ")
    if text:
        yield text


def _fit(fields: Sequence[_Field], width: int) -> list[_Field]:
    """Return the fields narrowed to a width: texts are folded, and before they are narrow, series go."""
    excess = sum(field.width for field in fields) + len(_GAP) * (len(fields) - 1) - width
    texts = [field for field in fields if not field.numeric and not field.series]
    spare = sum(max(field.width - max(_NARROW, _least(field)), 0) for field in texts)
    shown = [field for field in fields if excess <= spare or not field.series]
    excess -= sum(field.width + len(_GAP) for field in fields if field not in shown)
    # The widest first, until lines fit the width or none can be narrowed.
    for field in sorted(texts, key=lambda field: -field.width):
        least = _least(field)
        if excess > 0 and field.width > least:
            narrowed = max(least, field.width - excess)
            excess -= field.width - narrowed
            field.width = narrowed
    return shown


def _least(field: _Field) -> int:
    return max(_NARROWEST, *(len(word) for word in field.header))


@dataclass
class _Lines:
    """The lines of a table, with signs and colours that say the same."""

    fields: Sequence[_Field]
    sections: Sequence[_Section]
    margins: Sequence[str] | None
    styled: bool

    def all(self, number: int) -> Iterator[str]:
        """Yield the header and a number of rows."""
        yield from self._header()
        headings = {section.first: section.heading for section in self.sections}
        for place in range(number):
            if place in headings:
                yield self._bold(headings[place])
            yield from self._row(place)

    def _header(self) -> Iterator[str]:
        height = max(len(field.header) for field in self.fields)
        margin = "" if self.margins is None else _NO_MARK
        for line in range(height):
            # Headers of fewer lines stand at the bottom.
            words = [
                ([""] * (height - len(field.header)) + field.header)[line] for field in self.fields
            ]
            padded = [field.pad(text) for field, text in zip(self.fields, words, strict=True)]
            yield self._bold((margin + _GAP.join(padded)).rstrip())
        width = sum(field.width for field in self.fields) + len(_GAP) * (len(self.fields) - 1)
        yield "─" * (len(margin) + width)

    def _row(self, place: int) -> Iterator[str]:
        folded = [field.fold(place) for field in self.fields]
        margin = "" if self.margins is None else self.margins[place]
        for line in range(max(map(len, folded))):
            cells = [
                field.pad(cell[line] if line < len(cell) else "")
                for field, cell in zip(self.fields, folded, strict=True)
            ]
            if self.styled and line == 0:
                cells = [
                    f"{_DIM}{cell}{_PLAIN}" if field.cells[place] is None else cell
                    for field, cell in zip(self.fields, cells, strict=True)
                ]
                if margin == _MARK:
                    margin, cells[0] = f"{_RED}{margin}", f"{cells[0]}{_PLAIN}"
            yield (margin + _GAP.join(cells)).rstrip()
            margin = "" if self.margins is None else _NO_MARK

    def _bold(self, text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if self.styled else text
