"""JSON with exact values: an array with one object per row. Also single records as JSON or CSV."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.render import delimited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from archive.columns import Column

# DEL and the C1 controls, marks and overrides of direction, line separators, the byte-order mark.
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def write(columns: Sequence[Column], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    """Write an array of objects, each as soon as it arrives.

    Each object is on a line of its own, so the text is diffed and searched by rows.
    """
    out.writelines(_array(columns, rows))
    out.write("\n")


def write_within(
    values: Mapping[str, Any],
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    out: TextIO,
) -> None:
    """Write an object with values and, last, an array of objects, each as soon as it arrives."""
    out.write(f'{_object(values)[:-1]}, "{name}": ')
    out.writelines(_array(columns, rows))
    out.write("}\n")


def _array(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the pieces of the array, an object at a time; memory does not grow with the rows."""
    names = [column.name for column in columns]
    flags = [column.name for column in columns if column.kind is Kind.FLAG]
    before = "[\n"
    for row in rows:
        values = dict(zip(names, row, strict=True))
        for name in flags:
            values[name] = None if values[name] is None else bool(values[name])
        yield f"{before}  {_object(values)}"
        before = ",\n"
    # Without rows, an empty array on the same line.
    yield "[]" if before == "[\n" else "\n]"


def one(values: Mapping[str, Any], name: str) -> str:
    """Return a single record as `json` (an object) or `csv` (a header and a line)."""
    if name == "json":
        return f"{_object(values)}\n"
    return delimited.record(values) + delimited.record(values.values())


def nested(
    values: Mapping[str, Any],
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
) -> str:
    """Return one JSON object with values, and rows as an array under `name`.

    Unlike `write_within`, it holds all rows in memory.
    """
    names = [column.name for column in columns]
    below = [dict(zip(names, row, strict=True)) for row in rows]
    return f"{_object({**values, name: below})}\n"


def _object(values: Mapping[str, Any]) -> str:
    """Return an object on one line. Raises ValueError for NaN, which JSON does not have."""
    return escaped(json.dumps(values, ensure_ascii=False, allow_nan=False))


def escaped(text: str) -> str:
    """Return JSON in which no character controls a terminal, nor changes the direction of its text."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
