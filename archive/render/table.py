"""Tables for people: units they read, numbers aligned, nothing cut off."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from archive.columns import Column, Kind
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

_NUMERIC = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_GAP = "  "
_NULL = "-"
# Texts are not folded into columns narrower than this; lines run over instead.
_NARROWEST = 12
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def write(columns: Sequence[Column], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    """Write a table; an optional column that holds only zero or NULL is left out.

    On a terminal texts are folded to its width; anywhere else lines are as long as they have to be.
    """
    body = list(rows)
    places = {column.name: place for place, column in enumerate(columns)}
    telling = {column.kind_in for column in columns}
    fields = [
        _field(column, [row[place] for row in body], _kinds(column, body, places))
        for place, column in enumerate(columns)
        if column.name not in telling and (not column.optional or any(row[place] for row in body))
    ]
    styled = False
    if out.isatty():
        from rich.console import Console

        console = Console(file=out, force_terminal=True)
        _fit(fields, console.width)
        styled = console.color_system is not None and not console.no_color
    out.writelines(f"{line}\n" for line in _lines(fields, len(body), styled=styled))


@dataclass
class _Field:
    """A column laid out: the lines of its header, its cells (None is NULL), its width."""

    header: list[str]
    cells: list[str | None]
    numeric: bool
    width: int

    def pad(self, text: str) -> str:
        from rich.cells import cell_len

        space = " " * (self.width - cell_len(text))
        return space + text if self.numeric else text + space

    def fold(self, place: int) -> list[str]:
        from rich.cells import chop_cells

        cell = self.cells[place]
        return [_NULL] if cell is None else chop_cells(cell, self.width) or [""]


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
    cells = [None if value is None else readable(kind, value) for kind, value in told]
    numeric = _is_numeric(column, values)
    width = max((cell_len(cell or _NULL) for cell in cells), default=0)
    # A header is no wider than the widest value, if it has spaces to break at.
    width = max([width, *map(cell_len, column.label.split() if numeric else [column.label])])
    header = textwrap.wrap(column.label, width, break_long_words=False)
    return _Field(header, cells, numeric, width)


def _is_numeric(column: Column, values: Iterable[Any]) -> bool:
    if column.kind is not Kind.TEXT:
        return column.kind in _NUMERIC
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)


def _fit(fields: Sequence[_Field], width: int) -> None:
    """Narrow columns of texts, the widest first, until lines fit the width or none can be."""
    excess = sum(field.width for field in fields) + len(_GAP) * (len(fields) - 1) - width
    for field in sorted(fields, key=lambda field: -field.width):
        least = max(_NARROWEST, *(len(word) for word in field.header))
        if excess > 0 and not field.numeric and field.width > least:
            narrowed = max(least, field.width - excess)
            excess -= field.width - narrowed
            field.width = narrowed


def _lines(fields: Sequence[_Field], number: int, *, styled: bool) -> Iterator[str]:
    height = max(len(field.header) for field in fields)
    for line in range(height):
        # Headers of fewer lines stand at the bottom.
        words = [([""] * (height - len(field.header)) + field.header)[line] for field in fields]
        padded = _joined(fields, words)
        yield f"{_BOLD}{padded}{_PLAIN}" if styled else padded
    yield "─" * (sum(field.width for field in fields) + len(_GAP) * (len(fields) - 1))
    for place in range(number):
        folded = [field.fold(place) for field in fields]
        for line in range(max(map(len, folded))):
            cells = [cell[line] if line < len(cell) else "" for cell in folded]
            nulls = [line == 0 and field.cells[place] is None for field in fields]
            yield _joined(fields, cells, nulls if styled else ())


def _joined(fields: Sequence[_Field], texts: Sequence[str], dimmed: Sequence[bool] = ()) -> str:
    padded = [field.pad(text) for field, text in zip(fields, texts, strict=True)]
    for place, dim in enumerate(dimmed):
        if dim:
            padded[place] = f"{_DIM}{padded[place]}{_PLAIN}"
    return _GAP.join(padded).rstrip()
