"""Damage of any single field is found, and the row and the column are named."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import timestamps
from archive.db import Day, Instant
from archive.maintenance import verify
from tests.support import everything
from tests.support.damage import ALONE, BATCHES, RefusedError, names, plant_all, planted, share

if TYPE_CHECKING:
    import random

    from sqlalchemy.engine import Engine

# Other values that a check allows.
_ALLOWED = {
    ("ingest_run", "outcome"): ("complete", "undone"),
    ("collection", "outcome"): ("complete", "partial", "failed"),
    ("attempt", "outcome"): ("complete", "partial"),
    ("maintenance", "what"): ("rename", "forget"),
    ("expected_backup", "outcome"): ("met", "failed"),
    ("message", "role"): (1, 2, 3),
    ("anomaly", "severity"): (1, 2, 3),
}


@pytest.fixture(scope="module")
def damaged(shared_engine: Engine) -> Engine:
    """An archive with rows in every table, in which each test damages one field for a while."""
    everything.fill(shared_engine)
    assert list(verify.verify(shared_engine)) == []
    return shared_engine


@pytest.mark.parametrize("columns", share(BATCHES, 2), ids=BATCHES.index)
def test_damaged_fields_are_found(damaged: Engine, columns: list[sa.Column[Any]]) -> None:
    """Each of several damaged fields, of different tables, is found."""
    with ExitStack() as stack:
        all_planted = plant_all(stack, damaged, columns, _other)
        found = list(verify.verify(damaged))
    for one in all_planted:
        assert any(names(line, one) for line in found), (one, found)


@pytest.mark.parametrize("column", share(ALONE, 6), ids=str)
def test_damaged_key_is_found(damaged: Engine, column: sa.Column[Any]) -> None:
    """A damaged key, or setting, is found, whatever else follows from it."""
    try:
        with planted(damaged, column, _other) as one:
            found = list(verify.verify(damaged))
    except RefusedError:
        pytest.skip("a check of the database refuses this value")
    assert any(names(line, one) for line in found), (one, found)


def _other(column: sa.Column[Any], value: Any, rng: random.Random) -> Any:
    """Return another value of the column's type."""
    allowed = _ALLOWED.get((column.table.name, column.name))
    if allowed:
        return rng.choice([one for one in allowed if one != value])
    if isinstance(column.type, Instant):
        moment = datetime.fromisoformat(value or "2026-05-01T00:00:00Z")
        return timestamps.from_datetime(moment + timedelta(seconds=rng.choice((-7, 7))))
    if isinstance(column.type, Day):
        return (date.fromisoformat(value or "2026-05-01") + timedelta(days=20_000)).isoformat()
    if isinstance(column.type, sa.LargeBinary):
        data = bytearray(value or b"\0")
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data)
    if isinstance(column.type, sa.Boolean):
        return not value
    if isinstance(column.type, sa.Text):
        return f"{value or ''}x"
    named = column.primary_key or column.foreign_keys or column.unique
    return (value or 0) + (1_000_000 if named else 1)
