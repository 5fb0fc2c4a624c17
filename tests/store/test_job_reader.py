from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db
from archive.document import canonical
from archive.document.precedence import SeenInterval
from archive.store import job_reader
from tests.support.archives import import_documents, lines
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Engine

FIRST, LATER = "2026-03-01T02:20:00.000000Z", "2026-03-01T03:00:00.000001Z"


def found(engine: Engine, name: str, key: str) -> job_reader.ArchivedJob | None:
    with db.reading(engine) as connection:
        return job_reader.job(connection, name, key)


def test_job_is_found_by_appliance_and_key(engine: Engine) -> None:
    """Other appliances and keys find nothing."""
    import_documents(engine, SAMPLES, "vc01", FIRST)
    import_documents(engine, {"x": job("RUNNING", new=1)}, "vc02", FIRST)
    import_documents(engine, {"x": job("RUNNING", new=1)}, "vc02", LATER)
    one = found(engine, "vc02", "x")
    assert one is not None
    assert (one.appliance, one.key, one.day, one.run_id) == ("vc02", "x", "2026-03-01", 2)
    assert one.seen == SeenInterval(FIRST, LATER, {"RUNNING": FIRST})
    assert one.text == canonical.read(job("RUNNING", new=1)).text
    assert one.irregular
    assert one.intact()
    assert one.findings == [("unknown_field", "new", "not in the published schema")]
    assert one.rows.job.size_bytes == 1024
    for name, key in (("vc01", "x"), ("vc03", "x"), ("vc02", "y"), ("", "")):
        assert found(engine, name, key) is None


def test_exported_line_has_everything_of_a_job(engine: Engine) -> None:
    """A line has the appliance, key and document, and when the job was seen in each status."""
    import_documents(engine, {'a"b': job("PENDING")}, "Zürich", FIRST)
    import_documents(engine, {'a"b': job("RUNNING")}, "Zürich", LATER)
    text = canonical.read(job("RUNNING")).text
    assert lines(engine) == (
        '{"appliance":"z\\u00fcrich","job":"a\\"b","info":' + text + ',"seen":{"first":'
        '"2026-03-01T02:20:00.000Z","last":"2026-03-01T03:00:00.000001Z","status":{"PENDING":'
        '"2026-03-01T02:20:00.000Z","RUNNING":"2026-03-01T03:00:00.000001Z"}}}\n'
    )


def test_long_histories_are_read_in_batches(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of a batch, all jobs are read, by appliance and key."""
    for name in ("vc02", "vc01"):
        import_documents(engine, SAMPLES, name)
    expected = lines(engine)
    for size in (1, 2, 11):
        monkeypatch.setattr(job_reader, "_CHUNK", size)
        assert lines(engine) == expected
    with db.reading(engine) as connection:
        keys = [(one.appliance, one.key) for one in job_reader.jobs(connection)]
    assert keys == sorted(keys)
    assert len(keys) == 22
