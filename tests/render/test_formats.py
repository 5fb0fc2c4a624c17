from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from archive.cli.options import Format
from archive.columns import Column, Kind, named
from archive.render import records
from archive.render.write import FORMATS, write

COLUMNS = (
    Column("name"),
    Column("jobs", Kind.COUNT),
    Column("success_rate", Kind.RATIO),
    Column("size_bytes", Kind.BYTES),
    Column("duration_seconds", Kind.SECONDS),
    Column("last_seen", Kind.INSTANT),
    Column("day", Kind.DAY),
    Column("fast", Kind.FLAG),
)
ROWS: list[tuple[Any, ...]] = [
    (
        "plain",
        1234,
        2 / 3,
        1288490188,
        252,
        "2026-07-24T02:15:00.041000Z",
        "2026-07-24",
        True,
    ),
    ('comma, "quote"', 0, 1.0, 2**80, 3780, None, None, False),
    ("new\nline", -5, 0.0, -(2**63), 0, None, None, 0),
    ("Zürich 東京", 2**63 - 1, 0.99999, 0, 2**63 - 1, None, None, 1),
    ("=1+1", None, None, None, None, None, None, None),
    ("", None, None, None, None, None, None, None),
    (None, None, None, None, None, None, None, None),
]
CSV = (
    "name,jobs,success_rate,size_bytes,duration_seconds,last_seen,day,fast\r\n"
    "plain,1234,0.6666666666666666,1288490188,252,2026-07-24T02:15:00.041000Z,2026-07-24,true\r\n"
    '"comma, ""quote""",0,1.0,1208925819614629174706176,3780,,,false\r\n'
    '"new\nline",-5,0.0,-9223372036854775808,0,,,false\r\n'
    "Zürich 東京,9223372036854775807,0.99999,0,9223372036854775807,,,true\r\n"
    "'=1+1,,,,,,,\r\n"
    '"",,,,,,,\r\n'
    ",,,,,,,\r\n"
)
JSON = (
    "[\n"
    '  {"name": "plain", "jobs": 1234, "success_rate": 0.6666666666666666,'
    ' "size_bytes": 1288490188, "duration_seconds": 252,'
    ' "last_seen": "2026-07-24T02:15:00.041000Z", "day": "2026-07-24", "fast": true},\n'
    '  {"name": "comma, \\"quote\\"", "jobs": 0, "success_rate": 1.0,'
    ' "size_bytes": 1208925819614629174706176, "duration_seconds": 3780,'
    ' "last_seen": null, "day": null, "fast": false},\n'
    '  {"name": "new\\nline", "jobs": -5, "success_rate": 0.0,'
    ' "size_bytes": -9223372036854775808, "duration_seconds": 0,'
    ' "last_seen": null, "day": null, "fast": false},\n'
    '  {"name": "Zürich 東京", "jobs": 9223372036854775807, "success_rate": 0.99999,'
    ' "size_bytes": 0, "duration_seconds": 9223372036854775807,'
    ' "last_seen": null, "day": null, "fast": true},\n'
    '  {"name": "=1+1", "jobs": null, "success_rate": null, "size_bytes": null,'
    ' "duration_seconds": null, "last_seen": null, "day": null, "fast": null},\n'
    '  {"name": "", "jobs": null, "success_rate": null, "size_bytes": null,'
    ' "duration_seconds": null, "last_seen": null, "day": null, "fast": null},\n'
    '  {"name": null, "jobs": null, "success_rate": null, "size_bytes": null,'
    ' "duration_seconds": null, "last_seen": null, "day": null, "fast": null}\n]\n'
)
TABLE = """\
                                           success
name                                 jobs     rate      size                    duration  last seen             day         fast
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
plain                               1,234   66.7 %   1.2 GiB                    4 m 12 s  2026-07-24 02:15:00Z  2026-07-24  yes
comma, "quote"                          0  100.0 %   1.0 YiB                    1 h 03 m  -                     -           no
new\\nline                              -5    0.0 %  -8.0 EiB                         0 s  -                     -           no
Zürich 東京     9,223,372,036,854,775,807  99.99 %       0 B  106,751,991,167,300 d 16 h  -                     -           yes
=1+1                                    -        -         -                           -  -                     -           -
                                        -        -         -                           -  -                     -           -
-                                       -        -         -                           -  -                     -           -
"""


def rendered(name: str, columns: Any = COLUMNS, rows: Any = ROWS) -> str:
    out = io.StringIO(newline="")
    write(columns, iter(rows), name, out)
    return out.getvalue()


def test_every_format_option_can_be_written() -> None:
    """The formats of the options are those of the writers."""
    assert list(Format) == list(FORMATS)


def test_csv_is_exact() -> None:
    """CSV follows RFC 4180, keeps every digit, distinguishes NULL from empty text, and disarms formulas."""
    assert rendered("csv") == CSV


def test_csv_is_read_back() -> None:
    """Another program's reader finds as many fields as columns, with their texts."""
    header, *records_ = csv.reader(io.StringIO(rendered("csv"), newline=""))
    assert header == [column.name for column in COLUMNS]
    assert [record[0] for record in records_] == [
        "plain",
        'comma, "quote"',
        "new\nline",
        "Zürich 東京",
        "'=1+1",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    ["=1", "+1", "-1", "@A1", "\tx", "\rx", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1"],
)
def test_csv_disarms_texts_and_never_numbers(text: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe; a negative number stays a number."""
    columns = (Column("text"), Column("number", Kind.COUNT))
    (_, record) = csv.reader(io.StringIO(rendered("csv", columns, [(text, -1)]), newline=""))
    assert record == [f"'{text}", "-1"]


def test_csv_of_one_null_is_not_an_empty_line() -> None:
    """Readers skip empty lines, so a record of one NULL is a pair of quotes."""
    assert rendered("csv", (Column("a"),), [(None,), ("b",)]) == 'a\r\n""\r\nb\r\n'


def test_json_is_exact() -> None:
    """JSON is an array of objects, one a line, with every digit and any text unchanged."""
    assert rendered("json") == JSON


def test_json_is_read_back() -> None:
    """A JSON reader finds the values that were written."""
    read = [tuple(record.values()) for record in json.loads(rendered("json"))]
    assert read == [(*row[:-1], None if row[-1] is None else bool(row[-1])) for row in ROWS]


def test_table_is_readable() -> None:
    """A table shows units, aligns numbers, marks NULL, and keeps a cell on its line."""
    assert rendered("table") == TABLE


@pytest.mark.parametrize(
    ("name", "empty"),
    [("csv", "a,b\r\n"), ("json", "[]\n"), ("table", "a  b\n────\n")],
)
def test_empty_results(name: str, empty: str) -> None:
    """Without rows there is still a header, or an empty array."""
    assert rendered(name, (Column("a"), Column("b", Kind.COUNT)), []) == empty


@pytest.mark.parametrize("name", ["csv", "json"])
def test_rows_are_streamed(name: str) -> None:
    """A row is written before the next one is read, so there is no limit to their number."""
    out = io.StringIO(newline="")
    lengths = []

    def rows() -> Any:
        for number in range(3):
            lengths.append(len(out.getvalue()))
            yield (number,)

    write((Column("a"),), rows(), name, out)
    assert lengths == sorted(set(lengths))


def test_single_records() -> None:
    """One record is an object in JSON, a header and a line in CSV."""
    values = {"seen": 3, "source": "a,b", "error": None}
    assert records.one(values, "json") == '{"seen": 3, "source": "a,b", "error": null}\n'
    assert records.one(values, "csv") == 'seen,source,error\r\n3,"a,b",\r\n'


def test_column_names_define_units() -> None:
    """The end of a column's name defines its unit, which a table does not repeat."""
    names = ("size_bytes", "p95_seconds", "success_rate", "last_seen", "status")
    kinds = [Kind.BYTES, Kind.SECONDS, Kind.RATIO, Kind.INSTANT, Kind.TEXT]
    assert [named(name).kind for name in names] == kinds
    assert [named(name).label for name in names] == [
        "size",
        "p95",
        "success rate",
        "last seen",
        "status",
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("csv", 'trend\r\n"[1, null, 0.5]"\r\n""\r\n[]\r\n'),
        ("json", '[\n  {"trend": [1, null, 0.5]},\n  {"trend": null},\n  {"trend": []}\n]\n'),
        ("table", "trend\n─────\n█ ▅\n-\n\n"),
    ],
)
def test_trend(name: str, written: str) -> None:
    """Data formats have it as a JSON array, tables as small bars."""
    rows = [((1, None, 0.5),), (None,), ((),)]
    assert rendered(name, (Column("trend", Kind.SERIES),), rows) == written
