"""Sort the rows of a report by any column, and keep the first ones."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from itertools import islice
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.errors import UsageError
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.columns import Column

    Row = tuple[Any, ...]


def check(columns: Sequence[Column], sort: str | None) -> None:
    """Raise UsageError, listing the columns, unless rows can be sorted by this one."""
    if sort is not None:
        place = _place(columns, sort.removeprefix("-"))
        if columns[place].kind is Kind.SERIES:
            raise UsageError(f'cannot sort by "{columns[place].name}": it is a series')


def ordered(
    columns: Sequence[Column], rows: Iterable[Row], sort: str | None, top: int | None
) -> Iterator[Row]:
    """Yield the first `top` rows, sorted by a column: `NAME`, or `-NAME` for descending.

    Equal rows keep their order; NULL comes last either way. At most `top` rows are in memory, and
    none if they are not sorted; a generator is read no further than needed. Raises UsageError for an
    unknown column.
    """
    if sort is None:
        return _first(rows, top)
    name = sort.removeprefix("-")
    place, last = _place(columns, name), name == sort

    def key(row: Row) -> tuple[bool, Any]:
        value = row[place]
        return (value is None) is last, value

    # These two are stable, like `sorted`.
    # A heap of `top` rows: with a million rows, sorting all would hold them in memory.
    if top is not None:
        return iter((heapq.nsmallest if last else heapq.nlargest)(top, rows, key))
    return iter(sorted(rows, key=key, reverse=not last))


def _first(rows: Iterable[Row], top: int | None) -> Iterator[Row]:
    yield from islice(rows, top)
    if isinstance(rows, Generator):
        rows.close()  # releases the rows not read


def _place(columns: Sequence[Column], name: str) -> int:
    """Return the position of a column. Raises UsageError with the name most like it."""
    names = [column.name for column in columns]
    if name in names:
        return names.index(name)
    raise UsageError(f"unknown column {quoted(name)}{suggestion(name, names)}")
