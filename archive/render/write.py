"""Write rows in a format by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.render import delimited, records, table
from archive.render.units import UTC

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


def write(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    name: str,
    out: TextIO,
    zone: str = UTC,
) -> None:
    """Write rows in the format `name`: table, csv or json.

    A table shows instants on the clocks of an IANA zone. Raises KeyError for any other name; options
    of the command allow no other.
    """
    if name == "table":
        table.write(columns, rows, out, zone)
    else:
        FORMATS[name](columns, rows, out)
