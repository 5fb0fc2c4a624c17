"""Tables: readable units, aligned numbers, no value cut off.

On a terminal they fit its width: see `layout`. What cannot fit is shown as records, one value a line.
"""

from __future__ import annotations

import textwrap
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any

from archive.columns import NUMERIC, Column, Kind, Role
from archive.render.folding import folded
from archive.render.layout import MARK, NO_MARK, NULL, Field, Layout, Section, records
from archive.render.units import UTC, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

# Trends are left out before any other column.
_SERIES_EXPENDABLE = 9


def write(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    out: TextIO,
    zone: str = UTC,
    width: int | None = None,
) -> None:
    """Write a table, without optional columns that hold only zero or NULL.

    Instants are on the clocks of an IANA zone, with their offset.

    On a terminal, or in a `width`, columns that do not fit are left out, which a last line says;
    elsewhere lines have any length. A heading whose rows are not adjacent becomes a column. Numbers are
    right-aligned, texts left-aligned.
    """
    # Widths depend on all rows, so a table is held in memory, unlike CSV and JSON.
    body = list(rows)
    places = {column.name: place for place, column in enumerate(columns)}
    # Without a heading that repeats, rows stand in sections below their heading.
    sections = _sections(columns, body, zone)
    marks = next((place for place, one in enumerate(columns) if one.role is Role.MARK), None)
    margins = None
    if sections or marks is not None:
        margins = [MARK if marks is not None and row[marks] else NO_MARK for row in body]
    kind_columns = {column.kind_in for column in columns}
    fields = [
        _field(column, [row[place] for row in body], _kinds(column, body, places), zone)
        for place, column in enumerate(columns)
        if column.name not in kind_columns
        and column.role is not Role.MARK
        and not (sections and column.role is Role.HEADING)
        and (not column.optional or any(row[place] for row in body))
    ]
    if width is not None:
        _write_within(fields, sections, margins, len(body), out, width)
        return
    if out.isatty():
        _write_on_terminal(fields, sections, margins, len(body), out)
        return
    layout = Layout(fields, sections, margins)
    out.writelines(f"{line}\n" for line in layout.lines(len(body), styled=False))


def _write_on_terminal(
    fields: list[Field],
    sections: Sequence[Section],
    margins: Sequence[str] | None,
    number: int,
    out: TextIO,
) -> None:
    """Write a table in the width of the terminal."""
    from rich.console import Console

    console = Console(file=out, force_terminal=True)
    styled = console.color_system is not None and not console.no_color
    _write_within(fields, sections, margins, number, out, console.width, styled=styled)


def _write_within(
    fields: list[Field],
    sections: Sequence[Section],
    margins: Sequence[str] | None,
    number: int,
    out: TextIO,
    width: int,
    *,
    styled: bool = False,
) -> None:
    """Write a table in a width, or as records if no layout fits."""
    fitted = Layout(fields, sections, margins).fit(width)
    if fitted is None:
        out.writelines(f"{line}\n" for line in records(fields, _headings(sections, number), width))
        return
    out.writelines(f"{line}\n" for line in fitted.lines(number, styled=styled))
    kept = set(map(id, fitted.fields))
    missing = ", ".join(one.label for one in fields if id(one) not in kept)
    if missing:
        note = f"No room at {width} columns for: {missing}."
        out.writelines(f"{line}\n" for line in folded(note, width))


def _headings(sections: Sequence[Section], number: int) -> list[str]:
    """Return the number of each row, with its heading if there are any."""
    sectioned = [f", {one.heading}" for one in sections for _ in range(one.first, one.end)]
    return [f"{place + 1:,}{sectioned[place] if sections else ''}" for place in range(number)]


def _sections(columns: Sequence[Column], rows: Sequence[Sequence[Any]], zone: str) -> list[Section]:
    """Return the rows under each heading; none without headings, or if a heading would repeat."""
    place = next((place for place, one in enumerate(columns) if one.role is Role.HEADING), None)
    if place is None:
        return []
    found: list[Section] = []
    for value, run in groupby(row[place] for row in rows):
        first = found[-1].end if found else 0
        heading = NULL if value is None else readable(columns[place].kind, value, zone)
        found.append(Section(heading, first, first + sum(1 for _ in run)))
    return found if len({one.heading for one in found}) == len(found) else []


def _kinds(
    column: Column, rows: Sequence[Sequence[Any]], places: Mapping[str, int]
) -> Iterable[Kind]:
    """Return the kinds of a column's values, row by row."""
    if column.kind_in is None:
        return repeat(column.kind)
    kinds = (Kind(row[places[column.kind_in]]) for row in rows)
    return (kind.difference for kind in kinds) if column.signed else kinds


def _field(column: Column, values: Sequence[Any], kinds: Iterable[Kind], zone: str) -> Field:
    """Return a column of the table, with its cells in readable units."""
    from rich.cells import cell_len

    typed = zip(kinds, values)  # noqa: B905 - the kind of a whole column repeats without end
    cells = [
        None if value is None else readable(kind, value, zone, signed=column.signed)
        for kind, value in typed
    ]
    numeric = _is_numeric(column, values)
    width = max((cell_len(cell or NULL) for cell in cells), default=0)
    # A header is as wide as the widest value, if it has spaces to break at.
    width = max([width, *map(cell_len, column.label.split() if numeric else [column.label])])
    header = textwrap.wrap(column.label, width, break_long_words=False)
    is_series = column.kind is Kind.SERIES
    expendable = column.expendable or (_SERIES_EXPENDABLE if is_series else 0)
    return Field(
        header, cells, numeric, width, not (numeric or is_series), expendable, column.shortened
    )


def _is_numeric(column: Column, values: Iterable[Any]) -> bool:
    """Whether a column is right-aligned: by its kind, or of texts if all values are numbers."""
    if column.kind is not Kind.TEXT:
        return column.kind in NUMERIC
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)
