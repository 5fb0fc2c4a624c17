"""HTML for mail, limited to what all mail programs show alike.

Styles are inline and nothing is loaded. There are no rounded corners, grids or style sheets, since
some mail programs render HTML with a word processor.
"""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from archive.columns import Column, Kind, Role
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NULL = "-"
# Maximum characters of a cell: messages can be of any length, and mail programs cut off long mails.
_LONGEST = 300
# Only longer words may be broken. If all could, many mail programs would make columns of text as
# narrow as one letter.
_WORD = 30
_NUMERIC = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_FONT = "Arial,Helvetica,sans-serif;color:#1f2328"
_RULE = "border-bottom:1px solid #d0d7de"
# Repeated in each cell, so it is short.
_CELL = f"font:13px/18px {_FONT};padding:4px 9px;{_RULE}"
_WRONG = "background-color:#ffe5e1;font-weight:bold"


def html(
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    notes: Iterable[str],
) -> str:
    """Return a document with one table. It needs a heading column; marked rows are highlighted.

    `notes` are paragraphs below the table. All texts are escaped; the document loads nothing.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title></head>",
        '<body style="margin:0;padding:16px;background-color:#ffffff">',
        f'<h1 style="font:bold 18px/24px {_FONT};margin:0 0 12px 0">{escape(title)}</h1>',
        '<table cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse">',
        *_rows(columns, rows),
        "</table>",
        *(
            f'<p style="font:12px/18px {_FONT};margin:12px 0 0 0">{escape(note)}</p>'
            for note in notes
        ),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _rows(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the rows of the table: the header, then each section with its heading."""
    kind_columns = {column.kind_in for column in columns}
    places = {column.name: place for place, column in enumerate(columns)}
    heading, mark = (_place(columns, role) for role in (Role.HEADING, Role.MARK))
    shown = [
        column for column in columns if column.name not in kind_columns and column.role is Role.CELL
    ]
    heads = "".join(_head(column) for column in shown)
    yield f'<tr valign="top">{heads}</tr>'
    for section, run in groupby(rows, key=lambda row: row[heading]):
        words = escape(readable(Kind.TEXT, section))
        yield (
            f'<tr><th colspan="{len(shown)}" scope="rowgroup" align="left"'
            f' style="{_CELL};font-weight:bold;padding-top:14px">{words}</th></tr>'
        )
        body = list(run)
        # By section: a column may be empty in one and full in another.
        spans = _spans(shown, body, places)
        for row in body:
            style = f"{_CELL};{_WRONG}" if row[mark] else _CELL
            cells = "".join(_cell(column, row, places, style, span) for column, span in spans)
            yield f'<tr valign="top">{cells}</tr>'


def _spans(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], places: dict[str, int]
) -> list[tuple[Column, int]]:
    """Return the columns of a section, each with the number it spans: empty ones before it included."""
    found: list[tuple[Column, int]] = []
    span = 1
    for column in columns[:-1]:
        if all(row[places[column.name]] is None for row in rows):
            span += 1
        else:
            found.append((column, span))
            span = 1
    return [*found, (columns[-1], span)]


def _place(columns: Sequence[Column], role: Role) -> int:
    """Return the position of the column with a role. Raises StopIteration if there is none."""
    return next(place for place, column in enumerate(columns) if column.role is role)


def _head(column: Column) -> str:
    side = "right" if _is_numeric(column) else "left"
    return (
        f'<th scope="col" align="{side}" style="{_CELL};text-align:{side};color:#57606a">'
        f"{escape(column.label)}</th>"
    )


def _cell(column: Column, row: Sequence[Any], places: dict[str, int], style: str, span: int) -> str:
    """Return a cell, with its text in the style of the column's kind."""
    kind = column.kind if column.kind_in is None else Kind(row[places[column.kind_in]])
    value = row[places[column.name]]
    missing = _NULL if _is_numeric(column) else ""
    words = missing if value is None else readable(kind, value, signed=column.signed)
    if len(words) > _LONGEST:
        words = f"{words[: _LONGEST - 4]} ..."
    if _is_numeric(column):
        # The attribute is for Outlook, which ignores the style.
        shape = ' align="right" nowrap style="%s;text-align:right;white-space:nowrap"'
    elif kind is Kind.SERIES:
        # Some mail programs collapse spaces.
        shape = ' nowrap style="%s;font:9px/18px monospace"'
        words = words.replace(" ", "\u00a0")
    elif max(map(len, re.split(r"[\s.]", words))) > _WORD:
        shape = ' style="%s;word-break:break-word"'
    else:
        shape = ' style="%s"'
    # Names may be broken at dots.
    content = re.sub(r"(?<=\w)\.(?=[^\W\d])", ".<wbr>", escape(words))
    if span > 1:
        shape = f' colspan="{span}"{shape}'
    return f"<td{shape % style}>{content}</td>"


def _is_numeric(column: Column) -> bool:
    return column.kind_in is not None or column.kind in _NUMERIC
