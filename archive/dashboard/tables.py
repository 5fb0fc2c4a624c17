"""Tables of the page: some columns of a report's rows, limited in number.

The limits bound the size of the page; what is left out is counted, and the page says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archive.columns import Column

# The maximum number of rows of a table in the file.
MOST_ROWS = 2000


@dataclass(frozen=True)
class Table:
    """A table. `left_out` counts the rows beyond MOST_ROWS; `empty` is shown if there are no rows.

    `left_of` counts the same by appliance, if the table has any.

    `days` is the number of last days that it covers; None for all days, or those in its title.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str
    left_out: int = 0
    left_of: Mapping[str, int] = field(default_factory=dict)
    days: int | None = None


def table(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    shown: Sequence[str],
    empty: str,
    most: int = MOST_ROWS,
) -> Table:
    """Return a table of the columns named in `shown`, from rows that have `columns`: at most `most`.

    Rows are tuples or named tuples with a value for each of `columns`. Raises ValueError if a name
    in `shown` is not among them.
    """
    places = [[column.name for column in columns].index(one) for one in shown]
    cells = [tuple(row[place] for place in places) for row in rows]
    return Table(
        name,
        title,
        tuple(columns[place] for place in places),
        tuple(cells[:most]),
        empty,
        max(len(cells) - most, 0),
        Counter(row[0] for row in cells[most:] if row[0]) if shown[0] == "appliance" else {},
    )
