from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document.appliance_facts import Facts
from archive.errors import DatabaseError, InputError
from archive.ingest.answer_run import ingest_answer
from archive.ingest.run import Source
from archive.maintenance import verify
from archive.store import collection_log, fact_history
from archive.store.collection_log import Attempt, Brought
from tests.support.archives import SEEN, count, empty, import_documents, rows, stream
from tests.support.laws import some
from tests.support.samples import SAMPLES, api

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


LATER = "2026-07-24T12:00:05.000000Z"
TIMES = [f"2026-07-{day}T12:00:00.000000Z" for day in range(20, 30)]


def answered(engine: Engine, collection: int, name: str, outcome: str = "complete") -> None:
    """Archive an answer with one job as `archive collect` does."""
    reason = None if outcome == "complete" else "one document is in quarantine"
    source = Source(name, stream(api(**SAMPLES)), name, SEEN)
    with ingest_answer(engine, source) as answer:
        attempt = Attempt(name, SEEN, LATER, outcome, reason, answer.run_id)
        collection_log.record(answer.connection, collection, attempt)


def failed(engine: Engine, collection: int, name: str, outcome: str = "failed") -> None:
    attempt = Attempt(name, SEEN, None, outcome, "it did not answer\x00", None)
    collection_log.record_failure(engine, collection, attempt)


def found(engine: Engine) -> list[collection_log.Collection]:
    with db.reading(engine) as connection:
        return collection_log.collections(connection)


@pytest.mark.parametrize(
    ("ended", "outcome", "counts"),
    some(
        [
            (["complete", "complete"], "complete", (2, 0, 0)),
            (["complete", "partial"], "partial", (1, 1, 0)),
            (["complete", "failed"], "partial", (1, 0, 1)),
            (["partial", "partial"], "partial", (0, 2, 0)),
            (["failed", "failed"], "failed", (0, 0, 2)),
            (["complete", "interrupted"], "interrupted", (1, 0, 0)),
            (["complete"], "interrupted", (1, 0, 0)),
            ([], "interrupted", (0, 0, 0)),
        ],
        3,
    ),
)
def test_result_of_a_collection(
    engine: Engine, ended: list[str], outcome: str, counts: tuple[int, ...]
) -> None:
    """The result of a collection of two appliances depends on their outcomes, and counts them."""
    number = collection_log.begin(engine, 2)
    assert [one[3:] for one in found(engine)] == [("running", 2, 0, 0, 0)]
    for place, how in enumerate(ended):
        act = answered if how in ("complete", "partial") else failed
        act(engine, number, f"vc{place}", how)
    done = collection_log.finish(engine, number)
    assert (done.id, done.outcome, done[4:]) == (number, outcome, (2, *counts))
    assert done.finished
    assert done.finished >= done.started
    assert found(engine) == [done]
    assert list(verify.verify(engine)) == []


def test_empty_fleet_is_complete(engine: Engine) -> None:
    """A collection without appliances has no failures."""
    assert collection_log.finish(engine, collection_log.begin(engine, 0)).outcome == "complete"


def test_collection_that_lost_its_process_is_interrupted(engine: Engine) -> None:
    """A collection without an end when the next one begins has died; its attempts count."""
    lost = collection_log.begin(engine, 3)
    answered(engine, lost, "vc01")
    failed(engine, lost, "vc02")
    done = collection_log.finish(engine, collection_log.begin(engine, 0))
    newest, before = found(engine)
    assert newest == done
    assert before[2:] == (None, "interrupted", 3, 1, 0, 1)


def test_attempts_of_a_collection(engine: Engine) -> None:
    """Each attempt has its outcome, and its import the counts."""
    first = collection_log.begin(engine, 2)
    answered(engine, first, "vc02")
    second = collection_log.begin(engine, 2)
    answered(engine, second, "vc02")
    failed(engine, second, "vc01")
    with db.reading(engine) as connection:
        attempts = collection_log.attempts(connection, second)
        assert collection_log.attempts(connection, 9) == []
    assert attempts == [
        (Attempt("vc01", SEEN, None, "failed", "it did not answer\ufffd", None), None),
        (Attempt("vc02", SEEN, LATER, "complete", None, 2), Brought(11, 0, 0, 11, 0)),
    ]


def test_order_of_appliances(engine: Engine) -> None:
    """Appliances that never answered come first, then by the age of the last answer."""

    def tell(collection: int, name: str, time: str, outcome: str) -> None:
        run_id = None
        if outcome == "complete":
            run_id = import_documents(engine, SAMPLES, name, time).run
        reason = None if run_id else "no route"
        collection_log.record_failure(
            engine,
            collection,
            Attempt(name, time, time if run_id else None, outcome, reason, run_id),
        )

    with db.reading(engine) as connection:
        assert collection_log.standings(connection) == []
    outcomes_by_name: dict[str, list[str | None]] = {
        "always": ["complete"] * 3,
        "lately": ["failed", "complete", "failed"],
        "early": ["complete", "failed", "interrupted"],
        "never": ["failed"] * 3,
        "new": [None, None, "failed"],
    }
    for place in range(3):
        collection = collection_log.begin(engine, 5)
        for name, outcomes in outcomes_by_name.items():
            outcome = outcomes[place]
            if outcome is not None:
                tell(collection, name, TIMES[place], outcome)
    with db.reading(engine) as connection:
        standings = collection_log.standings(connection)
    new, unchanged = Brought(11, 11, 0, 0, 0), Brought(11, 0, 0, 11, 0)
    assert standings == [
        ("never", TIMES[2], None, "failed", "no route", None),
        ("new", TIMES[2], None, "failed", "no route", None),
        ("early", TIMES[2], TIMES[0], "interrupted", "no route", new),
        ("lately", TIMES[2], TIMES[1], "failed", "no route", new),
        ("always", TIMES[2], TIMES[2], "complete", None, unchanged),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        Attempt("vc01", SEEN, LATER, "complete", "why", 1),
        Attempt("vc01", SEEN, None, "failed", None, None),
        Attempt("vc01", SEEN, LATER, "complete", None, None),
        Attempt("vc01", SEEN, LATER, "failed", "why", 1),
        Attempt("vc01", SEEN, None, "complete", None, 1),
        Attempt("vc01", LATER, SEEN, "failed", "why", None),
        Attempt("vc01", SEEN, None, "running", "why", None),
        Attempt("", SEEN, None, "failed", "why", None),
        Attempt("vc02", SEEN, None, "failed", "why", None),
    ],
)
def test_contradictory_attempts_are_refused(engine: Engine, wrong: Attempt) -> None:
    """An attempt that contradicts itself, or that is recorded already, is refused."""
    collection = collection_log.begin(engine, 2)
    import_documents(engine, SAMPLES, "vc01")
    failed(engine, collection, "vc02")
    with pytest.raises(DatabaseError):
        collection_log.record_failure(engine, collection, wrong)


@pytest.mark.parametrize(
    ("damage", "said"),
    some([
        (
            "UPDATE attempt SET run_id = 2 WHERE appliance_name = 'vc01'",
            "vc01: import 2 does not match collection 1",
        ),
        (
            "UPDATE ingest_run SET outcome = 'failed' WHERE id = 1",
            "vc01: import 1 does not match collection 1",
        ),
        (
            "UPDATE ingest_run SET appliance_id = NULL WHERE id = 2",
            "vc02: import 2 does not match collection 1",
        ),
        ("DELETE FROM attempt WHERE run_id IS NULL", "collection 1: the counts do not match the attempts"),
        ("UPDATE collection SET partial = 1", "collection 1: the counts do not match the attempts"),
    ], 2),
)  # fmt: skip
def test_contradictions_are_found(engine: Engine, damage: str, said: str) -> None:
    """Verification finds an attempt with another appliance's import, and wrong counts."""
    collection = collection_log.begin(engine, 3 + 1)
    answered(engine, collection, "vc01")
    answered(engine, collection, "vc02")
    failed(engine, collection, "vc03")
    collection_log.finish(engine, collection)
    assert list(verify.verify(engine)) == []
    with db.writing(engine) as connection:
        connection.execute(sa.text(damage))
    assert said in list(verify.verify(engine))


def test_answer_and_facts_are_one_transaction(engine: Engine) -> None:
    """If writing facts fails, the answer is rolled back, too; the log of imports has the reason."""
    recorded: list[tuple[int, int, int]] = []

    def archived() -> None:
        source = Source("vc01", stream(api(**SAMPLES)), "vc01", SEEN)
        with ingest_answer(engine, source) as answer:
            recorded.append((answer.appliance_id, answer.run_id, answer.counts.new))
            facts = Facts(None, "UTC", None)
            fact_history.record(answer.connection, answer.appliance_id, facts, SEEN)
            if answer.run_id == 1:
                raise InputError("the schedules are none")

    with pytest.raises(InputError, match="vc01: the schedules are none"):
        archived()
    for table in (tables.job, tables.appliance, tables.system_time_zone):
        assert count(engine, table) == 0
    run = tables.ingest_run.c
    assert rows(engine, sa.select(run.outcome, run.error)) == [
        ("failed", "vc01: the schedules are none")
    ]
    archived()
    assert recorded == [(1, 1, 11), (1, 2, 11)]
    assert count(engine, tables.system_time_zone) == 1


def test_writing_facts_does_not_lock_day_totals(postgresql_archive: Engine) -> None:
    """Writing facts may wait for shared texts, so the totals must not be locked yet."""
    empty(postgresql_archive)
    source = Source("vc01", stream(api(**SAMPLES)), "vc01", SEEN)
    with (
        ingest_answer(postgresql_archive, source),
        db.writing(postgresql_archive) as connection,
    ):
        db.lock(connection, ["totals"])  # fails if it has to wait for long


@pytest.mark.parametrize(("data", "appliance"), [(b"{}\n{}\n", "vc01"), (api(**SAMPLES), None)])
def test_facts_need_an_answer_of_one_appliance(
    engine: Engine, data: bytes, appliance: str | None
) -> None:
    """JSON Lines, and an answer without an appliance, are refused together with facts."""
    source = Source("vc01", stream(data), appliance, SEEN)
    with (
        pytest.raises(InputError, match="vc01: not the answer of a single appliance"),
        ingest_answer(engine, source),
    ):
        raise AssertionError
