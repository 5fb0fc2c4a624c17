"""The content of the tables after imports, row by row."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from archive.db import seals, tables
from archive.document import canonical
from archive.document.schema import LABEL_LENGTH
from archive.ingest import batches
from archive.maintenance import verify
from archive.store import dimension_keys
from tests.support.archives import import_documents, job_rows, rows
from tests.support.samples import api, job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

KEY = "20260301-021500-25148086"
FIRST = "2026-03-01T02:20:00.000000Z"
LATER = "2026-03-01T03:00:00.000000Z"
LATEST = "2026-03-02T02:20:00.000000Z"
# Written by every import.
_NOT_COUNTED = ("ingest_run", "evidence_link", "write_lock")
FAILED = job(
    "FAILED",
    build={"version_name": "9.0.2 GA", "version": "9.0.2.0", "build_number": "25148086"},
    fast_backup=True,
    parent="p",
    target={"type": "VM", "id": "vm-1"},
    user="root",
    messages=[
        {
            "id": "m",
            "default_message": "took 0.5 s",
            "localized": "0,5 s",
            "args": ["a", ""],
            "params": {
                "what": {"l": {"id": "n", "params": {"in": {"i": 3}, "at": {"precision": 1}}}},
                "how": {"d": 0.5, "dt": "2026-03-01T02:15:30.000Z", "format": "MED_TIME", "s": "x"},
                "why": {"l": {"id": "none"}},
            },
        }
    ],
    error={
        "error_type": "ERROR",
        "challenge": "c",
        "data": {"b": [1, None], "a": 0.1},
        "messages": [{"id": "m", "default_message": "took 0.5 s", "args": []}],
    },
    size=-1,
)


def table(engine: Engine, of: sa.Table) -> list[tuple[Any, ...]]:
    """Return all rows of a table without their seals, in the order of its key."""
    return rows(engine, sa.select(*seals.facts(of)).order_by(*of.primary_key.columns))


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but the logs of imports, whose numbers and times always change."""
    others = (tables.ingest_run, tables.evidence_link, tables.latest_import, tables.job)
    found = {
        name: table(engine, of) for name, of in tables.metadata.tables.items() if of not in others
    }
    return found | {"job": job_rows(engine)}


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the writing statements within the block, by verb and table, as the driver gets them."""
    written: list[str] = []

    def note(statement: Any) -> None:
        words = str(statement).replace("INTO ", "").replace("FROM ", "").replace('"', "").split()
        if words[0] in ("INSERT", "UPDATE", "DELETE", "COPY") and words[1] not in _NOT_COUNTED:
            written.append(f"{words[0]} {words[1]}")

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            note(query)
            return super().execute(query, *arguments, **options)

        def executemany(self, query: Any, *arguments: Any, **options: Any) -> None:
            note(query)
            super().executemany(query, *arguments, **options)

        def copy(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            note(statement.decode() if isinstance(statement, bytes) else statement)
            return super().copy(statement, *arguments, **options)

    heard: list[Any] = []

    def listen(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        heard.append(driver)
        if engine.dialect.name == "sqlite":
            driver.set_trace_callback(note)
        else:
            driver.cursor_factory = Cursor

    event.listen(engine, "begin", listen)
    try:
        yield written
    finally:
        event.remove(engine, "begin", listen)
        for driver in heard:  # other tests use its connections
            if engine.dialect.name == "sqlite":
                with suppress(sqlite3.ProgrammingError):  # it is closed
                    driver.set_trace_callback(None)
            else:
                driver.cursor_factory = psycopg.Cursor


def test_import_fills_the_tables(engine: Engine) -> None:
    """Every part of a document is in its table, once and readable."""
    import_documents(engine, api(**{KEY: FAILED}), "vc01.example.com", FIRST)
    digest = canonical.read(FAILED).digest
    assert table(engine, tables.appliance) == [
        (1, "vc01.example.com", FIRST, FIRST, None, None, None, None)
    ]
    assert [row[0:1] + row[2:] for row in table(engine, tables.build)] == [
        (1, "9.0.2 GA", "9.0.2.0", "25148086")
    ]
    assert [row[0:1] + row[2:] for row in table(engine, tables.location)] == [
        (1, "sftp://nas.example.com/backup", "sftp://nas.example.com/backup")
    ]
    assert [row[0:1] + row[2:] for row in table(engine, tables.operation)] == [
        (1, "service", "create")
    ]
    assert [row[0:1] + row[2:] for row in table(engine, tables.message_template)] == [
        (1, "d", "Backup job"),
        (2, "p", "100%"),
        (3, "m", "took 0.5 s"),
    ]
    assert job_rows(engine) == [
        (
            1, 1, KEY, "2026-03-01", "FAILED", "SCHEDULED",
            "2026-03-01T02:15:00.000000Z", "2026-03-01T02:16:00.000000Z", 60, None, -1,
            "/vCenter/sn_vc/S_8.0.3.00400_20260301-021500_", "backup", True, False,
            "root", "p", "VM", "vm-1", 100, 100, 1, 1, 1, digest, FIRST, FIRST, 1,
        )
    ]  # fmt: skip
    assert table(engine, tables.message) == [
        (1, 1, 0, 0, 1),
        (1, 1, 1, 1, 2),
        (1, 1, 2, 2, 3),
        (1, 1, 3, 3, 4),
    ]
    assert [row[:2] + row[3:] for row in table(engine, tables.message_content)] == [
        (1, 1, 1, None, False),
        (1, 2, 2, None, False),
        (1, 3, 3, "0,5 s", True),
        (1, 4, 3, None, False),
    ]
    assert table(engine, tables.message_arg) == [(1, 3, 0, "a"), (1, 3, 1, "")]
    none = (None,) * 7
    assert table(engine, tables.message_param) == [
        (1, 3, 0, None, "how", "how", "x", "2026-03-01T02:15:30.000000Z", None, 0.5, "MED_TIME", *none[:3]),
        (1, 3, 1, None, "what", "what", *none[:6], "n", True),
        (1, 3, 2, 1, "at", "what.at", *none[:5], 1, None, None),
        (1, 3, 3, 1, "in", "what.in", None, None, 3, *none[:5]),
        (1, 3, 4, None, "why", "why", *none[:6], "none", False),
    ]  # fmt: skip
    assert table(engine, tables.job_error) == [
        (1, 1, None, "ERROR", "c", '{"a":0.1,"b":[1,null]}', False, True)
    ]
    assert table(engine, tables.job_status) == [(1, 1, "FAILED", FIRST, 1)]
    assert table(engine, tables.job_finding) == [(1, 1, 0, "negative_size", "size", "size is -1")]
    assert table(engine, tables.irregular_document) == []
    assert table(engine, tables.quarantine) == []
    assert table(engine, tables.setting) == []
    (run,) = table(engine, tables.ingest_run)
    assert run[:4] == (1, "answer.json", 1, FIRST)
    assert run[6:] == ("complete", None, 1, 1, 0, 0, 1, 0, 0)
    assert run[4] <= run[5]


def test_irregular_document_is_kept(engine: Engine) -> None:
    """A document that the tables cannot reproduce is kept as a whole, as ASCII."""
    import_documents(engine, api(**{KEY: job("PENDING", new="\0ä")}), seen_at=FIRST)
    ((*key, text),) = table(engine, tables.irregular_document)
    assert key == [1, 1]
    assert '"new":"\\u0000\\u00e4"' in text
    assert text.isascii()


@pytest.mark.parametrize("length", [LABEL_LENGTH, 10_000])
def test_texts_of_any_length_are_archived(engine: Engine, length: int) -> None:
    """Also those in a key of a table, whose length PostgreSQL limits; a longer type is set aside."""
    # Different characters of four bytes, so that no database can compress them.
    long = "".join(map(chr, range(0x10000, 0x10000 + length)))
    others = dict.fromkeys(["location", "location_user", "operation", "user", "parent"], long)
    document = job(type=long, target={"type": long, "id": long}, **others)
    document["status"] = long[:LABEL_LENGTH]
    message = {"id": long, "default_message": long, "args": [long], "params": {long: {"s": long}}}
    import_documents(engine, api(**{KEY: document | {"messages": [message]}, "good": job()}))
    found = {row[0]: row[1:] for row in job_rows(engine, "key", "status", "type")}
    assert found == {
        KEY: (long[:LABEL_LENGTH], long if length == LABEL_LENGTH else None),
        "good": ("SUCCEEDED", "SCHEDULED"),
    }
    assert list(verify.verify(engine)) == []


# Tables with the time of the last import.
CHANGING = ("job", "appliance", "appliance_standing")


def test_repeated_import_writes_no_job(engine: Engine) -> None:
    """An unchanged history costs no write to `job`, and only its last-seen time changes."""
    answer = api(**{KEY: FAILED, "other": job(), "third": job("RUNNING")})
    import_documents(engine, answer, seen_at=FIRST)
    before = everything(engine)
    with statements(engine) as written:
        again = import_documents(engine, answer, seen_at=LATER)
    # A row that was updated is sealed again.
    assert sorted(written) == [
        "INSERT appliance_standing",
        *["UPDATE appliance"] * 2,
        *["UPDATE latest_import"] * 2,
    ]
    assert (again.counts.seen, again.counts.unchanged, again.counts.findings) == (3, 3, 0)
    after = everything(engine)
    place = tables.job.columns.keys().index("last_seen")
    assert [row[:place] + row[place + 1 :] for row in after["job"]] == [
        row[:place] + row[place + 1 :] for row in before["job"]
    ]
    assert {row[place] for row in after["job"]} == {LATER}
    assert after["appliance"] == [(1, "vc01", FIRST, LATER, None, None, None, None)]
    assert {name: table for name, table in after.items() if name not in CHANGING} == {
        name: table for name, table in before.items() if name not in CHANGING
    }


def test_same_import_again_changes_nothing(engine: Engine) -> None:
    """An import without news, and at the same time, writes nothing but its link."""
    answer = api(**{KEY: FAILED, "other": job("RUNNING")})
    import_documents(engine, answer, seen_at=FIRST)
    before = everything(engine)
    with statements(engine) as written:
        import_documents(engine, answer, seen_at=FIRST)
    assert written == []
    assert everything(engine) == before


def test_messages_belong_to_the_winning_document(engine: Engine) -> None:
    """A newer state replaces all messages, params, errors and findings of the older one."""
    running = job(
        "RUNNING",
        new=1,
        size=-1,
        messages=[{"id": "r", "default_message": "r", "args": ["x"], "params": {"k": {"s": "v"}}}],
    )
    import_documents(engine, api(**{KEY: running}), seen_at=FIRST)
    summary = import_documents(engine, api(**{KEY: FAILED}), seen_at=LATER)
    assert (summary.counts.changed, summary.counts.new, summary.counts.findings) == (1, 0, 1)
    replaced = everything(engine)
    # The same in an archive without the older state.
    import_documents(engine, api(**{KEY: FAILED}), "vc02", seen_at=LATER)
    both = everything(engine)
    contents = ("message_content", "message_arg", "message_param")
    for name in (*contents, "job_error", "job_finding", "irregular_document"):
        assert [row[2:] for row in both[name] if row[0] == 2] == [row[2:] for row in replaced[name]]
    assert [row[2:4] for row in both["message"]] == [row[2:4] for row in replaced["message"]] * 2
    assert replaced["irregular_document"] == []
    assert replaced["job_status"] == [(1, 1, "FAILED", LATER, 2), (1, 1, "RUNNING", FIRST, 1)]
    ((*_, first_seen, last_seen, run_id),) = replaced["job"]
    assert (first_seen, last_seen, run_id) == (FIRST, LATER, 2)


def test_older_import_changes_no_document(engine: Engine) -> None:
    """An older state that is imported later is only recorded as seen."""
    import_documents(engine, api(**{KEY: FAILED}), seen_at=LATER)
    before = everything(engine)
    import_documents(engine, api(**{KEY: job("RUNNING")}), seen_at=FIRST)
    after = everything(engine)
    assert after["job"] == [(*before["job"][0][:-3], FIRST, LATER, 1)]
    assert after["job_status"] == [(1, 1, "FAILED", LATER, 1), (1, 1, "RUNNING", FIRST, 2)]
    for name in ("message", "message_arg", "message_param", "job_error", "job_finding"):
        assert after[name] == before[name]


def test_first_time_of_each_status_is_kept(engine: Engine) -> None:
    """Of each observed status the earliest time is kept, in any order of imports."""
    for seen_at in (LATER, LATEST, FIRST):
        import_documents(engine, api(**{KEY: job("RUNNING")}), seen_at=seen_at)
    assert table(engine, tables.job_status) == [(1, 1, "RUNNING", FIRST, 3)]
    import_documents(engine, api(**{KEY: job("PENDING")}), seen_at=LATER)
    import_documents(engine, api(**{KEY: job("SUCCEEDED")}), seen_at=LATEST)
    assert table(engine, tables.job_status) == [
        (1, 1, "PENDING", LATER, 4),
        (1, 1, "RUNNING", FIRST, 3),
        (1, 1, "SUCCEEDED", LATEST, 5),
    ]


def test_jobs_are_numbered_by_appliance(engine: Engine) -> None:
    """Each appliance numbers its own jobs, in the order in which they were imported."""
    import_documents(engine, api(b=job(), a=job()), "vc01")
    import_documents(engine, api(a=job(), c=job()), "vc02")
    import_documents(engine, api(c=job(), b=job(), a=job()), "vc01")
    columns = (tables.job.c.appliance_id, tables.job.c.id, tables.job.c.key)
    assert rows(engine, sa.select(*columns).order_by(*columns)) == [
        (1, 1, "b"), (1, 2, "a"), (1, 3, "c"), (2, 1, "a"), (2, 2, "c"),
    ]  # fmt: skip


def test_day_follows_the_known_times(engine: Engine) -> None:
    """A job without start and stamp has the day when it was first seen, until a start is known."""
    day = sa.select(tables.job.c.day)
    import_documents(engine, api(x=job("PENDING")), seen_at=LATEST)
    assert rows(engine, day) == [("2026-03-02",)]
    import_documents(engine, api(x=job("PENDING")), seen_at="2024-12-31T23:59:59.999999Z")
    assert rows(engine, day) == [("2024-12-31",)]
    import_documents(
        engine, api(x=job("RUNNING", start_time="1999-12-31T23:59:59.999Z")), seen_at=LATEST
    )
    assert rows(engine, day) == [("1999-12-31",)]
    year = sa.select(sa.func.count()).where(tables.calendar.c.year == "1999")
    assert rows(engine, year) == [(365,)]


def test_evicted_texts_are_looked_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long stream may have more texts than the cache; each is stored once all the same."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(dimension_keys, "_CACHED", 3)
    answer = {
        f"job-{number}": job(
            messages=[{"id": f"m{number % 5}", "default_message": "x", "args": []}]
        )
        for number in range(12)
    }
    import_documents(engine, answer, seen_at=FIRST)
    assert len(table(engine, tables.message_template)) == 7
    assert len(table(engine, tables.message)) == 36


@pytest.mark.parametrize("texts", [700])
def test_shared_texts_are_stored_once(engine: Engine, texts: int) -> None:
    """Any number of jobs can share a text, and each text is stored once."""
    answer = {
        f"job-{number}": job(
            messages=[{"id": f"m{number // 2}", "default_message": "x", "args": []}]
        )
        for number in range(texts * 2)
    }
    import_documents(engine, answer, seen_at=FIRST)
    import_documents(engine, {"more": answer["job-0"]}, "vc02", seen_at=FIRST)
    ids = rows(engine, sa.select(tables.message_template.c.message_id))
    assert sorted(ids) == sorted([("d",), ("p",), *((f"m{number}",) for number in range(texts))])
    assert len(table(engine, tables.operation)) == len(table(engine, tables.location)) == 1
