"""Damage of any single field is found, and the row and the column are named."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from archive.maintenance import verify
from tests.support import everything
from tests.support.damage import (
    ALONE,
    BATCHES,
    RefusedError,
    names,
    other_value,
    plant_all,
    planted,
)
from tests.support.laws import some

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import Engine


@pytest.fixture(scope="module")
def damaged(shared_engine: Engine) -> Engine:
    """An archive with rows in every table, in which each test damages one field for a while."""
    everything.fill(shared_engine)
    assert list(verify.verify(shared_engine)) == []
    return shared_engine


@pytest.mark.parametrize("columns", some(BATCHES, 1, in_ci=8), ids=BATCHES.index)
def test_damaged_fields_are_found(damaged: Engine, columns: list[sa.Column[Any]]) -> None:
    """Each of several damaged fields, of different tables, is found: together, or else alone."""
    with ExitStack() as stack:
        all_planted = plant_all(stack, damaged, columns, other_value)
        together = list(verify.verify(damaged))
    # Damage of one table can make another one impossible to check.
    for column in [
        one.column for one in all_planted if not any(names(line, one) for line in together)
    ]:
        with planted(damaged, column, other_value) as one:
            found = list(verify.verify(damaged))
        assert any(names(line, one) for line in found), (one, found)


@pytest.mark.parametrize("column", some(ALONE, 4, in_ci=24), ids=str)
def test_damaged_key_is_found(damaged: Engine, column: sa.Column[Any]) -> None:
    """A damaged key, or setting, is found, whatever else follows from it."""
    try:
        with planted(damaged, column, other_value) as one:
            found = list(verify.verify(damaged))
    except RefusedError:
        pytest.skip("a check of the database refuses this value")
    assert any(names(line, one) for line in found), (one, found)
