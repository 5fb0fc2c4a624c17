"""What replaced documents leave behind is no damage, and a vacuum removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.db import tables
from archive.maintenance import verify
from archive.maintenance.vacuum import vacuum
from tests.support.archives import count, import_documents
from tests.support.command import archive, at
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def test_texts_that_nothing_refers_to_are_removed(engine: Engine) -> None:
    """A second vacuum finds nothing, and the next import finds its texts again."""
    started = {"k": job("RUNNING", location="sftp://old/backup", service="old")}
    import_documents(engine, started, seen_at="2026-03-01T03:00:00.000000Z")
    import_documents(engine, {"k": job()}, seen_at="2026-03-01T04:00:00.000000Z")
    assert count(engine, tables.location) == 2
    assert list(verify.verify(engine)) == []
    assert vacuum(engine) == 2
    assert count(engine, tables.location) == count(engine, tables.operation) == 1
    done = archive("db", "vacuum", at(engine))
    assert (done.code, done.err.split(".")[0]) == (0, "0 shared texts removed")
    assert import_documents(engine, {"j": job()}).counts.new == 1
    assert list(verify.verify(engine)) == []
    assert count(engine, tables.maintenance) == 1
