"""The data of the page's script: one compressed block of bytes in base64.

It starts with the length of the JSON (4 bytes, little-endian), then the JSON, padded with spaces, then the
columns of the history one after the other.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from array import array
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archive import quantile_sketch
from archive.dashboard import charts, reported
from archive.dashboard.history import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.dashboard.gathered import Gathered
    from archive.dashboard.history import History
    from archive.dashboard.tables import Table

# The alignment of the columns in bytes.
_ALIGNED = 4


def packed(gathered: Gathered) -> str:
    """Return the data for the script; the same content always gives the same text.

    Without a time stamp in the gzip header (`mtime`), it depends on the content only. Browsers
    unpack it by themselves (DecompressionStream).
    """
    text = json.dumps(_content(gathered), separators=(",", ":"), allow_nan=False).encode("ascii")
    text += b" " * (-len(text) % _ALIGNED)
    whole = b"".join(
        [len(text).to_bytes(4, "little"), text, *_columns(gathered.history), gathered.recent]
    )
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode("ascii")


def _content(gathered: Gathered) -> dict[str, Any]:
    """Return the JSON for the script; columns of the history follow it as bytes."""
    history, scope = gathered.history, gathered.scope
    bins = {bin_ for column in (history.sizes, history.durations) for bin_ in column} - {UNKNOWN}
    least = min(bins, default=0)
    return {
        "first": scope.since,
        "days": history.number_of_days,
        "now": scope.now,
        "unfinished": gathered.unfinished,
        "number": gathered.number,
        "ofSeveral": gathered.of_several,
        "appliances": [asdict(one) for one in gathered.appliances],
        "others": list(gathered.others.items()),
        # The length of the outcomes of the other appliances, which come after those of the first.
        "recent": len(gathered.recent),
        "counts": history.counts,
        "jobs": len(history.days),
        "messages": history.messages,
        # The first bin in use, and the number of it and of each one up to the last.
        "bins": [
            least,
            [quantile_sketch.number_of(bin_) for bin_ in range(least, max(bins, default=-1) + 1)],
        ],
        "weeks": gathered.weeks,
        "series": gathered.series,
        "zone": gathered.zone,
        "failureDays": reported.FAILURE_DAYS,
        "fleet": _table(gathered.fleet),
        "attention": [_table(one) for one in gathered.attention],
        "reports": [_table(one) for one in gathered.reports],
        "charts": charts.CHARTS,
    }


def _table(table: Table) -> dict[str, Any]:
    """Return a table for the script: its columns by name, label and kind, and its rows."""
    columns = [
        {"name": column.name, "label": column.label, "kind": column.kind}
        for column in table.columns
    ]
    return {
        "name": table.name,
        "title": table.title,
        "columns": columns,
        "rows": table.rows,
        "empty": table.empty,
        "left": table.left_out,
        "leftOf": list(table.left_of.items()),
        "period": table.days,
    }


def _columns(history: History) -> Iterator[bytes]:
    """Yield the columns, those of 2-byte numbers first, so that they are aligned."""
    for column in (history.days, history.sizes, history.durations, history.message_numbers):
        yield _little_endian(column)
    yield bytes(history.statuses)
    yield bytes(history.expected)


def _little_endian(column: array[int]) -> bytes:
    """Return the bytes of a column in the order that the script expects, on any machine."""
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()
