from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document import canonical, structures
from archive.errors import NotAJobError, UsageError
from archive.ingest import retry_quarantine
from archive.maintenance import verify
from archive.store import quarantine
from archive.store.counts import Counts
from tests.support.archives import count, import_documents, job_rows, rows
from tests.support.laws import some
from tests.support.samples import api, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FIRST, LATER, LATEST = (f"2026-03-0{day}T00:00:00.000000Z" for day in (1, 2, 3))
BAD = b'{"20260301-021500-1": {"no": "status"}, "20260301-021500-2": {"status": "PENDING"}}'


def held(engine: Engine) -> list[quarantine.QuarantinedDocument]:
    with db.reading(engine) as connection:
        return quarantine.held(connection)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make every document unreadable, as if by an older version; `undo` ends it."""

    def refuse(_raw: object) -> Any:
        raise NotAJobError("it is too new")

    monkeypatch.setattr(canonical, "read", refuse)
    for name in ("split_info", "split_exported"):
        monkeypatch.setattr(structures, name, refuse)
    return monkeypatch


def test_document_that_is_no_job_is_quarantined(engine: Engine) -> None:
    """It is kept with its bytes, its place, the reason and its import."""
    summary = import_documents(engine, BAD, "vc01", FIRST)
    assert (summary.counts.new, summary.counts.quarantined) == (1, 1)
    assert held(engine) == [
        quarantine.QuarantinedDocument(
            "vc01",
            "20260301-021500-1",
            "document 1",
            "no status",
            b'"20260301-021500-1":{"no": "status"}',
            FIRST,
            FIRST,
            1,
            1,
        )
    ]


def test_document_is_quarantined_once(engine: Engine) -> None:
    """A document that is imported again only changes its times, whichever import comes first."""
    for seen_at in (LATER, LATEST, FIRST):
        assert import_documents(engine, BAD, "vc01", seen_at).counts.quarantined == 1
    (one,) = held(engine)
    assert (one.first_seen, one.last_seen, one.run_id) == (FIRST, LATEST, 1)


def test_quarantine_is_per_appliance_and_key(engine: Engine) -> None:
    """The same bytes of another appliance, or under another key, are another document."""
    import_documents(engine, BAD, "vc01")
    import_documents(engine, BAD, "vc02")
    import_documents(engine, BAD.replace(b"021500-1", b"021500-3"), "vc01")
    assert [(one.id, one.appliance, one.job_key) for one in held(engine)] == [
        (1, "vc01", "20260301-021500-1"),
        (2, "vc02", "20260301-021500-1"),
        (3, "vc01", "20260301-021500-3"),
    ]


def test_bytes_that_are_not_text_are_kept(engine: Engine) -> None:
    """Bytes that are not even text are kept unchanged."""
    import_documents(engine, b'{"a": {"status": "PENDING"}, "b": {"user": "\xff\x00"}}'.replace(b"\x00", b"\xfe"))  # fmt: skip
    assert [(one.document, one.job_key) for one in held(engine)] == [
        (b'"b":{"user": "\xff\xfe"}', None)
    ]


def test_retry_keeps_unreadable_documents(engine: Engine) -> None:
    """They stay, and the run records that nothing was archived."""
    import_documents(engine, BAD)
    before = held(engine)
    assert retry_quarantine.retry(engine).counts == Counts(quarantined=1)
    assert held(engine) == before
    run = tables.ingest_run.c
    assert rows(engine, sa.select(run.source, run.outcome, run.quarantined).where(run.id == 2)) == [
        ("quarantine", "complete", 1)
    ]


@pytest.mark.parametrize(
    "data",
    some(
        [
            api(x=job()),
            json.dumps({"value": [{"key": "x", "value": job()}]}).encode(),
            json.dumps([{"value": job(), "key": "x"}]).encode(),
            b"{}\n" + api(x=job()) + b"\n",
        ],
        2,
    ),
)
def test_retry_archives_readable_documents(
    engine: Engine, refusing: pytest.MonkeyPatch, data: bytes
) -> None:
    """A document that a later version can read leaves quarantine and becomes a job."""
    import_documents(engine, data, "vc01", FIRST)
    import_documents(engine, data, "vc01", LATER)
    assert retry_quarantine.retry(engine).counts == Counts(quarantined=1)
    refusing.undo()
    assert retry_quarantine.retry(engine).counts == Counts(seen=1, new=1)
    assert held(engine) == []
    found = job_rows(engine, "key", "status", "first_seen", "last_seen")
    assert found == [("x", "SUCCEEDED", FIRST, LATER)]
    assert rows(engine, sa.select(tables.job_status.c.observed_at)) == [(FIRST,)]
    assert list(verify.verify(engine)) == []
    assert retry_quarantine.retry(engine).counts == Counts()


def test_exported_job_is_retried_as_exported(engine: Engine, refusing: pytest.MonkeyPatch) -> None:
    """A quarantined line of an export keeps its appliance and its times."""
    seen = {"first": FIRST, "last": LATER, "status": {"SUCCEEDED": LATER}}
    line = {"appliance": "vc07", "job": "x", "info": job(), "seen": seen}
    import_documents(engine, json.dumps(line).encode(), None, LATEST, name="all.jsonl")
    refusing.undo()
    retry_quarantine.retry(engine)
    query = sa.select(tables.appliance.c.name, tables.job.c.first_seen, tables.job.c.last_seen)
    assert rows(engine, query.join_from(tables.appliance, tables.job)) == [("vc07", FIRST, LATER)]


def test_only_selected_documents_are_retried(engine: Engine, refusing: pytest.MonkeyPatch) -> None:
    """Numbers select documents; the others stay."""
    import_documents(engine, api(x=job(), y=job(), z=job()))
    refusing.undo()
    assert retry_quarantine.retry(engine, [3, 1, 3]).counts == Counts(seen=2, new=2)
    assert [one.job_key for one in held(engine)] == ["y"]


def test_unknown_numbers_are_refused(engine: Engine, refusing: pytest.MonkeyPatch) -> None:
    """A number that is not in quarantine is refused, and nothing is archived."""
    import_documents(engine, api(x=job()))
    refusing.undo()
    with pytest.raises(UsageError, match="no document 7 in quarantine"):
        retry_quarantine.retry(engine, [1, 9, 7])
    assert len(held(engine)) == 1
    assert count(engine, tables.job) == 0


def test_line_is_archived_as_a_whole(engine: Engine, refusing: pytest.MonkeyPatch) -> None:
    """A line with several documents is archived only when all of them can be read."""
    line = b'{"a": {"status": "PENDING"}, "b": %s}'
    together = [
        quarantine.QuarantinedDocument(
            "vc01", None, "line 1", "it was odd", line % second, FIRST, FIRST, 1
        )
        for second in (b"5", b"{}")
    ]
    import_documents(engine, b"{}")
    with db.writing(engine) as connection:
        quarantine.hold(connection, together)
    refusing.undo()
    assert retry_quarantine.retry(engine).counts == Counts(quarantined=2)
    plain = canonical.read(job("PENDING"))
    refusing.setattr(canonical, "read", lambda _raw: plain)
    assert retry_quarantine.retry(engine, [2]).counts == Counts(seen=2, new=2)
    assert [one.document for one in held(engine)] == [line % b"5"]


def test_document_without_an_appliance_stays(engine: Engine, refusing: pytest.MonkeyPatch) -> None:
    """A quarantined document of an unknown appliance stays, and does not stop the others."""
    import_documents(engine, api(x=job()))
    refusing.undo()
    nobody = quarantine.QuarantinedDocument(
        None, None, "line 1", "it was odd", api(y=job()), FIRST, FIRST, 1
    )
    with db.writing(engine) as connection:
        quarantine.hold(connection, [nobody])
    assert retry_quarantine.retry(engine).counts == Counts(seen=1, new=1, quarantined=1)


def test_quarantine_of_an_appliance_is_bounded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were not seen for longest make room; other appliances keep theirs."""
    monkeypatch.setattr(quarantine, "MOST_HELD", 3)
    monkeypatch.setattr(quarantine, "MOST_BYTES", 172)
    import_documents(engine, {"a": {}, "b": {}}, "vc02", FIRST)
    import_documents(engine, {"a": {}, "b": {}}, "vc01", FIRST)
    import_documents(engine, {"a": {}, "c": {}}, "vc01", LATER)
    import_documents(engine, {"d": {}}, "vc01", LATEST)
    kept = [(each.appliance, each.job_key) for each in held(engine)]
    assert kept == [("vc02", "a"), ("vc02", "b"), ("vc01", "a"), ("vc01", "c"), ("vc01", "d")]
    import_documents(engine, {"e": {"x": "y" * 150}}, "vc01", LATEST)
    assert [each.job_key for each in held(engine)[2:]] == ["d", "e"]
    import_documents(engine, {"f": {"x": "y" * 250}}, "vc01", LATEST)
    assert [each.job_key for each in held(engine)[2:]] == ["f"]
    assert list(verify.verify(engine)) == []
