"""CSV by RFC 4180: exact values, one record per row, lines end in CR LF."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from archive.columns import Kind
from archive.text import without_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from archive.columns import Column

# A spreadsheet reads a cell that starts with one of these as a formula: ASCII and full-width signs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SIGNS = frozenset(_FORMULA)
_COMMA = ","


def write(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    out: TextIO,
    delimiter: str = _COMMA,
) -> None:
    """Write a header and the rows, each as soon as it arrives.

    The delimiter is a character that does not occur in numbers, and no quote or line end.

    `rows` have one value for each column. Values are exact: whole seconds and bytes, instants in
    UTC; on a terminal, control characters are escaped.
    """
    # SQLite has numbers for booleans.
    flags = [column.kind is Kind.FLAG for column in columns]
    has_flags = any(flags)
    shown = without_controls if out.isatty() else str
    out.write(record([column.name for column in columns], delimiter))
    for row in rows:
        cells = row
        if has_flags:
            cells = [
                bool(value) if flag and value is not None else value
                for flag, value in zip(flags, row, strict=True)
            ]
        out.write(shown(record(cells, delimiter)))


def record(cells: Iterable[Any], delimiter: str = _COMMA) -> str:
    """Return one record with its line end."""
    # Most texts stand as they are, so the whole record is looked at rather than each of its fields.
    values = tuple(cells)
    record = delimiter.join(
        [
            value
            if type(value) is str
            else ""
            if value is None
            else str(value)
            if type(value) is int
            else cell(value, delimiter)
            for value in values
        ]
    )
    is_plain = (
        record.count(delimiter) == len(values) - 1
        and '"' not in record
        and "\r" not in record
        and "\n" not in record
        and record[:1] not in _SIGNS
        and _signed(delimiter)(record) is None
        and "" not in values
    )
    if not is_plain:
        record = delimiter.join([cell(value, delimiter) for value in values])
    # A record of one empty field would be an empty line, which readers skip.
    return (record or '""') + "\r\n"


def cell(value: Any, delimiter: str = _COMMA) -> str:
    """Return a field: NULL is empty, an empty text is "", a formula gets an apostrophe before it.

    A series is a JSON array.

    A float is written in the shortest form that reads back as the same double.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, delimiter)
    if isinstance(value, tuple):
        return _text(json.dumps(value), delimiter)
    return repr(value) if isinstance(value, float) else str(value)


def _text(value: str, delimiter: str) -> str:
    """Return a text as a field; in quotes if it is empty or would be misread without them."""
    if value.startswith(_FORMULA):
        value = f"'{value}"
    if not value or _special(delimiter).search(value):
        return '"' + value.replace('"', '""') + '"'
    return value


@cache
def _signed(delimiter: str) -> Callable[[str], re.Match[str] | None]:
    """Return the search for a field, but the first, that starts as a formula does."""
    return re.compile(f"{re.escape(delimiter)}[{re.escape(''.join(_FORMULA))}]").search


@cache
def _special(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of characters that need quotes."""
    return re.compile(f'["{re.escape(delimiter)}\r\n]')
