"""Documents that an earlier version kept whole, because it did not know one of their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import json_numbers
from archive.db import tables
from archive.document import canonical, structures
from archive.document.canonical import Document
from archive.document.findings import Finding
from archive.document.parts import UncommonError
from archive.maintenance import verify
from archive.maintenance.reread import reread
from tests.support.archives import content, count, empty, import_documents, rows
from tests.support.command import archive, at
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

LEARNED = "fast_backup"
LATER = "2026-07-25T12:00:00.000000Z"
DOCUMENTS = {
    "20260301-021500-1": job(fast_backup=True),
    # Its canonical form changes: a null of a known field is left out.
    "20260302-021500-1": job("FAILED", fast_backup=None),
    "20260303-021500-1": job(fast_backup=False, still_unknown=[1]),
    "20260304-021500-1": job(),
    "20260305-021500-1": job(still_unknown=1),
}


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Read documents as a version that does not know a field; `undo` ends it."""
    read = canonical.read

    def read_less(raw: dict[str, Any]) -> Document:
        document = read({name: value for name, value in raw.items() if name != LEARNED})
        if LEARNED not in raw:
            return document
        text = json_numbers.dumps(raw)
        found = Finding("unknown_field", LEARNED, json_numbers.dumps(raw[LEARNED]))
        digest = canonical.digest(text.encode())
        return Document(document.info, text, digest, True, [found, *document.findings])  # noqa: FBT003

    def refuse(_raw: object) -> Any:
        raise UncommonError

    monkeypatch.setattr(canonical, "read", read_less)
    for name in ("split_info", "split_exported"):
        monkeypatch.setattr(structures, name, refuse)
    return monkeypatch


def kept_whole(engine: Engine) -> int:
    return count(engine, tables.irregular_document)


def test_documents_are_read_again_by_a_version_that_knows_more(
    engine: Engine, earlier: pytest.MonkeyPatch
) -> None:
    """The archive is then as if this version had imported them; when they were seen stays."""
    import_documents(engine, DOCUMENTS)
    assert kept_whole(engine) == 4
    earlier.undo()
    assert any("findings do not match" in problem for problem in verify.verify(engine))
    assert reread(engine) == 3
    assert list(verify.verify(engine)) == []
    assert kept_whole(engine) == 2
    found = content(engine)
    summary = import_documents(engine, DOCUMENTS, seen_at=LATER)
    assert (summary.counts.unchanged, summary.counts.changed) == (5, 0)
    empty(engine)
    import_documents(engine, DOCUMENTS)
    assert content(engine) == found


def test_documents_that_read_as_before_stay(engine: Engine) -> None:
    """Nothing is written then, and no import is logged."""
    import_documents(
        engine, DOCUMENTS | {"p": job(user="ftp://svc:pw@nas", surprise="ftp://a:b@c")}
    )
    assert kept_whole(engine) == 3
    assert reread(engine) == 0
    assert count(engine, tables.ingest_run) == 1


def test_rebuild_reads_documents_again(engine: Engine, earlier: pytest.MonkeyPatch) -> None:
    import_documents(engine, DOCUMENTS)
    earlier.undo()
    done = archive("db", "rebuild", at(engine))
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("3 documents read anew.\n")
    runs = tables.ingest_run
    sources = rows(engine, sa.select(runs.c.source, runs.c.changed).order_by(runs.c.id))
    assert sources == [("answer.json", 0), ("rebuild", 3)]
    assert archive("db", "verify", at(engine)).code == 0
