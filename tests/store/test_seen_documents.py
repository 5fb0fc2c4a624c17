from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import db, timestamps
from archive.db import tables
from archive.ingest import lines_run
from archive.ingest.observe import observe
from archive.maintenance import verify
from archive.store import seen_documents, totals
from tests.support.archives import each, import_documents, job_rows, rows
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FIRST, LATER, LATEST = (f"2026-03-0{day}T03:00:00.000000Z" for day in (1, 2, 3))
FUTURE = "2999-01-01T00:00:00.000000Z"


def answer(*keys: str, **fields: Any) -> bytes:
    """Return an answer with these jobs."""
    return json.dumps({f"2026{key}": job(**fields) for key in keys}).encode()


def last_seen(engine: Engine) -> dict[str, str]:
    """Return when each job was last seen, by key."""
    return {key[4:]: seen for key, seen in job_rows(engine, "key", "last_seen")}


def own(engine: Engine) -> list[str | None]:
    """Return the last-seen times in the rows of `job` themselves."""
    job = tables.job.c
    query = sa.select(job.last_seen).order_by(job.id)
    return [last_seen for (last_seen,) in rows(engine, query)]


def test_unchanged_documents_are_not_parsed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents of the latest import are recognised by their bytes."""
    read: list[str] = []

    def watch(raw: Any, *arguments: Any) -> Any:
        read.append(raw.key)
        return observe(raw, *arguments)

    monkeypatch.setattr("archive.ingest.run.observe", watch)
    import_documents(engine, answer("a", "b", "c"), seen_at=FIRST)
    assert len(read) == 3
    again = import_documents(engine, answer("c", "d", "b", "a"), seen_at=LATER)
    assert read[3:] == ["2026d"]
    assert (again.counts.seen, again.counts.new, again.counts.unchanged) == (4, 1, 3)
    assert last_seen(engine) == dict.fromkeys("abcd", LATER)
    assert own(engine) == [None] * 4
    # The same jobs, written in another way, are parsed again and found to be unchanged.
    pretty = json.dumps(json.loads(answer("a", "b", "c", "d")), indent=1).encode()
    assert import_documents(engine, pretty, seen_at=LATEST).counts.unchanged == 4
    assert len(read) == 8
    assert list(verify.verify(engine)) == []


def test_unchanged_lines_are_not_parsed(engine: Engine) -> None:
    """The same applies to lines that name their appliance, whatever else is in the stream."""
    lines = [{"appliance": f"vc{n % 2}", "job": str(n), "info": job()} for n in range(5)]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    import_documents(engine, data, None, FIRST, "a.jsonl")
    again = import_documents(engine, data + b"broken\n", None, LATER, "a.jsonl")
    assert (again.counts.unchanged, again.counts.quarantined) == (5, 1)
    assert {row[0] for row in job_rows(engine, "last_seen")} == {LATER}
    assert list(verify.verify(engine)) == []


def test_unchanged_lines_of_a_later_transaction_are_not_parsed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import in parts, whose first part has most of an appliance's jobs, knows the others as well."""
    data = b"".join(
        json.dumps({"appliance": "vc01", "job": str(number), "info": job()}).encode() + b"\n"
        for number in range(5)
    )
    import_documents(engine, data, None, FIRST, "a.jsonl")
    read: list[int] = []
    load = lines_run._load_batch

    def watch(*arguments: Any) -> None:
        read.append(len(arguments[3]))
        load(*arguments)

    monkeypatch.setattr(lines_run, "_load_batch", watch)
    monkeypatch.setattr(lines_run, "BATCHES_A_COMMIT", 1)
    monkeypatch.setattr(lines_run, "KNOWN_AS_ONE", 1)
    monkeypatch.setattr("archive.ingest.batches.BATCH", 3)
    again = import_documents(engine, data, None, LATER, "a.jsonl")
    assert (again.counts.unchanged, sum(read), len(read)) == (5, 0, 2)
    assert own(engine) == [None] * 5
    assert {row[0] for row in job_rows(engine, "last_seen")} == {LATER}
    assert list(verify.verify(engine)) == []


def test_removed_job_keeps_its_last_seen_time(engine: Engine) -> None:
    """A job that is no longer on the appliance keeps the time when it was last seen."""
    import_documents(engine, answer("a", "b", "c"), seen_at=FIRST)
    import_documents(engine, answer("b", "c"), seen_at=LATER)
    assert last_seen(engine) == {"a": FIRST, "b": LATER, "c": LATER}
    assert own(engine) == [FIRST, None, None]
    import_documents(engine, answer("a", "b", "c"), seen_at=LATEST)
    assert last_seen(engine) == dict.fromkeys("abc", LATEST)


def test_small_import_does_not_become_the_latest(engine: Engine) -> None:
    """A single job is written as one row, and the others stay as they are."""
    import_documents(engine, answer("a", "b", "c", "d"), seen_at=FIRST)
    import_documents(engine, answer("b"), seen_at=LATER)
    assert own(engine) == [None, LATER, None, None]
    assert last_seen(engine) == {"a": FIRST, "b": LATER, "c": FIRST, "d": FIRST}
    assert list(verify.verify(engine)) == []


def test_older_import_does_not_replace_the_latest(engine: Engine) -> None:
    """A late import is parsed, since it may have an earlier first-seen time."""
    import_documents(engine, answer("a"), seen_at=LATER)
    overdue = import_documents(engine, answer("a", "b"), seen_at=FIRST)
    assert (overdue.counts.new, overdue.counts.unchanged) == (1, 1)
    assert job_rows(engine, "first_seen", "last_seen") == [(FIRST, LATER), (FIRST, FIRST)]


def test_export_with_times_of_its_own(engine: Engine) -> None:
    """A line with its own last-seen time takes the job out of the latest import."""
    import_documents(engine, answer("a", "b"), seen_at=FIRST)
    seen = {"first": FIRST[:23] + "Z", "last": LATEST[:23] + "Z", "status": {}}
    line = {"appliance": "vc01", "job": "2026a", "info": job(), "seen": seen}
    import_documents(engine, json.dumps(line).encode(), None, LATER, "a.jsonl")
    assert last_seen(engine) == {"a": LATEST, "b": FIRST}
    import_documents(engine, answer("a", "b"), seen_at=LATER)
    assert last_seen(engine) == {"a": LATEST, "b": LATER}
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize(("last", "kept"), [(LATEST, LATEST), (LATER, LATER)])
def test_export_of_known_documents(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, last: str, kept: str
) -> None:
    """A job that has just left the latest import may come again unchanged."""
    monkeypatch.setattr("archive.ingest.batches.BATCH", 1)
    entry = {"key": "2026a", "value": job()}
    other = {"key": "2026b", "value": job()}
    import_documents(engine, json.dumps([entry, other]).encode(), seen_at=FIRST)
    seen = {"first": FIRST[:23] + "Z", "last": last[:23] + "Z", "status": {}}
    line = {"appliance": "vc01", "job": "2026a", "info": job(), "seen": seen}
    import_documents(engine, json.dumps([other, line, entry]).encode(), seen_at=LATER)
    assert last_seen(engine) == {"a": kept, "b": LATER}
    assert list(verify.verify(engine)) == []


IMPORT = st.tuples(
    st.integers(1, 9),
    st.sets(st.sampled_from("abcdef")),
    st.sampled_from(["RUNNING", "SUCCEEDED"]),
    st.booleans(),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(imports=st.lists(IMPORT, max_size=6))
def test_last_seen_times_are_exact(engines: list[Engine], imports: Any) -> None:
    """In any order of imports, each job has the time when it was last seen, on each database."""
    for engine in each(engines):
        wanted: dict[str, str] = {}
        for day, keys, status, in_lines in imports:
            seen_at = f"2026-04-0{day}T03:00:00.000000Z"
            data = answer(*sorted(keys), status=status)
            name = "answer.json"
            if in_lines:
                name = "lines.jsonl"
                lines = [
                    {"appliance": "vc01", "job": f"2026{key}", "info": job(status)}
                    for key in sorted(keys)
                ]
                data = "".join(json.dumps(line) + "\n" for line in lines).encode() or b"\n{}"
            import_documents(engine, data, "vc01", seen_at, name)
            for key in keys:
                wanted[key] = max(seen_at, wanted.get(key, ""))
        assert last_seen(engine) == wanted
        assert list(verify.verify(engine)) == []


def test_documents_are_packed() -> None:
    """Fingerprints and numbers of jobs are read back as they were written."""
    documents = {bytes([number] * 16): 2**40 - number for number in range(5)}
    data = seen_documents.encode(documents)
    assert len(data) == 5 * 24
    assert seen_documents.decode(data) == documents


def test_damage_is_found(engine: Engine) -> None:
    """A latest import that disagrees with the jobs is reported."""
    import_documents(engine, answer("a", "b"), seen_at=FIRST)
    with engine.begin() as connection:
        connection.execute(
            tables.latest_import.update().values(documents=seen_documents.encode({b"x" * 16: 1}))
        )
    found = list(verify.verify(engine))
    assert "vc01: the jobs do not match the latest import: import its answer again" in found


@pytest.mark.parametrize(
    "deletion",
    ["DELETE FROM job", "DELETE FROM job WHERE key = '2026a'", "DELETE FROM job WHERE id = 2"],
)
def test_job_that_was_deleted_comes_back(engine: Engine, deletion: str) -> None:
    """A document is known only as long as its job is there."""
    import_documents(engine, answer("a", "b", "c"), seen_at=FIRST)
    with db.writing(engine) as connection:
        gone = connection.exec_driver_sql(deletion).rowcount
    again = import_documents(engine, answer("a", "b", "c"), seen_at=LATER)
    assert (again.counts.new, again.counts.unchanged) == (gone, 3 - gone)
    assert last_seen(engine) == dict.fromkeys("abc", LATER)
    with db.writing(engine) as connection:
        totals.rebuild(connection)
    assert list(verify.verify(engine)) == []


def test_import_of_a_clock_that_was_ahead_does_not_stay_the_latest(engine: Engine) -> None:
    """The next import counts as newer, although its time is earlier."""
    import_documents(engine, answer("a", "b"), seen_at=FIRST)
    import_documents(engine, answer("a", "b", "c"), seen_at=FUTURE)
    import_documents(engine, answer("b", "c"), seen_at=LATEST)
    assert {seen for key, seen in last_seen(engine).items() if key != "a"} == {LATEST}
    assert last_seen(engine)["a"] < LATEST
    with db.reading(engine) as connection:
        seen = connection.execute(sa.select(tables.appliance.c.last_seen)).scalars().all()
    assert seen == [LATEST]
    assert list(verify.verify(engine)) == []


def seen_order(engine: Engine) -> list[tuple[str, str, str]]:
    """Return the jobs that were seen last before they were seen first."""
    seen = job_rows(engine, "key", "first_seen", "last_seen")
    return [row for row in seen if row[1] > row[2]]


def test_imports_with_future_times_in_descending_order(engine: Engine) -> None:
    """A job that a wrong clock has seen first was seen earlier, and may be missing later."""
    import_documents(engine, answer("a", "b"), seen_at="2999-01-02T00:00:00.000000Z")
    import_documents(engine, answer("a"), seen_at=FUTURE)
    import_documents(engine, answer("c"), seen_at=FIRST)
    import_documents(engine, answer("c"), seen_at=LATER)
    assert seen_order(engine) == []
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize("keys", ["", "c"])
def test_small_import_follows_one_of_a_wrong_clock(engine: Engine, keys: str) -> None:
    """Jobs that only a wrong clock has seen keep an order of times, also if an import has no job."""
    import_documents(engine, answer("a", "b"), seen_at=FUTURE)
    import_documents(engine, answer(*keys), seen_at=LATER)
    assert seen_order(engine) == []
    assert list(verify.verify(engine)) == []


def test_job_of_a_wrong_clock_is_first_seen_with_the_next_import(engine: Engine) -> None:
    """Its document is read again then, although its bytes are known."""
    import_documents(engine, answer("a"), seen_at=FUTURE)
    again = import_documents(engine, answer("a"), seen_at=FIRST)
    assert again.counts.unchanged == 1
    assert job_rows(engine, "first_seen", "last_seen") == [(FIRST, FIRST)]
    assert rows(engine, sa.select(tables.job_status.c.observed_at)) == [(FIRST,)]


INSTANTS = (FIRST, LATER, LATEST, "soon", "sooner", FUTURE, "2999-01-02T00:00:00.000000Z")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(INSTANTS), st.sets(st.sampled_from("abc"), min_size=1)),
        min_size=2,
        max_size=6,
    )
)
def test_imports_may_be_seen_in_any_order(
    engines: list[Engine], imports: list[tuple[str, set[str]]]
) -> None:
    """Also at times that are as far ahead as another clock may be, or farther."""
    now = datetime.now(UTC)
    ahead = {"soon": 9, "sooner": 5}
    for engine in each(engines):
        for name, keys in imports:
            minutes = ahead.get(name)
            instant = (
                name
                if minutes is None
                else timestamps.from_datetime(now + timedelta(minutes=minutes))
            )
            import_documents(engine, answer(*sorted(keys)), seen_at=instant)
            assert seen_order(engine) == []
        assert list(verify.verify(engine)) == []
