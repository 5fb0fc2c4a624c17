"""HTML for mail: what mail programs show alike. Styles stand in the elements, and nothing is fetched.

No rounded corners, no grids, no style sheets: some mail programs draw HTML as a word processor does.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from archive.columns import Column, Kind
from archive.render.units import readable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_NULL = "-"
# A cell has no more characters than this: what a log says in it can be of any length, and a mail
# program that is given too much leaves off the end.
_LONGEST = 300
# A longer word may end a line anywhere. Shorter ones may not: many mail programs then break words
# of any length, so that columns of words are as narrow as a letter.
_WORD = 30
_NUMERIC = (Kind.COUNT, Kind.RATIO, Kind.BYTES, Kind.SECONDS, Kind.RATE)
_FONT = "Arial,Helvetica,sans-serif;color:#1f2328"
_RULE = "border-bottom:1px solid #d0d7de"
# It stands in each cell, so it is short.
_CELL = f"font:13px/18px {_FONT};padding:4px 9px;{_RULE}"
_WRONG = "background-color:#ffe5e1;font-weight:bold"


def html(
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    notes: Iterable[str],
    wrong: Collection[int] = (),
) -> str:
    """Return a document with one table, whose first column is shown as headings of its rows.

    `wrong` are the places of rows that are set off.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title></head>",
        '<body style="margin:0;padding:16px;background-color:#ffffff">',
        f'<h1 style="font:bold 18px/24px {_FONT};margin:0 0 12px 0">{escape(title)}</h1>',
        '<table cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse">',
        *_rows(columns, rows, wrong),
        "</table>",
        *(
            f'<p style="font:12px/18px {_FONT};margin:12px 0 0 0">{escape(note)}</p>'
            for note in notes
        ),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _rows(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], wrong: Collection[int]
) -> Iterator[str]:
    telling = {column.kind_in for column in columns}
    places = {column.name: place for place, column in enumerate(columns)}
    shown = [column for column in columns[1:] if column.name not in telling]
    heads = "".join(_head(column) for column in shown)
    yield f'<tr valign="top">{heads}</tr>'
    section = None
    for number, row in enumerate(rows):
        if row[0] != section:
            section = row[0]
            words = escape(readable(Kind.TEXT, section))
            yield (
                f'<tr><th colspan="{len(shown)}" scope="rowgroup" align="left"'
                f' style="{_CELL};font-weight:bold;padding-top:14px">{words}</th></tr>'
            )
        style = f"{_CELL};{_WRONG}" if number in wrong else _CELL
        cells = "".join(_cell(column, row, places, style) for column in shown)
        yield f'<tr valign="top">{cells}</tr>'


def _head(column: Column) -> str:
    side = "right" if _is_numeric(column) else "left"
    return (
        f'<th scope="col" align="{side}" style="{_CELL};text-align:{side};color:#57606a">'
        f"{escape(column.label)}</th>"
    )


def _cell(column: Column, row: Sequence[Any], places: dict[str, int], style: str) -> str:
    kind = column.kind if column.kind_in is None else Kind(row[places[column.kind_in]])
    value = row[places[column.name]]
    words = _NULL if value is None else readable(kind, value)
    if len(words) > _LONGEST:
        words = f"{words[: _LONGEST - 4]} ..."
    if _is_numeric(column):
        # The attribute is for Outlook, which does not know the style.
        shape = ' align="right" nowrap style="%s;text-align:right;white-space:nowrap"'
    elif max(map(len, re.split(r"[\s.]", words))) > _WORD:
        shape = ' style="%s;word-break:break-word"'
    else:
        shape = ' style="%s"'
    # A name may end a line at its dots.
    told = re.sub(r"(?<=\w)\.(?=[^\W\d])", ".<wbr>", escape(words))
    return f"<td{shape % style}>{told}</td>"


def _is_numeric(column: Column) -> bool:
    return column.kind_in is not None or column.kind in _NUMERIC
