from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import migrate, tables
from archive.errors import DatabaseError, InputError
from archive.ingest import batches, lines_run, parallel_parse
from archive.maintenance import verify
from archive.store.counts import Counts
from archive.store.job_writer import LOADED
from tests.support.archives import content, count, empty, import_documents, rows
from tests.support.failures import failing_load
from tests.support.laws import some
from tests.support.samples import job, stream

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

LATER = "2026-07-25T12:00:00.000000Z"


def test_first_load_is_complete(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is loaded completely into an empty archive, and the schema is unchanged afterwards."""
    monkeypatch.setattr(batches, "BATCH", 2)
    exported = [{"appliance": f"vc{n % 2}", "job": str(n), "info": job()} for n in range(5)]
    data = stream(*exported, {"x": job("RUNNING", new=1)}, {"x": {}}, {"y": job("FAILED")})
    with monkeypatch.context() as patch:
        failing_load(patch, 2, DatabaseError("gone"))
        with pytest.raises(
            DatabaseError, match=r"^gone; nothing of this import has been archived$"
        ):
            import_documents(engine, data, name="all.jsonl")
    assert count(engine, tables.job) == count(engine, tables.appliance) == 0
    assert list(verify.verify(engine)) == []
    whole = import_documents(engine, data, name="all.jsonl")
    assert (whole.counts.seen, whole.counts.new, whole.counts.quarantined) == (8, 7, 1)
    assert list(verify.verify(engine)) == []
    loaded = content(engine)
    empty(engine)
    monkeypatch.undo()
    import_documents(engine, data, name="all.jsonl")
    assert content(engine) == loaded


def test_first_load_is_written_in_parts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing parts of a first load early gives the same rows as writing all at its end."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 1)
    lines = [{"appliance": f"vc{n % 2}", "job": str(n), "info": job()} for n in range(29)]
    import_documents(engine, stream(*lines), None, name="all.jsonl")
    assert set(rows(engine, sa.select(tables.job.c.last_seen))) == {(None,)}
    assert list(verify.verify(engine)) == []
    again = import_documents(engine, stream(*lines), None, LATER, "all.jsonl")
    assert again.counts == Counts(seen=29, unchanged=29)
    assert list(verify.verify(engine)) == []


def test_first_load_can_replace_a_job_it_has_loaded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a stream has a job twice the later state stays, with nothing left of the older."""
    monkeypatch.setattr(batches, "BATCH", 2)
    text = {"id": "m", "default_message": "m", "args": ["x", "y"], "params": {"k": {"s": "v"}}}
    running = job("RUNNING", messages=[text, text], new=1, size=-1)
    answers = [{key: running} for key in "abc"] + [{key: job()} for key in "cab"]
    whole = import_documents(engine, stream(*answers), name="all.jsonl")
    assert (whole.counts.new, whole.counts.changed) == (3, 2)
    assert list(verify.verify(engine)) == []
    for table in (tables.message_param, tables.job_finding):
        assert count(engine, table) == 0


def test_first_load_on_one_core(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a second core for reading ahead the same rows are loaded."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(5)))
    assert import_documents(engine, data, None, name="all.jsonl").counts == Counts(seen=5, new=5)


def test_killed_reader_process_fails_the_load(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a process that reads ahead is killed, nothing is archived, and the error says so."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(parallel_parse, "_begin", os.abort)

    def slowly(lines: parallel_parse.Lines, _seen_at: str) -> parallel_parse.Batch:
        time.sleep(0.2)  # the process has been started and killed meanwhile
        return lines, [None] * len(lines)

    monkeypatch.setattr(parallel_parse, "_read_here", slowly)
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(80)))
    with pytest.raises(InputError, match="a worker process was killed"):
        import_documents(engine, data, None, name="all.jsonl")
    assert count(engine, tables.job) == 0


@pytest.mark.parametrize("batch", some([0, 1, 2, 3], 2))
def test_first_load_that_fails_leaves_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Whichever batch cannot be written, the failure is reported and nothing stays."""
    monkeypatch.setattr(batches, "BATCH", 2)
    failing_load(monkeypatch, batch, DatabaseError("gone"))
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(8)))
    with pytest.raises(DatabaseError, match=r"^gone; nothing of this import has been archived$"):
        import_documents(engine, data, None, name="all.jsonl")
    assert count(engine, tables.job) == 0
    assert list(verify.verify(engine)) == []


def test_foreign_keys_stay(postgresql_archive: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first load leaves every foreign key as it was, and valid."""
    monkeypatch.setattr(batches, "BATCH", 2)
    empty(postgresql_archive)
    query = (
        "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' ORDER BY conname"
    )
    with db.reading(postgresql_archive) as connection:
        before = connection.exec_driver_sql(query).all()
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(5)))
    import_documents(postgresql_archive, data, None, name="all.jsonl")
    with db.reading(postgresql_archive) as connection:
        assert connection.exec_driver_sql(query).all() == before
    assert len(before) > 10
    assert {row[1] for row in before} == {True}


def test_first_load_without_owning_the_tables(
    postgresql_archive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that can only write rows makes a first load, too, with every foreign key checked."""
    monkeypatch.setattr(batches, "BATCH", 2)
    empty(postgresql_archive)
    role = f"loader_{os.getpid()}"
    with db.writing(postgresql_archive) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
    loader = migrate.connect(postgresql_archive.url.render_as_string(hide_password=False))

    def become(connection: Any, _record: object) -> None:
        connection.execute(f"SET ROLE {role}")
        connection.commit()

    sa.event.listen(loader, "connect", become)
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(5)))
    try:
        assert import_documents(loader, data, None, name="all.jsonl").counts.new == 5
        assert list(verify.verify(loader)) == []
    finally:
        with db.writing(postgresql_archive) as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")


def test_first_load_waits_for_writers_without_deadlock(postgresql_archive: Engine) -> None:
    """Another import locks its row in the log of imports, then rows it refers to: no deadlock."""
    locked, loaded = threading.Event(), threading.Event()

    def load_first() -> None:
        locked.wait()
        with (
            db.writing(postgresql_archive) as connection,
            db.constraints_last(connection, LOADED),
        ):
            pass
        loaded.set()

    loading = threading.Thread(target=load_first)
    loading.start()
    with db.writing(postgresql_archive) as connection:
        # The first statement of an insert; before it goes on, the load requests its locks.
        connection.exec_driver_sql("LOCK TABLE ingest_run IN ROW EXCLUSIVE MODE")
        locked.set()
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ingest_run'::regclass"
        )
        while not connection.exec_driver_sql(waiting).scalar():
            time.sleep(0.01)
        connection.exec_driver_sql(
            "INSERT INTO ingest_run (id, source, seen_at, started, outcome, seen, new, changed,"
            " unchanged, findings, quarantined, pruned)"
            " VALUES (7, 'a', now(), now(), 'running', 0, 0, 0, 0, 0, 0, 0)"
        )
    loading.join()
    assert loaded.is_set()


def test_load_that_is_not_the_first_after_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that another import fills meanwhile is not taken for an empty one."""
    monkeypatch.setattr(batches, "BATCH", 2)
    import_documents(engine, {"x": job()}, "vc02")
    answers = iter([True, False, False])
    monkeypatch.setattr(lines_run, "_is_empty", lambda _engine: next(answers))
    data = stream(*({"appliance": "a", "job": str(n), "info": job()} for n in range(5)))
    assert import_documents(engine, data, None, name="all.jsonl").counts.new == 5
    assert next(answers) is False
    assert count(engine, tables.job) == 6
    assert list(verify.verify(engine)) == []


def test_references_are_checked_at_the_end(sqlite_archive: Engine) -> None:
    """A row that refers to a missing one ends the transaction that fills the archive."""
    empty(sqlite_archive)
    row = (1, 1, "FAILED", "2026-03-01T00:00:00.000000Z", 1)
    with (
        pytest.raises(DatabaseError, match="job_status refers to a missing row"),
        db.writing(sqlite_archive, filling=True) as connection,
        db.constraints_last(connection, LOADED),
    ):
        db.insert(connection, tables.job_status, [row])
    assert count(sqlite_archive, tables.job_status) == 0
