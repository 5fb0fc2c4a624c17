"""Each import and each maintenance adds to the chain, and anybody can compute it again."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.ingest.retry_quarantine import retry
from archive.maintenance.rename import rename
from archive.maintenance.undo_import import undo
from archive.store import evidence_chain
from archive.store.evidence_chain import Key, Link
from tests.support.archives import import_documents, job_rows
from tests.support.samples import api, exported, job, stream

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FIRST, LATER = "2026-03-01T03:00:00.000000Z", "2026-03-02T03:00:00.000000Z"


def links(engine: Engine) -> list[Link]:
    with db.reading(engine) as connection:
        return list(evidence_chain.links(connection))


def about(engine: Engine) -> list[tuple[object, ...]]:
    """Return what the links are about, without times and digests."""
    return [
        (one.id, one.what, one.subject_id, one.appliance_name, one.documents)
        for one in links(engine)
    ]


def test_link_is_the_digest_of_the_link_before_and_its_columns(engine: Engine) -> None:
    import_documents(engine, api(a=job()), seen_at=FIRST)
    import_documents(engine, api(b=job("FAILED"), a=job()), seen_at=LATER)
    one, two = links(engine)
    digests = dict(job_rows(engine, "key", "digest"))
    brought = hashlib.sha256(f"2,vc01,b,{digests['b'].hex()}\n".encode())
    assert (two.seen_at, two.digest) == (LATER, brought.digest())
    line = f"{one.link.hex()},2,{two.recorded_at},import,2,vc01,{LATER},1,{two.digest.hex()},"
    assert two.link == hashlib.sha256(line.encode()).digest()
    assert (two.key_id, two.mac) == (None, None)
    first = f"{'00' * 32},1,{one.recorded_at},import,1,vc01,{FIRST},1,{one.digest.hex()},"
    assert one.link == hashlib.sha256(first.encode()).digest()


def test_link_says_what_each_import_brought(engine: Engine) -> None:
    answer = api(a=job("RUNNING"), b=job())
    import_documents(engine, answer, seen_at=FIRST)
    import_documents(engine, answer, seen_at=LATER)
    import_documents(engine, api(a=job(), b=job()), seen_at=LATER)
    two_appliances = stream(exported("c"), exported("d", appliance="vc,02"), exported("e"))
    import_documents(engine, two_appliances, None)
    import_documents(engine, api(), "vc03")
    assert about(engine) == [
        (1, "import", 1, "vc01", 2),
        (2, "import", 2, "vc01", 0),
        (3, "import", 3, "vc01", 1),
        (4, "import", 4, "vc,02", 1),
        (5, "import", 4, "vc01", 2),
        (6, "import", 5, "vc03", 0),
    ]


def test_failed_import_has_no_link(engine: Engine) -> None:
    with pytest.raises(Exception, match="JSON"):
        import_documents(engine, b'{"a": {"status"')
    assert links(engine) == []


def test_maintenance_and_retries_have_links(engine: Engine) -> None:
    import_documents(engine, api(a=job(), bad={"no": 1}))
    rename(engine, "vc01", "vc02")
    retry(engine)
    undo(engine, 1)
    assert about(engine) == [
        (1, "import", 1, "vc01", 1),
        (2, "rename", 1, "vc01", 1),
        (3, "import", 2, None, 0),
        (4, "undo", 2, None, 1),
    ]


def test_key_signs_links(engine: Engine) -> None:
    keyed = engine.execution_options()
    evidence_chain.use_key(keyed, lambda: Key("a secret of a few words"))
    import_documents(keyed, api(a=job()))
    (link,) = links(engine)
    line = link.line(evidence_chain.START).encode()
    assert line.endswith(f",{link.key_id}".encode())
    assert link.mac == hmac.digest(b"a secret of a few words", line, "sha256")
    assert link.key_id == hmac.digest(b"a secret of a few words", b"key", "sha256").hex()[:16]
