"""Write rows in a format by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.render import delimited, records, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from archive.columns import Column

    Writer = Callable[[Sequence[Column], Iterable[Sequence[Any]], TextIO], None]

FORMATS: dict[str, Writer] = {
    "table": table.write,
    "csv": delimited.write,
    "json": records.write,
}


def write(columns: Sequence[Column], rows: Iterable[Sequence[Any]], name: str, out: TextIO) -> None:
    """Write rows in the format `name`: table, csv or json.

    Raises KeyError for any other name; options of the command allow no other.
    """
    FORMATS[name](columns, rows, out)
