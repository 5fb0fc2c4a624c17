"""Check that stored values have the form that their columns promise, whatever the database lets in.

SQLite stores any value in any column. On both databases a text may not be the JSON that it should be.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import Day, Instant, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

    from archive.maintenance.verify_sample import Sample

    Valid = Callable[[Any], bool]

# Texts with JSON; those of schedules are lists of texts.
_JSON = {
    ("schedule", "other"),
    ("system_version", "other"),
    ("job_error", "data"),
    ("irregular_document", "document"),
}
_LISTS = {("schedule", "days"), ("schedule", "parts")}
_DAYS = {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGERS = (sa.Integer, sa.BigInteger)
_AT_A_TIME = 5000


def malformed(connection: Connection, sample: Sample) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Yield the table, column and key of each value that has not the form of its column.

    The days of the calendar are left out: `verify_rows.wrong_days` compares each value of theirs.
    """
    for table in tables.metadata.sorted_tables:
        if table is tables.calendar:
            continue
        checked = [(column, _form(table, column)) for column in table.columns]
        keys = list(table.primary_key)
        if connection.dialect.name == "postgresql":  # which enforces the types
            checked = [each for each in checked if (table.name, each[0].name) in _JSON | _LISTS]
            if not checked:
                continue
        # Values as the database has them, without the conversions that they might break.
        raw = [
            sa.type_coerce(column, sa.types.NullType())
            for column in (*keys, *(c for c, _ in checked))
        ]
        query = sa.select(*raw).select_from(table).where(*sample.of(table))
        with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
            for row in rows:
                for (column, valid), value in zip(checked, row[len(keys) :], strict=True):
                    if not (value is None and column.nullable) and not valid(value):
                        yield table.name, column.name, tuple(row[: len(keys)])


def _form(table: sa.Table, column: sa.Column[Any]) -> Valid:
    """Return the check of a column's values."""
    place = (table.name, column.name)
    if place in _LISTS:
        return _is_list_of_days if column.name == "days" else _is_list
    if place in _JSON:
        return _is_json
    kind = column.type
    if isinstance(kind, Instant):
        return _is_instant
    if isinstance(kind, Day):
        return _is_day
    if isinstance(kind, sa.Boolean):
        return lambda value: type(value) in (int, bool) and value in (0, 1)
    if isinstance(kind, _INTEGERS) or _refers_to_number(column):
        return lambda value: type(value) is int
    if isinstance(kind, sa.Double):
        return lambda value: type(value) in (float, int) and isfinite(value)
    if isinstance(kind, sa.LargeBinary):
        return lambda value: isinstance(value, bytes)
    return _is_text


def _refers_to_number(column: sa.Column[Any]) -> bool:
    return any(isinstance(key.column.type, _INTEGERS) for key in column.foreign_keys)


def _is_text(value: Any) -> bool:
    """Return whether a value is a text that both databases store: no NUL, no lone surrogate."""
    if not isinstance(value, str):
        return False
    return "\0" not in value and (value.isascii() or not _SURROGATE.search(value))


def _is_instant(value: Any) -> bool:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_day(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_json(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _is_list(value: Any) -> bool:
    if not _is_json(value):
        return False
    found = json.loads(value)
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def _is_list_of_days(value: Any) -> bool:
    return _is_list(value) and set(json.loads(value)) <= _DAYS
