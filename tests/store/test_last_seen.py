from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store import last_seen
from archive.store.last_seen import LastSeen
from tests.support.archives import SEEN, import_documents, rows
from tests.support.samples import api, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

EARLIER, LATER = "2020-01-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z"


@pytest.mark.parametrize("few", [0, 2, 20])
def test_last_seen_is_set_for_few_and_for_many(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Never before a job's first sighting; None clears it; other jobs stay as they are."""
    monkeypatch.setattr(last_seen, "_FEW", few)
    for name in ("vc01", "vc02"):
        import_documents(engine, api(**{key: job() for key in "abcdef"}), name)
    with db.writing(engine) as connection:
        changes = LastSeen()
        changes.set(1, [1, 2, 3], LATER)
        changes.set(1, [5], EARLIER)
        changes.set(2, {1, 6}, LATER)
        changes.write(connection)
        changes.set(1, [3], None)
        changes.write(connection)
        changes.write(connection)
    job_table = tables.job
    found = rows(
        engine,
        sa.select(job_table.c.appliance_id, job_table.c.id, job_table.c.last_seen).where(
            job_table.c.last_seen.is_not(None)
        ),
    )
    assert sorted(found) == [
        (1, 1, LATER),
        (1, 2, LATER),
        (1, 5, SEEN),
        (2, 1, LATER),
        (2, 6, LATER),
    ]
    assert rows(engine, sa.select(job_table.c.id).where(job_table.c.seal.is_(None))) == []
