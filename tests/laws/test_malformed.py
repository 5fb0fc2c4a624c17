"""Values that a column should never have: no command fails on one without a sentence about it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import reports
from archive.db import Day, Instant
from archive.reports import sql_files
from tests.support import everything
from tests.support.command import Done, archive, at
from tests.support.damage import ALONE, BATCHES, names, plant_all
from tests.support.laws import some

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from sqlalchemy.engine import Engine

# On SQLite any value can be in any column; the second one is not UTF-8.
_ANY = [
    sa.literal("garbage"),
    sa.cast(sa.literal(b"\xff\x80"), sa.Text),
    sa.literal(""),
    sa.literal("a\0b"),
    sa.literal('{"a": [1]}'),
    sa.literal("0000-13-45T99:00:00.000000Z"),
    sa.literal(b"\0\xff\x80"),
    sa.literal(-1),
    sa.literal(2**63 - 1),
    sa.literal(1.5e300),
]
# On PostgreSQL the type of the column restricts them.
_OF_TYPES: dict[type, list[Any]] = {
    str: ["garbage", "", '{"a": [1]}'],
    bytes: [b"", b"\0\xff\x80"],
    bool: [True, False],
    int: [-1, 2**15 - 1, 2**31 - 1, 2**63 - 1],
    float: [-1.5, 1.5e300, float("inf"), float("nan")],
    Instant: ["0001-01-01T00:00:00.000000Z", "infinity", "4000-01-01 BC"],
    Day: ["0001-01-01", "infinity", "4000-01-01 BC"],
}
_READING = [
    *(("report", name) for name in reports.REPORTS),
    *(("sql", name) for name in sql_files.names()),
    *(("log", name) for name in ("collections", "show", "appliances", "imports", "maintenance")),
    ("check",),
    ("metrics",),
    ("export", "jsonl"),
    ("export", "csv", "--table", "job"),
    ("job", "list"),
    ("quarantine", "list"),
    ("appliance", "list"),
    ("import", "list"),
    ("db", "calendar"),
]
_TOGETHER = [*BATCHES, *([column] for column in ALONE)]
# What follows from the rest cannot be checked if that is malformed.
_DERIVED = {
    "anomaly", "appliance_month", "appliance_standing", "build_sketch", "day_sketch", "day_total",
    "evidence_list", "expected_backup", "size_forecast",
}  # fmt: skip
# With files that they write.
_WRITING_FILES = (("dashboard", "page.html"), ("mail", "mail.eml"))


@pytest.fixture(scope="module")
def damaged(shared_engine: Engine) -> Engine:
    """An archive with rows in every table, in which each test damages one field for a while."""
    everything.fill(shared_engine)
    return shared_engine


@pytest.mark.parametrize("columns", some(_TOGETHER, 1, in_ci=6), ids=_TOGETHER.index)
def test_malformed_values_are_named_and_end_no_command_without_a_sentence(
    damaged: Engine, columns: list[sa.Column[Any]], tmp_path: Path
) -> None:
    """Every reading command does what it can, or names `archive db verify`, which names the columns."""
    with ExitStack() as stack:
        all_planted = plant_all(stack, damaged, columns, partial(_malformed, damaged.dialect.name))
        verified = archive("db", "verify", at(damaged))
        for arguments in some(_READING, 16):
            _assert_explained(arguments, archive(*arguments, at(damaged)))
        for verb, file in _WRITING_FILES:
            arguments = (verb, "--output", str(tmp_path / file))
            _assert_explained(arguments, archive(*arguments, at(damaged)))
    assert verified.code == int(bool(all_planted)), verified
    lines = verified.out.splitlines()
    if any("cannot be checked" in line for line in lines):
        all_planted = [one for one in all_planted if one.column.table.name not in _DERIVED]
    for one in all_planted:
        assert any(names(line, one) for line in lines), (one, verified)


def _malformed(dialect: str, column: sa.Column[Any], value: Any, random: Random) -> Any:
    """Return a value that the column should not have, but could by damage."""
    if dialect == "sqlite":
        return random.choice(_ANY)
    return random.choice([one for one in _OF_TYPES[_kind(column)] if one != value])


def _kind(column: sa.Column[Any]) -> type:
    kind = type(column.type)
    return kind if kind in (Instant, Day) else column.type.python_type


def _assert_explained(arguments: tuple[str, ...], done: Done) -> None:
    said = done.out + done.err
    assert "Traceback" not in said, arguments
    if "internal error" in said or "reports an error" in said:
        assert "archive db verify" in said, arguments
