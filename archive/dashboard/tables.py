"""What the page shows as tables: some columns of a report's rows, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.columns import Column

# A table of more rows says how many it has left out: a browser, and a reader, has its limits.
MOST_ROWS = 2000


@dataclass(frozen=True)
class Table:
    """Rows in their order; values are under `columns`. `left_out` counts those beyond the limit.

    `empty` is the sentence in place of no rows. `days`: it is of the last so many, None of all or of
    those that its title says.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str
    left_out: int = 0
    days: int | None = None


def table(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    shown: Sequence[str],
    empty: str,
) -> Table:
    """Return a table of the columns that are shown, by name, of rows that have `columns`."""
    places = [[column.name for column in columns].index(one) for one in shown]
    cells = [tuple(row[place] for place in places) for row in rows]
    return Table(
        name,
        title,
        tuple(columns[place] for place in places),
        tuple(cells[:MOST_ROWS]),
        empty,
        max(len(cells) - MOST_ROWS, 0),
    )
