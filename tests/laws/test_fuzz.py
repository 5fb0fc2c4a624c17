from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.laws.fuzz import fuzz

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.mark.parametrize("seed", [1, 10_001])
def test_changed_documents_are_archived_by_their_canonical_form(
    sqlite_archive: Engine, tmp_path: Path, seed: int
) -> None:
    """The short form of `python -m tests.laws.fuzz`, which says what must hold."""
    fuzz(sqlite_archive, 300, seed, tmp_path)
