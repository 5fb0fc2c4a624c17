"""The promises of the archive, from end to end, as a user at a shell sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import TYPE_CHECKING

import pytest

from archive import calendar, db, reports, timestamps
from archive.cli.options import Format
from archive.demo import collection, fleet
from archive.document import appliance_facts, canonical
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.reports import sql_files
from archive.store import collection_log, fact_history, notified_problems
from tests.support.archives import stream
from tests.support.command import Done, archive, at
from tests.support.samples import BASE, DATA, SAMPLES, api, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine


API, REST = str(DATA / "details_api.json"), str(DATA / "details_rest.json")
START = datetime(2026, 7, 24, 12, tzinfo=UTC)
TODAY = "2026-07-24"
# Values at the limits of the databases, and values that the tables cannot store unchanged.
EXTREMES = {
    "00010101-000000-1": job(start_time="0001-01-01T00:00:00.000Z", size=2**63 - 1),
    "99991231-235959-1": job(start_time="9999-12-31T23:59:59.999999Z", duration=-(2**63)),
    "20260601-000000-1": job(size=2**64, type="É\x00", surprise={"é": [1.5, None, "\ud800"]}),
    "20260602-000000-1": job("RUNNING", location="sftp://a:b@c/d", user="=1+1"),
    "20260603-000000-1": {"no": "status"},
}


class Clock:
    """A clock that advances by a second whenever its time is read."""

    def __init__(self) -> None:
        self._ticks = count()

    def now(self) -> str:
        """Return the time."""
        return timestamps.from_datetime(START + timedelta(seconds=next(self._ticks)))


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, ...]]:
    """Give the arguments of a sequence of imports, and of other commands that change an archive."""
    folder = tmp_path_factory.mktemp("imports")

    def file(name: str, data: bytes) -> str:
        path = folder / name
        path.write_bytes(data)
        return str(path)

    calls = [
        ("ingest", API, REST, "--appliance", "a"),
        ("ingest", file("bad.json", b"{"), API, "--appliance", "Zürich"),
        ("ingest", file("odd.json", json.dumps(EXTREMES).encode()), "--appliance", "vc ~ éa"),
        ("ingest", file("run.json", api(k=job("RUNNING"))), "-a", "a"),
    ]
    plan = fleet.plan(START, days=60)
    for number, collected in enumerate(collection.collect(plan)):
        path = file(f"{number}.json", collected.content)
        calls.append(("ingest", path, "-a", collected.appliance, "--seen-at", collected.seen_at))
    calls += [
        ("db", "calendar", "--time-zone", "Asia/Kathmandu", "--day-start", "16:30"),
        (
            "ingest",
            file("end.json", api(k=job("FAILED"))),
            "-a",
            "a",
            "--seen-at",
            f"{TODAY}T09:00:00Z",
        ),
        ("quarantine", "retry"),
    ]
    return calls


def questions() -> Iterator[tuple[str, ...]]:
    """Yield every report in every format and by every group, every query, and the other lists."""
    for name, report in reports.REPORTS.items():
        for form in Format:
            yield "report", name, "--format", form
        for group in report.groups:
            yield "report", name, "--format", "csv", "--by", group
        for period in calendar.PERIODS if "period" in report.takes else ():
            yield "report", name, "--format", "csv", "--period", period
        if "compare" in report.takes:
            yield "report", name, "--format", "csv", "--compare"
    for query, form in product(sql_files.queries(), Format):
        if query.name == "archive_size":  # it depends on the database, not on its content
            continue
        today = any(param.name == "today" for param in query.params)
        yield "sql", query.name, "--format", form, *(("-p", f"today={TODAY}") if today else ())
    for form in Format:
        yield "job", "list", "--limit", "0", "--format", form
        yield "quarantine", "list", "--format", form
        for verb in ("collections", "show", "appliances", "imports"):
            yield "log", verb, "--format", form
    yield "job", "show", "a", "20260723-021500-25148086"
    yield "job", "show", "a", "k"
    yield "quarantine", "show", "1"
    yield "export", "jsonl"
    yield "db", "calendar"


def ask(engine: Engine) -> None:
    """Collect from two appliances, one of which does not answer, and note that a target knows of it."""
    facts = appliance_facts.Facts(
        appliance_facts.read_version({"version": "9.0.2", "new\x00": [1.50, "\ud800"]}),
        appliance_facts.read_time_zone("Asia/Kathmandu"),
        appliance_facts.read_schedules({"default": {"enable": True, "location": "sftp://a:b@c/d"}}),
    )
    number, asked = collection_log.begin(engine, 2), timestamps.now()
    source = Source("a", stream(api(**SAMPLES)), "a", asked)
    with ingest_answer(engine, source) as answer:
        fact_history.record(answer.connection, answer.appliance_id, facts, asked)
        attempt = collection_log.Attempt("a", asked, asked, "complete", None, answer.run_id)
        collection_log.record(answer.connection, number, attempt)
    not_reporting = collection_log.Attempt(
        "silent", asked, None, "failed", "it did not answer", None
    )
    collection_log.record_failure(engine, number, not_reporting)
    collection_log.finish(engine, number)
    with db.writing(engine) as connection:
        problems = {"silent": "never CRITICAL"}
        notified_problems.record(connection, "on-call", problems, timestamps.now())


def outcome(
    engine: Engine, calls: list[tuple[str, ...]], folder: Path
) -> tuple[list[Done], dict[tuple[str, ...], Done], dict[str, bytes]]:
    """Fill an archive, and return the outputs, all answers, and the exported files."""
    said = [archive(*call, at(engine)) for call in calls]
    ask(engine)
    answers = {question: archive(*question, at(engine)) for question in questions()}
    exported = archive("export", "csv", str(folder), at(engine))
    assert exported.code == 0
    assert archive("db", "verify", at(engine)) == (0, "", "No problems found.\n")
    return said, answers, {path.name: path.read_bytes() for path in folder.iterdir()}


def test_both_databases_give_the_same_bytes(
    engines: list[Engine],
    imports: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the same imports at the same times all output is byte-equal."""
    outcomes = []
    for engine in engines:
        monkeypatch.setattr(timestamps, "now", Clock().now)
        outcomes.append(outcome(engine, imports, tmp_path / engine.dialect.name))
    (said, answers, files), (also_said, other_answers, other_files) = outcomes
    assert said == also_said
    assert {done.code for done in said} == {0, 3}
    assert answers.keys() == other_answers.keys()
    for question, answer in answers.items():
        assert (question, answer) == (question, other_answers[question])
        assert answer.code == 0
        assert answer.out.count("\n") >= 1
    assert files.keys() == other_files.keys()
    for name, data in files.items():
        assert (name, data) == (name, other_files[name])
    # Nothing was pruned.
    kept = {name: data for name, data in files.items() if not name.startswith("pruned_")}
    assert [name for name, data in kept.items() if data.count(b"\n") == 1] == []


def test_samples_are_exported_as_imported(engine: Engine) -> None:
    """Both forms of an answer are the same jobs, and an export has the documents themselves."""
    first, second = (
        archive("ingest", path, "--appliance", "a", "-v", at(engine)) for path in (API, REST)
    )
    assert (first.code, first.err, second.code, second.err) == (0, "", 0, "")
    assert first.out.startswith("11 seen, 11 new, 0 changed, 0 unchanged, 0 findings, 0 quaran")
    assert second.out.startswith("11 seen, 0 new, 0 changed, 11 unchanged, 0 findings, 0 quar")
    lines = [json.loads(line) for line in archive("export", "jsonl", at(engine)).out.splitlines()]
    assert {line["job"]: line["info"] for line in lines} == SAMPLES
    assert all(line["appliance"] == "a" for line in lines)
    assert archive("db", "verify", at(engine)) == (0, "", "No problems found.\n")


def test_one_bad_document_among_a_hundred(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ninety-nine are archived and one is quarantined; it can be listed, shown, and retried."""
    documents = {f"20260101-000000-{number}": dict(BASE) for number in range(100)}
    del documents["20260101-000000-50"]["status"]
    path = tmp_path / "hundred.json"
    path.write_text(json.dumps(documents))
    done = archive("ingest", str(path), "--appliance", "a", "-v", at(engine))
    assert (done.code, done.out.split(", ")[1::4]) == (3, ["99 new", "1 quarantined\n"])
    listed = archive("quarantine", "list", "--format", "csv", at(engine)).out.splitlines()
    assert listed[1].startswith("1,a,20260101-000000-50,document 51,no status,")
    shown = archive("quarantine", "show", "1", at(engine)).out
    assert json.loads("{" + shown + "}") == {"20260101-000000-50": documents["20260101-000000-50"]}
    assert archive("quarantine", "retry", at(engine)).code == 3
    # As in a later version that can read it.
    read = canonical.read
    monkeypatch.setattr(canonical, "read", lambda value: read({"status": "SUCCEEDED"} | value))
    assert archive("quarantine", "retry", at(engine)).code == 0
    assert archive("quarantine", "list", "--format", "json", at(engine)).out == "[]\n"
    assert archive("job", "show", "a", "20260101-000000-50", at(engine)).code == 0
    assert archive("db", "verify", at(engine)).code == 0
