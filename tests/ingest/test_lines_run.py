from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive.db import tables
from archive.ingest import batches, lines_run
from archive.maintenance import verify
from archive.store.counts import Counts
from tests.store.test_loader import statements
from tests.support.archives import SEEN, content, empty, import_documents, job_rows, rows
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


def transactions(engine: Engine) -> int:
    """Return how many transactions the latest import had: each one without documents adds a link."""
    link = tables.evidence_link
    run = sa.select(sa.func.max(tables.ingest_run.c.id)).scalar_subquery()
    return len(
        rows(engine, sa.select(link.c.id).where(link.c.what == "import", link.c.subject_id == run))
    )


@pytest.mark.parametrize(("known_as_one", "expected"), [(1, 6), (3, 2), (10, 1)])
def test_known_lines_count_less_than_lines_to_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, known_as_one: int, expected: int
) -> None:
    """A transaction has more of them; the archive is the same."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 1)
    monkeypatch.setattr(lines_run, "KNOWN_AS_ONE", known_as_one)
    lines = [{"appliance": f"vc{n % 2}", "job": str(n), "info": job()} for n in range(11)]
    import_documents(engine, stream(*lines), None, name="all.jsonl")
    again = import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert again.counts == Counts(seen=11, unchanged=11)
    assert transactions(engine) == expected
    assert set(job_rows(engine, "last_seen")) == {(LATER,)}
    assert list(verify.verify(engine)) == []


def test_new_lines_fill_a_transaction_as_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many known ones it may have: others wait for the longest part."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 2)
    import_documents(engine, stream({"appliance": "vc0", "job": "a", "info": job()}), None, SEEN)
    lines = [{"appliance": "vc0", "job": str(n), "info": job()} for n in range(9)]
    later = import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert later.counts == Counts(seen=9, new=9)
    assert transactions(engine) == 3


def test_unchanged_history_in_one_transaction_writes_no_job(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No document is taken for gone in between, although each batch has some of every appliance."""
    monkeypatch.setattr(batches, "BATCH", 3)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 1)
    lines = [{"appliance": f"vc{n % 3}", "job": str(n), "info": job()} for n in range(15)]
    import_documents(engine, stream(*lines), None, name="all.jsonl")
    with statements(engine) as written:
        import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert "UPDATE appliance" in written
    assert "UPDATE job" not in written
