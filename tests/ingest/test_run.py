from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar
from archive.db import tables
from archive.document import canonical, findings
from archive.errors import DatabaseError, InputError, InterruptedInputError, UsageError
from archive.ingest import batches, lines_run
from archive.ingest.ingest import Source, ingest
from archive.maintenance import verify
from archive.store import import_log, judged_backups, loader, settings
from archive.store.counts import Counts
from tests.support.archives import count, created, import_documents, lines, rows
from tests.support.failures import failing_load
from tests.support.samples import API, REST, SAMPLES, api, exported, job, stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

    from archive.document.parse import Observation

RUN = tables.ingest_run.c
COUNTS = (RUN.seen, RUN.new, RUN.changed, RUN.unchanged, RUN.findings, RUN.quarantined)
MANY = {f"20260301-0215{number:02d}-25148086": job() for number in range(7)}


def as_lines(answer: dict[str, Any], appliance: str) -> bytes:
    """Return an answer as exported jobs."""
    jobs = [{"appliance": appliance, "job": key, "info": info} for key, info in answer.items()]
    return b"\n".join(json.dumps(each).encode() for each in jobs)


def run(engine: Engine) -> dict[str, Any]:
    """Return the last row of the log of imports."""
    query = sa.select(tables.ingest_run).order_by(RUN.id.desc()).limit(1)
    with db.reading(engine) as connection:
        return dict(connection.execute(query).mappings().one())


def test_samples_are_exported_as_imported(engine: Engine) -> None:
    """Both answers hold the same jobs: the second import changes nothing, and the export equals it."""
    first = import_documents(engine, API, "vc01.example.com")
    second = import_documents(engine, REST, "vc01.example.com")
    assert first.counts == Counts(seen=11, new=11)
    assert second.counts == Counts(seen=11, unchanged=11)
    exported = [json.loads(line) for line in lines(engine).splitlines()]
    assert {line["job"]: line["info"] for line in exported} == SAMPLES
    assert {line["appliance"] for line in exported} == {"vc01.example.com"}
    assert list(verify.verify(engine)) == []


def test_import_is_archived_completely_or_not_at_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a later batch of an import fails, only the record of the run stays."""
    monkeypatch.setattr(batches, "BATCH", 3)
    failing_load(monkeypatch, 1, DatabaseError("gone"))
    with pytest.raises(DatabaseError, match=r"^gone; nothing of this import has been archived$"):
        import_documents(engine, MANY)
    assert count(engine, tables.job) == count(engine, tables.appliance) == 0
    found = run(engine)
    error = "gone; nothing of this import has been archived"
    assert (found["outcome"], found["error"], found["appliance_id"]) == ("failed", error, None)
    assert found["finished"] >= found["started"]
    assert [found[column.name] for column in COUNTS] == [0] * 6
    monkeypatch.undo()
    assert import_documents(engine, MANY).counts == Counts(seen=7, new=7)


def test_truncated_answer_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that ends early is refused by its name, and nothing of it is archived."""
    monkeypatch.setattr(batches, "BATCH", 2)
    with pytest.raises(InputError, match=r"^cut.json: cut off"):
        import_documents(engine, json.dumps(MANY).encode()[:-2], name="cut.json")
    assert count(engine, tables.job) == 0
    assert run(engine)["error"].startswith("cut.json: cut off")


def test_json_lines_are_committed_in_batches(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batches before a failure stay, and a second ingest completes them."""
    import_documents(engine, SAMPLES, "vc02")
    monkeypatch.setattr(batches, "BATCH", 1)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 3)
    data = stream(*({key: info} for key, info in MANY.items()))
    with monkeypatch.context() as patch:
        failing_load(patch, 4, DatabaseError("gone"))
        with pytest.raises(InterruptedInputError) as refused:
            import_documents(engine, data, name="all.jsonl")
    assert str(refused.value) == (
        "all.jsonl: gone; the first 3 documents are archived: ingest the file again to complete it"
    )
    assert count(engine, tables.job) == len(SAMPLES) + 3
    found = run(engine)
    assert (found["outcome"], found["seen"], found["new"]) == ("failed", 3, 3)
    again = import_documents(engine, data, name="all.jsonl")
    assert again.counts == Counts(seen=7, new=4, unchanged=3)
    assert run(engine)["outcome"] == "complete"
    assert count(engine, tables.job) == len(SAMPLES) + 7


@pytest.mark.parametrize("error", [DatabaseError("gone"), KeyboardInterrupt()])
def test_interrupted_lines_are_judged(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The next command finds all that is committed judged: nothing waits for another import."""
    monkeypatch.setattr(batches, "BATCH", 1)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 3)
    import_documents(engine, MANY)
    data = stream(*({key: info} for key, info in MANY.items()))
    failing_load(monkeypatch, 4, error)
    with pytest.raises((InterruptedInputError, KeyboardInterrupt)):
        import_documents(engine, data, seen_at="2026-03-09T03:00:00.000000Z")
    with db.reading(engine) as connection:
        assert judged_backups.pending(connection) == 0
    assert list(verify.verify(engine)) == []


def test_killed_import_leaves_a_note_of_each_appliance(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one without a change, for which its new import can show that something did not run."""
    monkeypatch.setattr(batches, "BATCH", 1)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 3)
    monkeypatch.setattr(lines_run, "_judge_committed", lambda _: None)
    import_documents(engine, MANY, "vc01")
    data = stream(*({key: info} for key, info in MANY.items()))
    with monkeypatch.context() as patch:
        failing_load(patch, 4, DatabaseError("gone"))
        with pytest.raises(InterruptedInputError):
            import_documents(engine, data, "vc01", "2026-03-09T03:00:00.000000Z")
    with db.reading(engine) as connection:
        assert judged_backups.pending(connection) == 1
    import_documents(engine, data, "vc01", "2026-03-09T03:00:00.000000Z")
    assert list(verify.verify(engine)) == []


def test_undecodable_stream_is_interrupted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a stream itself fails, the jobs read so far stay and the run has their number."""
    monkeypatch.setattr(batches, "BATCH", 2)
    data = stream(*({key: info} for key, info in MANY.items())).decode().encode("utf-16") + b"x"
    with pytest.raises(InterruptedInputError, match="the first 7 documents are archived"):
        import_documents(engine, data)
    assert count(engine, tables.job) == run(engine)["new"] == 7
    assert run(engine)["outcome"] == "failed"


@pytest.mark.parametrize("data", [MANY, stream(MANY)])
def test_interrupt_is_logged(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, data: bytes | dict[str, Any]
) -> None:
    """An interrupted import leaves only its record."""
    failing_load(monkeypatch, 0, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        import_documents(engine, data)
    found = run(engine)
    assert (found["outcome"], found["error"], found["seen"]) == ("failed", "KeyboardInterrupt", 0)
    assert count(engine, tables.job) == 0


def test_first_error_is_reported_if_logging_fails_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the log of imports cannot be written either, the first error is the one reported."""
    failing_load(monkeypatch, 0, DatabaseError("the first"))

    def refuse(*_: object) -> None:
        raise DatabaseError("the second")

    monkeypatch.setattr(import_log, "fail", refuse)
    with pytest.raises(DatabaseError, match="the first"):
        import_documents(engine, MANY)
    assert run(engine)["outcome"] == "running"


def test_progress_is_reported_after_each_batch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each batch the callback gets the current counts."""
    import io

    monkeypatch.setattr(batches, "BATCH", 3)
    for data in (json.dumps(MANY).encode(), stream(*({key: info} for key, info in MANY.items()))):
        progress: list[int] = []
        content = io.BufferedReader(io.BytesIO(data))
        source = Source("x", content, "vc01", "2026-03-01T00:00:00.000000Z")
        ingest(engine, source, lambda counts, progress=progress: progress.append(counts.seen))  # type: ignore[misc]
        assert progress == [3, 6, 7]


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_empty_file_is_refused(engine: Engine, data: bytes) -> None:
    """An empty file is refused by its name before a run is recorded."""
    with pytest.raises(InputError, match=r"^empty.json: the input is empty$"):
        import_documents(engine, data, name="empty.json")
    assert count(engine, tables.ingest_run) == 0


def test_empty_answer_counts_as_an_import(engine: Engine) -> None:
    """An appliance without jobs has been seen, too."""
    assert import_documents(engine, b"{}").counts == Counts()
    assert import_documents(engine, b"{}\n{}\n").counts == Counts()
    assert rows(engine, sa.select(tables.appliance.c.name)) == [("vc01",)]
    assert run(engine)["outcome"] == "complete"


@pytest.mark.parametrize("data", [api(x=job()), stream({"x": job()}), stream({"x": job()}, {})])
def test_jobs_without_an_appliance_are_refused(engine: Engine, data: bytes) -> None:
    """Documents that do not name their appliance need one to be given."""
    with pytest.raises(UsageError, match=r"no appliance name; set it with --appliance"):
        import_documents(engine, data, None)
    assert count(engine, tables.job) == 0
    assert run(engine)["outcome"] == "failed"


@pytest.mark.parametrize("name", ["", " ", "a ", " a", "a\nb", "a\0b", "\ud800", "x" * 256])
def test_appliance_names_are_checked(engine: Engine, name: str) -> None:
    """A name that could not be shown or stored is refused before anything is written."""
    with pytest.raises(UsageError, match="invalid appliance name"):
        import_documents(engine, MANY, name)
    assert count(engine, tables.ingest_run) == 0


@pytest.mark.parametrize("name", ["vc01.example.com", "Zürich, Rack 4", "x" * 255, "例", "'; --"])
def test_any_printable_name_is_accepted(engine: Engine, name: str) -> None:
    """Any printable text can be the name of an appliance."""
    import_documents(engine, MANY, name)
    assert rows(engine, sa.select(tables.appliance.c.name)) == [(name.lower(),)]


@pytest.mark.parametrize("name", ["", "a ", "a\0b", "\ud800", "x" * 256])
@pytest.mark.parametrize("given", [None, "vc09"])
def test_bad_name_in_an_export_is_quarantined(engine: Engine, name: str, given: str | None) -> None:
    """An exported job with an invalid name is quarantined, and the others are archived."""
    good = {"appliance": "vc01", "job": "x", "info": job()}
    summary = import_documents(engine, stream(good, good | {"appliance": name}), given)
    assert (summary.counts.new, summary.counts.quarantined) == (1, 1)
    assert rows(engine, sa.select(tables.quarantine.c.position)) == [("line 2",)]
    query = sa.select(tables.appliance.c.name).join(
        tables.job, tables.job.c.appliance_id == tables.appliance.c.id
    )
    assert rows(engine, query) == [("vc01",)]


def test_reasons_with_unstorable_text_are_escaped(engine: Engine) -> None:
    """Reasons and names may quote text that no database stores; they are recorded escaped."""
    error = {"error_type": "A\0\ud800", "messages": []}
    summary = import_documents(engine, stream(MANY, error, {"info": {}, "a\0\ud800": 1}))
    assert summary.counts.quarantined == 2
    with pytest.raises(InputError):
        import_documents(engine, json.dumps(error).encode(), name="bad \udcff name.json")
    assert run(engine)["source"] == "bad \\udcff name.json"
    assert "(A\ufffd\ufffd)" in run(engine)["error"]


def test_last_seen_completes_the_status_times(engine: Engine) -> None:
    """If an export lacks the time of a job's status, its last-seen time is used."""
    seen = {"first": "2026-03-01T00:00:00Z", "last": "2026-03-02T00:00:00Z", "status": {}}
    import_documents(
        engine, stream({"appliance": "a", "job": "x", "info": job(), "seen": seen}), None
    )
    status = tables.job_status.c
    assert rows(engine, sa.select(status.status, status.observed_at)) == [
        ("SUCCEEDED", "2026-03-02T00:00:00.000000Z")
    ]
    assert list(verify.verify(engine)) == []


def test_jobs_use_the_calendar_of_the_archive(engine: Engine) -> None:
    """Jobs get their day from the calendar at the time of the import."""
    with db.writing(engine) as connection:
        settings.store_calendar(connection, Calendar("Asia/Kathmandu", "16:00"))
    import_documents(engine, api(x=job(start_time="2026-03-01T10:14:59.999Z"),
                        y=job(start_time="2026-03-01T10:15:00.000Z")))  # fmt: skip
    assert rows(engine, sa.select(tables.job.c.key, tables.job.c.day).order_by("key")) == [
        ("x", "2026-02-28"),
        ("y", "2026-03-01"),
    ]


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """When the disk is full the error says so, and nothing of the import stays."""
    engine = created(tmp_path / "small.db")
    import_documents(engine, {"first": job()})

    def limit(connection: Any, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 10}")

    sa.event.listen(engine, "connect", limit)
    many = {f"job-{number}": job(user="u" * 4000) for number in range(100)}
    with pytest.raises(DatabaseError, match=r"the disk is full; .*; nothing of this import"):
        import_documents(engine, many, "vc02")
    assert rows(engine, sa.select(tables.job.c.key)) == [("first",)]
    assert rows(engine, sa.select(tables.appliance.c.name)) == [("vc01",)]
    assert list(verify.verify(engine)) == []


def test_documents_are_read_in_batches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one batch of an import is in memory at a time."""
    monkeypatch.setattr(batches, "BATCH", 2)
    sizes: list[int] = []
    original = loader.Loader.load

    def watch(
        loader: loader.Loader,
        connection: Connection,
        observations: Sequence[Observation],
        counts: Counts,
    ) -> None:
        sizes.append(len(observations))
        original(loader, connection, observations, counts)

    monkeypatch.setattr(loader.Loader, "load", watch)
    import_documents(engine, MANY)
    assert sizes == [2, 2, 2, 1]
    assert canonical.read(job()).findings == []


@pytest.mark.parametrize("last", ["2999-01-01T00:00:00.000Z", "2999-01-01T00:00:00Z"])
@pytest.mark.parametrize("lines", [1, 2])
def test_line_that_was_seen_in_the_future_is_quarantined(
    engine: Engine, last: str, lines: int
) -> None:
    """It would count as the newest import until then; its neighbours are archived."""
    seen = {"first": "2026-01-01T00:00:00.000Z", "last": last, "status": {}}
    wrong = [exported(f"wrong{number}", seen=seen) for number in range(lines)]
    done = import_documents(engine, stream(*wrong, exported("good")), None)
    assert (done.counts.new, done.counts.quarantined) == (1, lines)
    (reason,) = set(rows(engine, sa.select(tables.quarantine.c.reason)))
    assert reason[0].startswith("seen in the future, at 2999-01-01T00:00:00.000000Z")


def test_lone_surrogates_are_archived(engine: Engine) -> None:
    """A text that is not valid Unicode makes its document irregular, and stops nothing."""
    text = {"id": "m", "default_message": "m"}
    answer = {
        "a": job(user="\ud800x"),
        "b": job(messages=[text | {"args": ["\udfff"]}]),
        "c": job(),
    }
    for name, content in (("vc01", api(**answer)), ("vc02", as_lines(answer, "vc02"))):
        summary = import_documents(
            engine, content, name, name="x.jsonl" if name == "vc02" else "x.json"
        )
        assert (summary.counts.new, summary.counts.quarantined) == (3, 0)
    kept = rows(engine, sa.select(tables.irregular_document.c.document))
    assert len(kept) == 4
    assert all("\\ud" in text and text.isascii() for (text,) in kept)
    assert list(verify.verify(engine)) == []


def test_unforeseen_error_stops_one_document(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document on which the reader fails goes to quarantine with its bytes; others are archived."""
    examine = findings.examine

    def fail(info: Any) -> list[findings.Finding]:
        if info.user == "odd":
            raise KeyError("unforeseen")
        return examine(info)

    monkeypatch.setattr(findings, "examine", fail)
    answer = {"a": job(), "b": job(user="odd"), "c": job()}
    for name, content in (("vc01", api(**answer)), ("vc02", as_lines(answer, "vc02"))):
        summary = import_documents(
            engine, content, name, name="x.jsonl" if name == "vc02" else "x.json"
        )
        assert (summary.counts.new, summary.counts.quarantined) == (2, 1)
    held = rows(engine, sa.select(tables.quarantine.c.reason, tables.quarantine.c.document))
    assert len(held) == 2
    assert all("KeyError" in reason and b'"odd"' in document for reason, document in held)
