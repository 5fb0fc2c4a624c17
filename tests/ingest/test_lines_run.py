from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archive.ingest import batches, lines_run
from archive.maintenance import verify
from archive.store.counts import Counts
from tests.support.archives import content, empty, import_documents
from tests.support.samples import job, stream

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

LATER = "2026-07-25T12:00:00.000000Z"


@pytest.mark.parametrize("processors", [1, 2])
def test_later_load_reads_only_new_lines(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    """Known lines between new ones are only seen again, whether or not another process reads."""
    monkeypatch.setattr(batches, "BATCH", 4)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 3)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    lines = [{"appliance": f"vc{n % 3}", "job": str(n), "info": job()} for n in range(60)]
    known = lines[:10] + lines[30:50]
    import_documents(engine, stream(*known), name="all.jsonl")
    later = import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert later.counts == Counts(seen=60, new=30, unchanged=30)
    assert list(verify.verify(engine)) == []
    loaded = content(engine)
    empty(engine)
    monkeypatch.undo()
    import_documents(engine, stream(*known), name="all.jsonl")
    import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert content(engine) == loaded
