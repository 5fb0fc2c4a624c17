"""Stored rows compared with the right ones, which were computed from others: what differs, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

MISSING, NOT_NEEDED, WRONG = "missing", "not needed", "wrong"
_Row = tuple[Any, ...]


class WrongRow(NamedTuple):
    """A row by its table and key, what is wrong with it, and the names of its wrong columns."""

    table: str
    key: tuple[Any, ...]
    problem: str
    columns: tuple[str, ...]


def compare(table: sa.Table, stored: Iterable[Any], right: Iterable[_Row]) -> list[WrongRow]:
    """Return the stored rows that are wrong or not needed, and the missing ones.

    Rows have all columns of the table in its order, and the key is unique on each side.
    """
    columns = table.columns.keys()
    places = [columns.index(column.name) for column in table.primary_key]
    known, wanted = (
        {tuple(row[place] for place in places): tuple(row) for row in rows}
        for rows in (stored, right)
    )
    found = [WrongRow(table.name, key, MISSING, ()) for key in wanted if key not in known]
    for key, row in known.items():
        if key not in wanted:
            found.append(WrongRow(table.name, key, NOT_NEEDED, ()))
        elif row != wanted[key]:
            pairs = zip(columns, row, wanted[key], strict=True)
            wrong = tuple(name for name, one, other in pairs if one != other)
            found.append(WrongRow(table.name, key, WRONG, wrong))
    return found
