"""Renaming and merging leave an archive that has received all of it under one name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from archive import db
from archive.db import tables
from archive.document.appliance_facts import Facts
from archive.document.parse import Observation, parse
from archive.document.precedence import SeenInterval
from archive.errors import AlreadyRunningError, DatabaseError, UsageError
from archive.ingest.run import Run, Source
from archive.maintenance import appliances, verify
from archive.maintenance.forget import forget
from archive.maintenance.merge import merge
from archive.maintenance.rename import rename
from archive.maintenance.retire import retire
from archive.store import appliance_rows, collection_log, shared_rows
from archive.store.collection_log import FAILED, Attempt
from archive.store.counts import Counts
from tests.store.test_fact_history import NEWER, NIGHTLY, VERSION, WEEKLY
from tests.support import natural
from tests.support.archives import count, each, empty, import_documents, job_rows, stream
from tests.support.command import archive, at
from tests.support.everything import collect
from tests.support.laws import EXAMPLES
from tests.support.samples import job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine


NIGHTS = [f"2026-03-{day:02}T03:00:00.000000Z" for day in range(1, 20)]
# What only says how an archive came to be: when its imports ran, what each of them brought, and its
# own log. Which documents are known by their bytes may differ where two histories have no job in common.
HOW = (
    "maintenance",
    "evidence_link",
    "evidence_list",
    "write_lock",
    "latest_import",
    "job.last_seen",
    *(
        f"ingest_run.{name}"
        for name in (
            "started",
            "finished",
            "new",
            "changed",
            "unchanged",
            "findings",
            "quarantined",
            "pruned",
        )
    ),
    *(f"collection.{name}" for name in ("started", "finished")),
    *(f"attempt.{name}" for name in ("asked_at", "answered_at")),
)
_STARTED = [
    job("RUNNING", progress={**job("RUNNING")["progress"], "completed": 20}),
    {"no": "job"},
]
# By the last digit of the key: vCenter never turns a success into a failure.
_STATES = {
    0: [*_STARTED, job("SUCCEEDED"), job("SUCCEEDED", size=7, duration=61)],
    1: [
        *_STARTED,
        job("FAILED", messages=[{"id": "m", "default_message": "no", "args": ["a"]}]),
        job("FAILED", new_field=1),
    ],
}
_FACTS = st.builds(
    Facts,
    st.sampled_from([VERSION, NEWER]),
    st.sampled_from(["UTC", "Europe/Berlin"]),
    st.sampled_from([(), (NIGHTLY,), (NIGHTLY, WEEKLY)]),
)
_KEYS = st.integers(1, 9).map(lambda number: f"2026030{number}-020000-1")
IMPORT = st.tuples(
    st.sampled_from(["vc01", "vc02", "vc03"]),
    st.dictionaries(_KEYS, st.integers(0, 3), max_size=4),
    st.none() | _FACTS,
)
_law = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
)


def key(number: int) -> str:
    return f"20260301-02{number:02}00-1"


def history(*numbers: int) -> dict[str, Any]:
    return {key(number): job() for number in numbers}


def _at(key: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of a job that started on the day in its key."""
    day = f"{key[:4]}-{key[4:6]}-{key[6:8]}"
    return {
        name: f"{day}{value[10:]}" if name in ("start_time", "end_time") else value
        for name, value in document.items()
    }


def filled(engine: Engine, imports: list[Any], names: dict[str, str]) -> dict[str, Any]:
    """Import under other names if `names` has any, and return the rows."""
    for seen_at, (name, jobs, facts) in zip(NIGHTS, imports, strict=False):
        fill(engine, names.get(name, name), jobs, facts, seen_at)
    return found(engine)


def fill(
    engine: Engine, name: str, states: dict[str, int], facts: Facts | None, seen_at: str
) -> None:
    """Import an answer with jobs in some states, or archive it as a collection does."""
    jobs = {key: _at(key, _STATES[int(key[7]) % 2][state]) for key, state in states.items()}
    if facts is None:
        import_documents(engine, jobs, name, seen_at)
    else:
        collect(engine, name, jobs, facts, seen_at)


def found(engine: Engine) -> dict[str, Any]:
    seen = [(row[1], row[2]) for row in job_rows(engine, "appliance_id", "key", "last_seen")]
    return natural.rows(engine, HOW) | {"last seen": sorted(seen)}


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of each table that only one of two archives has."""
    return {
        name: (set(rows) - set(wanted[name]), set(wanted[name]) - set(rows))
        for name, rows in found.items()
        if rows != wanted[name]
    }


@_law
@given(st.lists(IMPORT, min_size=1, max_size=8))
def test_renamed_appliance_is_as_if_imported_under_that_name(
    engines: list[Engine], imports: list[Any]
) -> None:
    name = imports[0][0]
    for engine in each(engines):
        wanted = filled(engine, imports, {name: "new"})
        empty(engine)
        filled(engine, imports, {})
        rename(engine, name, "new")
        assert differences(found(engine), wanted) == {}
        assert list(verify.verify(engine)) == []


# Of two states of a job that failed, a merge keeps one.
_FIRST, _LATER = {"20260307-020000-1": 2}, {"20260307-020000-1": 3}


@_law
@example([("vc01", _FIRST, None), ("vc03", _LATER, None)])
@example([("vc01", _LATER, None), ("vc03", _FIRST, None)])
@given(st.lists(IMPORT, min_size=2, max_size=8))
def test_merged_appliances_are_as_if_imported_under_one_name(
    engines: list[Engine], imports: list[Any]
) -> None:
    names = sorted({name for name, _, _ in imports})
    source, target = names[0], names[-1]
    for engine in each(engines):
        if source == target:
            return
        filled(engine, imports, {source: target})
        with db.writing(engine) as connection:  # what replaced documents left behind
            shared_rows.remove_unused(connection)
        wanted = found(engine)
        empty(engine)
        filled(engine, imports, {})
        merge(engine, source, target)
        assert differences(found(engine), wanted) == {}
        assert list(verify.verify(engine)) == []


@_law
@given(st.lists(IMPORT, min_size=1, max_size=8))
def test_forgotten_appliance_leaves_only_the_record(
    engines: list[Engine], imports: list[Any]
) -> None:
    name = imports[0][0]
    others = [one for one in imports if one[0] != name]
    numbered = ("ingest_run.id", "job.run_id", "job_status.run_id", "quarantine.run_id")
    asked = ("collection", "attempt.collection_id", "attempt.run_id")
    leaving_out = (*HOW, *numbered, *asked, "calendar")
    for engine in each(engines):
        for seen_at, one in zip(NIGHTS, imports, strict=False):
            if one in others:
                name_of_other, states, facts = one
                fill(engine, name_of_other, states, facts, seen_at)
        with db.writing(engine) as connection:  # what replaced documents left behind
            shared_rows.remove_unused(connection)
        wanted = natural.rows(engine, leaving_out)
        empty(engine)
        filled(engine, imports, {})
        forget(engine, name)
        assert differences(natural.rows(engine, leaving_out), wanted) == {}
        assert list(verify.verify(engine)) == []
        assert count(engine, tables.maintenance) == 1


def test_latest_import_of_merged_appliances_is_recognised_again(engine: Engine) -> None:
    """The documents of the newer of both imports are known by their bytes, as before."""
    import_documents(engine, history(1, 2), "vc01", NIGHTS[0])
    import_documents(engine, history(1, 2, 3), "vc02", NIGHTS[1])
    merge(engine, "vc02", "vc01")
    assert natural.rows(engine)["latest_import"][0][1] == NIGHTS[1]
    counts = import_documents(engine, history(1, 2, 3), "vc01", NIGHTS[2]).counts
    assert (counts.new, counts.unchanged) == (0, 3)
    assert list(verify.verify(engine)) == []


def test_collection_that_asked_both_counts_one_less(engine: Engine) -> None:
    """Two names in one collection were one appliance: of two attempts the better one stays."""
    collection = collection_log.begin(engine, 2)
    for name, outcome, reason in (("vc01", FAILED, "no answer"), ("vc02", FAILED, "no route")):
        collection_log.record_failure(
            engine, collection, Attempt(name, NIGHTS[0], None, outcome, reason, None)
        )
    collection_log.finish(engine, collection)
    merge(engine, "vc02", "vc01")
    with db.reading(engine) as connection:
        (one,) = collection_log.collections(connection)
        ((attempt, _),) = collection_log.attempts(connection, collection)
    assert (one.asked, one.failed, one.outcome) == (1, 1, FAILED)
    assert (attempt.appliance, attempt.reason) == ("vc01", "no answer")


def test_quarantined_document_of_both_is_held_once(engine: Engine) -> None:
    for name, night in (("vc01", 1), ("vc02", 0)):
        import_documents(engine, {key(1): {"no": "job"}}, name, NIGHTS[night])
    merge(engine, "vc01", "vc02")
    (held,) = natural.rows(engine)["quarantine"]
    assert held[1] == "vc02"
    assert (held[-3], held[-2]) == (NIGHTS[0], NIGHTS[1])


def test_notified_problems_follow_the_name(engine: Engine) -> None:
    table = tables.notified_problem
    for name in ("vc01", "vc02"):
        import_documents(engine, history(1), name, NIGHTS[0])
    with db.writing(engine) as connection:
        told = [("a", "vc01", "old"), ("a", "vc02", "new"), ("b", "vc01", "old")]
        db.insert(connection, table, [(*row, NIGHTS[0]) for row in told])
    merge(engine, "vc01", "vc02")
    found = natural.rows(engine)["notified_problem"]
    assert [row[:3] for row in found] == [("a", "vc02", "new"), ("b", "vc02", "old")]
    forget(engine, "vc02")
    assert count(engine, table) == 0


@pytest.mark.parametrize("imports", [1, 8])
def test_forgotten_appliance_leaves_no_import_and_the_schema_as_it_was(
    engine: Engine, imports: int
) -> None:
    """Many imports are deleted with indexes that exist only meanwhile."""
    import_documents(engine, {"kept": job()}, "vc01", seen_at=NIGHTS[0])
    for night in NIGHTS[:imports]:
        import_documents(engine, {night: job()}, "vc02", seen_at=night)
    forget(engine, "vc02")
    assert count(engine, tables.ingest_run) == 1
    assert list(verify.verify(engine)) == []


def test_name_that_exists_is_not_taken(engine: Engine) -> None:
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    import_documents(engine, history(2), "vc02", NIGHTS[0])
    with pytest.raises(UsageError, match="archive appliance merge vc01 vc02"):
        rename(engine, "vc01", "VC02.")
    with pytest.raises(UsageError, match=r'no appliance "vc010" \(did you mean'):
        rename(engine, "vc010", "vc04")
    with pytest.raises(UsageError, match="into itself"):
        merge(engine, "vc01", "vc01")


def test_damaged_job_is_not_merged(engine: Engine) -> None:
    """A merge would give the damage a right digest."""
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    import_documents(engine, history(2), "vc02", NIGHTS[0])
    with db.writing(engine) as connection:
        table = tables.job
        connection.execute(sa.update(table).where(table.c.key == key(1)).values(size_bytes=5))
    before = natural.rows(engine, HOW)
    with pytest.raises(DatabaseError, match="is damaged: run `archive db verify`"):
        merge(engine, "vc01", "vc02")
    assert natural.rows(engine, HOW) == before


def test_nothing_changes_while_a_collection_runs(engine: Engine) -> None:
    """It would bring the old name again."""
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    with db.alone(engine, "collect"), pytest.raises(AlreadyRunningError, match="archive collect"):
        rename(engine, "vc01", "vc02")


def test_import_in_parts_goes_on_after_its_appliance_was_forgotten(engine: Engine) -> None:
    """It remembers numbers of rows between its transactions, and must not use those that went."""
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    run = Run(engine, Source("lines", stream(b""), None, NIGHTS[1]), lambda _: None)
    observed = [
        Observation(
            "vc01",
            key(number),
            parse(json.dumps(job(location=f"nfs://nas/{number}")).encode()),
            SeenInterval(NIGHTS[1], NIGHTS[1], {"SUCCEEDED": NIGHTS[1]}),
            None,
        )
        for number in (1, 2)
    ]
    for number, one in enumerate(observed):
        with db.writing(engine) as connection:
            db.lock(connection, ["calendar"])
            loader = run.loader(connection)
            run.load(connection, loader, [one], [], Counts())
            loader.judged.judge_later(
                connection, NIGHTS[1]
            ) if number == 0 else loader.judged.judge(connection)
            loader.finish(connection)
            loader.received.record(connection)
        if number == 0:
            forget(engine, "vc01")
            import_documents(engine, {key(9): job(location="nfs://other/9")}, "vc09", NIGHTS[1])
    assert list(verify.verify(engine)) == []
    assert {row[0] for row in job_rows(engine, "key")} == {key(2), key(9)}


def test_retired_appliance_expects_nothing_until_that_is_cancelled(engine: Engine) -> None:
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    for day, stored in (("2026-03-05", "2026-03-05T00:00:00.000000Z"), (None, None)):
        retire(engine, "vc01", day)
        with db.reading(engine) as connection:
            (one,) = appliances.listed(connection)
        assert (one.name, one.jobs, one.retired_at) == ("vc01", 1, stored)
        assert list(verify.verify(engine)) == []


def test_every_table_with_names_of_appliances_is_known() -> None:
    """A new one must be renamed, merged and forgotten, too; logs keep them."""
    with_names = {table for table in tables.metadata.sorted_tables if "appliance_name" in table.c}
    assert with_names == {*appliance_rows.NAMED, tables.maintenance, tables.evidence_link}


def test_commands_say_what_they_did(engine: Engine) -> None:
    place = at(engine)
    for name, numbers in (("vc01", (1, 2, 3)), ("10.0.0.5", (1, 2, 3, 4)), ("lab", (9,))):
        import_documents(engine, history(*numbers), name, NIGHTS[0])
    listed = archive("appliance", "list", "--format=csv", place)
    assert listed.out.splitlines()[:2] == [
        "appliance,jobs,first_day,last_day,first_seen,last_seen,retired_at,held_at",
        f"10.0.0.5,4,2026-03-01,2026-03-01,{NIGHTS[0]},{NIGHTS[0]},,",
    ]
    assert "Warning: vc01 and 10.0.0.5 share 3 jobs: if they are one appliance" in listed.err
    assert archive("appliance", "merge", "10.0.0.5", "vc01", "--yes", place).err == (
        "10.0.0.5 is merged into vc01: 1 job moved, 3 known already.\n"
    )
    assert archive("appliance", "rename", "vc01", "VC02", place).err == (
        "vc01 is now vc02: 4 jobs, 2 imports.\n"
    )
    assert archive("appliance", "retire", "vc02", "--from=2026-03-05", place).err == (
        "vc02 is retired: no backup is expected from 2026-03-05 on.\n"
    )
    assert archive("appliance", "retire", "vc02", "--cancel", place).code == 0
    assert archive("appliance", "forget", "lab", place).code == 1
    assert archive("appliance", "forget", "lab", "-y", place).err == (
        "lab is forgotten: 1 job, 1 import deleted.\n"
    )
    log = archive("log", "maintenance", "--format=csv", place).out.splitlines()
    assert [line.split(",")[2:] for line in log[1:]] == [
        ["forget", "lab", "", "1", ""],
        ["retire", "vc02", "", "", "not retired any more"],
        ["retire", "vc02", "", "", "from 2026-03-05 on"],
        ["rename", "vc01", "vc02", "4", ""],
        ["merge", "10.0.0.5", "vc01", "4", ""],
    ]


def test_configured_appliance_is_retired_in_the_configuration(
    engine: Engine, tmp_path: Path
) -> None:
    """The next collection would take back what was recorded here."""
    import_documents(engine, history(1), "vc01", NIGHTS[0])
    path = tmp_path / "archive.toml"
    path.touch(0o600)
    path.write_text('[[appliance]]\nname = "vc01"\naddress = "vc01"\nuser = "u"\nsecret = "s"\n')
    done = archive("appliance", "retire", "vc01", f"--config={path}", at(engine))
    assert done.code == 2
    assert "set `retired` there" in done.err
    renamed = archive("appliance", "rename", "vc01", "vc02", f"--config={path}", at(engine))
    assert f"{path} still has vc01" in renamed.err
