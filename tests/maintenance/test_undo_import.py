"""After an undo the archive is as if the import had never come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.db import tables
from archive.document.appliance_facts import Facts
from archive.errors import UsageError
from archive.maintenance import verify
from archive.maintenance.undo_import import undo
from archive.store import fact_history
from tests.store.test_fact_history import NIGHTLY, WEEKLY
from tests.support import natural
from tests.support.archives import (
    content,
    count,
    each,
    empty,
    import_documents,
    job_rows,
    rows,
)
from tests.support.command import archive, at
from tests.support.everything import collect
from tests.support.laws import EXAMPLES, some
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NIGHTS = [f"2026-03-{day:02}T03:00:00.000000Z" for day in range(1, 10)]


def key(number: int) -> str:
    return f"20260301-02{number:02}00-1"


def history(*numbers: int) -> dict[str, Any]:
    return {key(number): job() for number in numbers}


def without_import_numbers(engine: Engine) -> Any:
    found = content(engine)
    return {name: found[name] for name in found if name not in ("builds", "locations")}


def imported(engine: Engine, imports: list[tuple[str, dict[str, Any], str]]) -> list[int]:
    return [
        import_documents(engine, jobs, appliance, seen_at).run
        for appliance, jobs, seen_at in imports
    ]


IMPORTS: dict[str, tuple[list[tuple[str, dict[str, Any], str]], int]] = {
    "the only one": ([("vc01", history(1, 2), NIGHTS[0])], 0),
    "the wrong appliance": (
        [
            ("vc01", history(1, 2), NIGHTS[0]),
            ("vc01", history(7, 8, 9), NIGHTS[1]),
            ("vc01", history(1, 2, 3), NIGHTS[2]),
        ],
        1,
    ),
    "the last one": (
        [("vc01", history(1, 2), NIGHTS[0]), ("vc01", history(1, 2, 3), NIGHTS[1])],
        1,
    ),
    "the first one": (
        [("vc01", history(1, 2), NIGHTS[0]), ("vc01", history(1, 2, 3), NIGHTS[1])],
        0,
    ),
    "at the same time as another one": (
        [
            ("vc01", history(1, 2), NIGHTS[0]),
            ("vc01", history(1, 2, 3), NIGHTS[1]),
            ("vc01", history(7, 8), NIGHTS[1]),
        ],
        2,
    ),
    "the same one with an earlier time": (
        [("vc01", history(1, 2), NIGHTS[1]), ("vc01", history(1, 2), NIGHTS[0])],
        1,
    ),
    "another appliance beside it": (
        [("vc01", history(1, 2), NIGHTS[0]), ("vc02", history(1, 2), NIGHTS[1])],
        1,
    ),
    "a clock that was ahead": (
        [
            ("vc01", history(1, 2), NIGHTS[0]),
            ("vc01", history(1, 2, 3), "2999-01-01T00:00:00.000000Z"),
        ],
        1,
    ),
}


@pytest.mark.parametrize("case", some(IMPORTS, 3))
def test_undone_import_leaves_no_trace(engine: Engine, case: str) -> None:
    imports, undone = IMPORTS[case]
    others = [one for place, one in enumerate(imports) if place != undone]
    imported(engine, others)
    expected = without_import_numbers(engine)
    empty(engine)
    numbers = imported(engine, imports)
    undo(engine, numbers[undone])
    assert without_import_numbers(engine) == expected
    assert list(verify.verify(engine)) == []


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_import_of_a_growing_history_can_be_undone(
    sqlite_archive: Engine, data: st.DataObject
) -> None:
    """Each answer has all jobs so far, as vCenter gives them, or those of another appliance."""
    nights = data.draw(st.integers(1, 6))
    imports = [
        ("vc01", history(*range(night + 1)), NIGHTS[night])
        if data.draw(st.booleans())
        else ("vc01", history(30 + night, 31 + night), NIGHTS[night])
        for night in range(nights)
    ]
    undone = data.draw(st.integers(0, nights - 1))
    for engine in each([sqlite_archive]):
        imported(engine, [one for place, one in enumerate(imports) if place != undone])
        expected = sorted(job_rows(engine, "key", "day"))
    for engine in each([sqlite_archive]):
        undo(engine, imported(engine, imports)[undone])
        assert sorted(job_rows(engine, "key", "day")) == expected
        assert list(verify.verify(engine)) == []


@pytest.mark.parametrize("nights", [(0, 1), (1, 0)])
def test_day_of_a_job_without_a_start_follows_what_is_left(
    engine: Engine, nights: tuple[int, int]
) -> None:
    """Its day is that on which it was seen first, by the imports that were not undone."""
    jobs = {"nightly": job("PENDING", start_time=None), **history(1)}
    numbers = imported(engine, [("vc01", jobs, NIGHTS[night]) for night in nights])
    undo(engine, numbers[nights.index(0)])
    assert set(job_rows(engine, "day")) >= {(NIGHTS[1][:10],)}
    assert list(verify.verify(engine)) == []


def test_job_that_lines_of_many_appliances_brought_again_stays(engine: Engine) -> None:
    """It was then seen first with them, also if a later import of the appliance lacks it."""
    number = import_documents(engine, history(1), "vc01", NIGHTS[0]).run
    line = json.dumps({"appliance": "vc01", "job": key(1), "info": job()}).encode()
    import_documents(engine, line, None, NIGHTS[1], name="fleet.jsonl")
    import_documents(engine, history(2), "vc01", NIGHTS[3])
    undo(engine, number)
    assert {row[:2] for row in job_rows(engine, "key", "first_seen")} == {
        (key(1), NIGHTS[1]),
        (key(2), NIGHTS[3]),
    }
    assert list(verify.verify(engine)) == []


@pytest.mark.parametrize("undone", [0, 1])
def test_collections_agree_with_an_undone_import(engine: Engine, undone: int) -> None:
    """The log keeps the attempt. With its only import an appliance goes, too."""
    for name in ("vc01", "vc02"):
        collect(engine, name, history(1), Facts(None, "UTC", ()), NIGHTS[0])
    collect(engine, "vc01", history(1, 2), Facts(None, "UTC", ()), NIGHTS[1])
    numbers = sorted(row[0] for row in rows(engine, sa.select(tables.ingest_run.c.id)))
    undo(engine, numbers[1 + undone])
    assert list(verify.verify(engine)) == []


_FACTS = [Facts(None, zone, (found,)) for zone, found in (("UTC", NIGHTLY), ("CET", WEEKLY))]


@pytest.mark.parametrize(
    ("answers", "undone"),
    [("aaa", 0), ("aaa", 1), ("aaa", 2), ("abb", 1), ("aba", 1), ("bab", 0), ("abc", 1)],
)
def test_history_is_that_of_the_other_answers(engine: Engine, answers: str, undone: int) -> None:
    """What later collections answered, too, stays; the third answer has no schedules."""
    facts = dict(zip("abc", [*_FACTS, Facts(None, "UTC", ())], strict=True))
    nights = [
        (facts[answer], history(*range(night + 1)), NIGHTS[night])
        for night, answer in enumerate(answers)
    ]
    for answered, jobs, seen_at in nights[:undone] + nights[undone + 1 :]:
        collect(engine, "vc01", jobs, answered, seen_at)
    expected = _histories(engine)
    empty(engine)
    for answered, jobs, seen_at in nights:
        collect(engine, "vc01", jobs, answered, seen_at)
    numbers = sorted(row[0] for row in rows(engine, sa.select(tables.ingest_run.c.id)))
    undo(engine, numbers[undone])
    assert _histories(engine) == expected
    assert list(verify.verify(engine)) == []


def _histories(engine: Engine) -> list[Any]:
    found = natural.rows(engine)
    return [found[table.name] for table in fact_history.HISTORIES]


def test_undone_import_can_come_again(engine: Engine) -> None:
    number = import_documents(engine, history(1, 2), "vc01", NIGHTS[0]).run
    before = without_import_numbers(engine)
    undo(engine, number)
    assert import_documents(engine, history(1, 2), "vc01", NIGHTS[0]).counts.new == 2
    assert without_import_numbers(engine) == before


def test_import_that_replaced_documents_is_not_undone(engine: Engine) -> None:
    """Their earlier state is not kept."""
    import_documents(engine, {key(1): job("RUNNING")}, "vc01", NIGHTS[0])
    number = import_documents(engine, history(1, 2), "vc01", NIGHTS[1]).run
    before = without_import_numbers(engine)
    with pytest.raises(UsageError, match="replaced the documents of 1 job that other imports"):
        undo(engine, number)
    assert without_import_numbers(engine) == before


def test_status_that_only_the_undone_import_saw_is_forgotten(engine: Engine) -> None:
    number = import_documents(engine, {key(1): job("RUNNING")}, "vc01", NIGHTS[0]).run
    import_documents(engine, history(1), "vc01", NIGHTS[1])
    undo(engine, number)
    after = without_import_numbers(engine)
    empty(engine)
    import_documents(engine, history(1), "vc01", NIGHTS[1])
    assert without_import_numbers(engine) == after


def test_texts_that_only_the_undone_import_had_are_removed(engine: Engine) -> None:
    def said(text: str) -> dict[str, Any]:
        params = {text: {"s": text}}
        return job(
            messages=[{"id": "m", "default_message": text, "args": [text], "params": params}]
        )

    import_documents(engine, {key(1): said("ours")}, "vc01", NIGHTS[0])
    wrong = {key(2): said("theirs"), key(3): said("ours")}
    undo(engine, import_documents(engine, wrong, "vc01", NIGHTS[1]).run)
    for column in (tables.message_arg.c.value, tables.message_param.c.s):
        assert rows(engine, sa.select(column)) == [("ours",)]
    assert count(engine, tables.message_content) == 3  # with those of description and progress


def test_command_asks_and_says_what_it_did(engine: Engine) -> None:
    number = str(import_documents(engine, history(1, 2), "vc01", NIGHTS[0]).run)
    place = at(engine)
    assert archive("import", "undo", "99", "--yes", place).err == (
        "archive: no import 99: see `archive log imports`\n"
    )
    done = archive("import", "undo", number, "--yes", place)
    assert done == (0, "", f"Import {number} is undone: 2 jobs deleted.\n")
    assert (
        f"import {number} is undone already" in archive("import", "undo", number, "-y", place).err
    )
    assert "undone" in archive("import", "list", place).out
