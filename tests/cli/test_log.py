from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables
from archive.store import collection_log
from archive.store.collection_log import Attempt
from tests.support.archives import import_documents
from tests.support.command import archive, at
from tests.support.samples import SAMPLES, job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

MONDAY, TUESDAY, WEDNESDAY = (f"2026-07-{day}T03:00:00.000000Z" for day in (20, 21, 22))
AFTER = {day: day.replace("T03:00:00", "T03:00:02") for day in (MONDAY, TUESDAY, WEDNESDAY)}
NONE = dict.fromkeys(("seen", "new", "changed", "unchanged", "quarantined"))


def ask(
    engine: Engine, collection: int, name: str, day: str, answer: dict[str, Any] | None
) -> None:
    """Record an attempt at an appliance, and its answer if it gave one."""
    attempt = Attempt(name, day, None, "failed", "no route to host", None)
    if answer is not None:
        run = import_documents(engine, answer, name, day, name=f"https://{name}")
        attempt = Attempt(name, day, AFTER[day], "complete", None, run.run)
        if run.counts.quarantined:
            attempt = attempt._replace(outcome="partial", reason="1 document is in quarantine")
    collection_log.record_failure(engine, collection, attempt)


@pytest.fixture
def place(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the option that names an archive with three collections, the last of them still running."""
    days = {
        MONDAY: (SAMPLES, None),
        TUESDAY: (None, None),
        WEDNESDAY: (None, {"a": job(), "b": {}}),
    }
    for day, answers in days.items():
        monkeypatch.setattr(timestamps, "now", lambda day=day: day)
        collection = collection_log.begin(engine, 3 if day == WEDNESDAY else 2)
        for name, answer in zip(("vc01", "vc02"), answers, strict=True):
            ask(engine, collection, name, day, answer)
        if day != WEDNESDAY:
            monkeypatch.setattr(timestamps, "now", lambda day=day: AFTER[day])
            collection_log.finish(engine, collection)
    monkeypatch.undo()
    return at(engine)


def shown(*arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(archive(*arguments, "--format", "json").out)
    return rows


def test_collections_are_listed(place: str, tmp_path: Path) -> None:
    """Each collection has its time, its result, and the number of appliances by outcome."""
    expected = [
        {"number": 3, "started": WEDNESDAY, "finished": None, "outcome": "running",
         "asked": 3, "complete": 0, "partial": 0, "failed": 0},
        {"number": 2, "started": TUESDAY, "finished": AFTER[TUESDAY], "outcome": "failed",
         "asked": 2, "complete": 0, "partial": 0, "failed": 2},
        {"number": 1, "started": MONDAY, "finished": AFTER[MONDAY], "outcome": "partial",
         "asked": 2, "complete": 1, "partial": 0, "failed": 1},
    ]  # fmt: skip
    assert shown("log", "collections", place) == expected
    path = tmp_path / "collections.csv"
    assert archive("log", "collections", "-f", "csv", "-o", str(path), place) == (0, "", "")
    listed = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    assert [row["number"] for row in listed] == ["3", "2", "1"]
    table = archive("log", "collections", place).out.splitlines()
    assert table[2].split() == ["3", "2026-07-22", "03:00:00Z", "-", "running", "3", "0", "0", "0"]


def test_only_the_newest_collections_are_listed(place: str) -> None:
    """The limit applies to the newest, and a note says that there are more."""
    done = archive("log", "collections", "--limit", "2", "-f", "json", place)
    assert [row["number"] for row in json.loads(done.out)] == [3, 2]
    assert done.err == "Newest 2 collections shown. List all with --limit 0.\n"
    for limit in ("0", "3"):
        done = archive("log", "collections", "--limit", limit, "-f", "json", place)
        assert (len(json.loads(done.out)), done.err) == (3, "")
    done = archive("log", "imports", "-n", "1", "-f", "json", place)
    assert [row["source"] for row in json.loads(done.out)] == ["https://vc02"]
    assert done.err == "Newest 1 import shown. List all with --limit 0.\n"


def test_collection_is_shown(place: str) -> None:
    """Each appliance of a collection has its outcome; the default is the newest collection."""
    brought = {"seen": 11, "new": 11, "changed": 0, "unchanged": 0, "quarantined": 0}
    done = archive("log", "show", "1", "-f", "json", place)
    assert done.err == "Collection 1 of 2026-07-20 03:00:00Z: partial, 2 of 2 appliances tried.\n"
    assert json.loads(done.out) == [
        {"appliance": "vc01", "asked": MONDAY, "answered": AFTER[MONDAY], "outcome": "complete",
         "reason": None, **brought},
        {"appliance": "vc02", "asked": MONDAY, "answered": None, "outcome": "failed",
         "reason": "no route to host", **NONE},
    ]  # fmt: skip
    done = archive("log", "show", "-f", "json", place)
    assert done.err == "Collection 3 of 2026-07-22 03:00:00Z: running, 2 of 3 appliances tried.\n"
    assert [row["quarantined"] for row in json.loads(done.out)] == [None, 1]


def test_appliances_are_listed(place: str, engine: Engine) -> None:
    """The appliance with the oldest answer comes first, with its latest outcome."""
    ask(engine, 3, "vc03", WEDNESDAY, None)
    rows = shown("log", "appliances", place)
    assert [(row["appliance"], row["last_answered"], row["seen"]) for row in rows] == [
        ("vc03", None, None),
        ("vc01", AFTER[MONDAY], 11),
        ("vc02", AFTER[WEDNESDAY], 2),
    ]
    assert rows[1] == {
        "appliance": "vc01", "last_asked": WEDNESDAY, "last_answered": AFTER[MONDAY],
        "outcome": "failed", "reason": "no route to host",
        "seen": 11, "new": 11, "changed": 0, "unchanged": 0, "quarantined": 0,
    }  # fmt: skip


def test_imports_are_listed(place: str, engine: Engine) -> None:
    """The log of imports has files as well as answers; appliances can be selected."""
    import_documents(engine, SAMPLES, "vc09", name="file.json")
    rows = shown("log", "imports", place)
    assert [(row["source"], row["appliance"]) for row in rows] == [
        ("file.json", "vc09"), ("https://vc02", "vc02"), ("https://vc01", "vc01"),
    ]  # fmt: skip
    run = tables.ingest_run.c
    with db.reading(engine) as connection:
        query = sa.select(run.started, run.finished).where(run.id == 2)
        started, finished = connection.execute(query).one()
    assert rows[1] == {
        "number": 2, "source": "https://vc02", "appliance": "vc02", "started": started,
        "finished": finished, "outcome": "complete", "error": None, "seen": 2, "new": 1,
        "changed": 0, "unchanged": 0, "findings": 0, "quarantined": 1, "pruned": 0,
    }  # fmt: skip
    some = shown("log", "imports", "--appliance", "vc0[19]", place)
    assert [row["appliance"] for row in some] == ["vc09", "vc01"]
    done = archive("log", "imports", "--appliance", "vc7", place)
    assert (done.code, done.out) == (2, "")
    assert 'no appliance matches "vc7"' in done.err


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("collections", "No collections yet."),
        ("show", "No collections yet."),
        ("appliances", "No collections yet."),
        ("imports", "No imports yet."),
    ],
)
def test_empty_lists(engine: Engine, verb: str, said: str) -> None:
    """An empty list is a header and a note."""
    done = archive("log", verb, at(engine))
    assert (done.code, done.out.count("\n"), done.err) == (0, 2, f"{said}\n")
    assert archive("log", verb, "-f", "json", at(engine)).out == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "9"], "archive: no collection 9: see `archive log collections`\n"),
        (["show", "0"], "Invalid value"),
        (["show", "99999999999999999999"], "Invalid value"),
        (["collections", "--limit", "-1"], "Invalid value"),
        (["collections", "--limit", "9223372036854775807"], "Invalid value"),
    ],
)
def test_unknown_collection_number(place: str, arguments: list[str], said: str) -> None:
    """An unknown or invalid number gives code 2."""
    done = archive("log", *arguments, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
