"""Concurrent imports give the same archive as sequential ones."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar
from archive.db import migrate, tables
from archive.ingest import batches
from archive.ingest.ingest import Source, ingest
from archive.maintenance import change_calendar, verify
from tests.support.archives import content, count, empty, import_documents, rows
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sqlalchemy.engine import Engine

SEEN = [f"2026-07-24T0{hour}:00:00.000000Z" for hour in range(4)]


def message(number: int) -> dict[str, Any]:
    return {"id": f"m{number}", "default_message": "text", "args": []}


def source(number: int) -> tuple[dict[str, Any], str, str]:
    """Return jobs, an appliance and a time: many imports share each of them."""
    statuses = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED")
    jobs = {
        f"job-{key}": job(
            statuses[(number + key) % 5],
            start_time=f"{1990 + number + key}-03-01T02:15:00.000Z",
            messages=[message(number % 7), message(key)],
        )
        for key in range(number % 3, 6)
    }
    return {**jobs, "bad": {"no": number % 2}}, f"vc0{number % 3}", SEEN[number % 4]


IMPORTS = [source(number) for number in range(16)]


def at_once(tasks: Iterable[Callable[[], object]]) -> None:
    """Run tasks in parallel; the first failure is raised."""
    tasks = list(tasks)
    with ThreadPoolExecutor(len(tasks)) as threads:
        for future in [threads.submit(task) for task in tasks]:
            future.result(timeout=60)


def same(engine: Engine) -> Engine:
    """Return a new engine on the same database, as another process has one."""
    return db.create_engine(engine.url)


def test_loads_can_interleave(engine: Engine) -> None:
    """Concurrent imports of the same and of other appliances give the same archive."""
    for answer, appliance, seen_at in IMPORTS:
        import_documents(engine, answer, appliance, seen_at)
    expected = content(engine)
    empty(engine)

    def load(part: int) -> None:
        own = same(engine)
        for answer, appliance, seen_at in IMPORTS[part::4]:
            import_documents(own, answer, appliance, seen_at)

    at_once(partial(load, part) for part in range(4))
    assert content(engine) == expected
    assert list(verify.verify(engine)) == []
    outcomes = rows(engine, sa.select(tables.ingest_run.c.outcome).distinct())
    assert outcomes == [("complete",)]
    assert count(engine, tables.ingest_run) == len(IMPORTS)


def test_same_import_several_times_at_once(engine: Engine) -> None:
    """One answer that is loaded several times at once is archived once."""
    at_once(lambda: import_documents(same(engine), SAMPLES) for _ in range(4))
    assert count(engine, tables.job) == len(SAMPLES)
    run = tables.ingest_run.c
    totals = sa.select(sa.func.sum(run.new), sa.func.sum(run.unchanged))
    assert [tuple(map(int, row)) for row in rows(engine, totals)] == [(11, 33)]


def test_calendar_change_during_imports(engine: Engine) -> None:
    """A calendar change while jobs are loaded dates all of them, before and after."""
    tasks: list[Callable[[], object]] = [
        partial(import_documents, same(engine), *IMPORTS[part]) for part in range(6)
    ]
    tasks.insert(
        3, lambda: change_calendar.change_calendar(same(engine), Calendar("Asia/Tokyo", "16:00"))
    )
    at_once(tasks)
    assert list(verify.verify(engine)) == []


def meet(engine: Engine, answers: list[bytes], appliances: list[str | None]) -> None:
    """Load two imports at once, each waiting for the other between its batches."""
    barrier = Barrier(2)

    def wait(_: object) -> None:
        with suppress(BrokenBarrierError):  # the other one may have to wait for a lock
            barrier.wait(0.3)

    def load(data: bytes, appliance: str | None) -> None:
        stream: Any = io.BufferedReader(io.BytesIO(data))
        part = Source("answer.json", stream, appliance, SEEN[0])
        ingest(same(engine), part, wait)

    pairs = zip(answers, appliances, strict=True)
    at_once(partial(load, *pair) for pair in pairs)


def test_shared_texts_and_quarantine_do_not_deadlock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One import with new texts and then a bad document, and one in reverse order, both end."""
    monkeypatch.setattr(batches, "BATCH", 1)
    good, bad = {"good": job(messages=[message(1)])}, {"bad": {"no": "job"}}
    one, other = json.dumps(good | bad).encode(), json.dumps(bad | good).encode()
    import_documents(engine, {}, "vc01")
    import_documents(engine, {}, "vc02")
    meet(engine, [one, other], ["vc01", "vc02"])
    assert (count(engine, tables.job), count(engine, tables.quarantine)) == (2, 2)


def test_exports_of_several_appliances_do_not_deadlock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two imports that name the same appliances in another order both end."""
    monkeypatch.setattr(batches, "BATCH", 1)
    exports = [{"appliance": name, "job": name, "info": job()} for name in ("vc01", "vc02")]
    import_documents(engine, json.dumps(exports).encode(), None)
    meet(engine, [json.dumps(exports).encode(), json.dumps(exports[::-1]).encode()], [None, None])
    assert count(engine, tables.job) == 2


def test_streams_of_several_appliances_do_not_deadlock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams, which are committed in batches, need not wait for each other's end."""
    monkeypatch.setattr(batches, "BATCH", 2)
    exports = [
        {
            "appliance": f"vc0{number % 3}",
            "job": f"{number}",
            "info": job(messages=[message(number)]),
        }
        for number in range(8)
    ]
    streams = [
        "".join(json.dumps(line) + "\n" for line in part).encode()
        for part in (exports, exports[::-1])
    ]
    meet(engine, streams, [None, None])
    assert count(engine, tables.job) == 8


def test_known_jobs_are_loaded_in_parallel(postgresql_archive: Engine) -> None:
    """On PostgreSQL two appliances whose texts are known are loaded without waiting."""
    empty(postgresql_archive)
    for name in ("vc01", "vc02"):
        import_documents(postgresql_archive, SAMPLES, name)
    barrier = Barrier(2)

    def wait(_: object) -> None:
        barrier.wait(10)

    def load(name: str) -> None:
        stream: Any = io.BufferedReader(io.BytesIO(json.dumps({**SAMPLES, "new": job()}).encode()))
        part = Source("answer.json", stream, name, SEEN[0])
        ingest(same(postgresql_archive), part, wait)

    import_documents(postgresql_archive, {"new": job()}, "vc03")
    at_once(partial(load, name) for name in ("vc01", "vc02"))
    assert count(postgresql_archive, tables.job) == 25


@pytest.mark.parametrize("attempt", range(3))
def test_concurrent_first_imports(tmp_path: Path, attempt: int) -> None:
    """On SQLite several first imports create one archive together."""
    path = str(tmp_path / f"archive {attempt}.db")

    def first(name: str) -> None:
        engine = migrate.connect(path)
        migrate.prepare(engine)
        import_documents(engine, SAMPLES, name)

    at_once(partial(first, name) for name in ("vc01", "vc02", "vc01"))
    engine = migrate.connect(path)
    assert count(engine, tables.job) == 22
    assert list(verify.verify(engine)) == []


def test_concurrent_upgrades(engine: Engine) -> None:
    """Upgrades wait for each other, and the second finds nothing to do."""
    at_once(lambda: migrate.upgrade(same(engine)) for _ in range(3))
    assert migrate.current(engine) == migrate.HEAD


def test_readers_see_one_state(engine: Engine) -> None:
    """Reads within one transaction do not change while others write."""
    import_documents(engine, SAMPLES)
    with db.reading(engine) as connection:
        query = sa.select(sa.func.count()).select_from(tables.job)
        before = connection.execute(query).scalar_one()
        import_documents(same(engine), {"new": job()})
        assert connection.execute(query).scalar_one() == before


def test_default_isolation_of_the_server_does_not_matter(postgresql_archive: Engine) -> None:
    """Loads that wait for each other see each other's rows, whatever the server's default."""
    empty(postgresql_archive)
    url = postgresql_archive.url.update_query_dict(
        {"options": "-c default_transaction_isolation=serializable"}
    )
    at_once(lambda: import_documents(db.create_engine(url), SAMPLES) for _ in range(4))
    assert count(postgresql_archive, tables.job) == len(SAMPLES)
