from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.calendar import Calendar
from archive.maintenance import change_calendar, verify
from archive.maintenance.verify_sample import Sample
from tests.support.archives import created, import_documents
from tests.support.command import archive, at
from tests.support.laws import some
from tests.support.samples import BASE, SAMPLES, job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

KEY = "20260723-021500-25148086"
CHANGED = f"job {KEY} of vc01: the document is not the one that was archived"
FAILED = job(
    "FAILED",
    error={"messages": [], "data": {"a": 1}},
    messages=[{"id": "m", "default_message": "x", "args": ["a"], "params": {"k": {"l": {"id": "n", "params": {"in": {"i": 1}}}}}}],
)  # fmt: skip


def execute(engine: Engine, *statements: str) -> None:
    with db.writing(engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def of_jobs(engine: Engine) -> list[str]:
    """Return the problems of single jobs."""
    return [sentence for sentence in verify.verify(engine) if sentence.startswith("job ")]


def test_sound_archive_has_no_problems(engine: Engine) -> None:
    """After imports of all kinds there are no problems, and progress is reported up to the end."""
    import_documents(engine, SAMPLES | {"irregular": job(new=1), "bad": {"no": "job"}})
    import_documents(engine, {f"job-{number}": job("PENDING") for number in range(1000)}, "vc02")
    progress: list[float] = []
    assert list(verify.verify(engine, progress.append)) == []
    assert progress == sorted(progress)
    assert progress[-1] == 0.4 + 0.6 * 1000 / 1012


def test_sample_finds_damage_of_its_jobs_alone(engine: Engine) -> None:
    """Two samples that together are the whole find each damaged job once; shared rows are in both."""
    import_documents(engine, {f"job-{number}": BASE for number in range(10)})
    execute(engine, "UPDATE job SET key = key || 'x', size_bytes = 1", "DELETE FROM job_status")
    execute(engine, "UPDATE appliance SET seal = seal || seal")
    halves = [list(verify.verify(engine, sample=Sample(2, rest))) for rest in (0, 1)]
    changed = [[one for one in half if "not the one that was archived" in one] for half in halves]
    assert [len(one) for one in changed] == [5, 5]
    assert len({*changed[0], *changed[1]}) == 10
    assert [sum("wrong key" in one for one in half) for half in halves] == [5, 5]
    assert all(any(one.startswith("appliance (id ") for one in half) for half in halves)


@pytest.mark.parametrize(
    "damage",
    some(
        [
            "UPDATE message_template SET default_message = 'other' WHERE message_id = 'd'",
            "UPDATE job SET size_bytes = 1",
            "UPDATE job SET status = 'SUCCEEDED'",
            "UPDATE job SET start_time = '2026-03-01T02:15:00.000001Z'",
            "UPDATE location SET url = 'sftp://elsewhere'",
            "UPDATE operation SET service = NULL",
            "UPDATE job SET location_id = NULL",
            "UPDATE message SET role = 3 WHERE role = 2",
            "DELETE FROM message WHERE role = 2",
            "DELETE FROM message WHERE role = 1",
            "UPDATE message_arg SET value = 'b'",
            "DELETE FROM message_arg",
            "UPDATE message_param SET i = 2 WHERE i = 1",
            "UPDATE message_param SET nested_has_params = NULL",
            "UPDATE message_param SET nested_id = NULL",
            "DELETE FROM message_param WHERE parent_seq IS NOT NULL",
            "UPDATE job_error SET data = '2'",
            "UPDATE job_error SET data = 'x'",
            "UPDATE job_error SET has_messages = false",
            "DELETE FROM job_error",
        ],
        5,
    ),
)
def test_each_change_of_a_document_is_found(engine: Engine, damage: str) -> None:
    """Any changed or missing row of a document is found."""
    import_documents(engine, {KEY: FAILED, "other": job("PENDING")})
    execute(engine, damage)
    assert CHANGED in list(verify.verify(engine))


def test_rows_beside_a_kept_document_are_checked(engine: Engine) -> None:
    """The rows of a document that is kept as a whole must agree with it."""
    import_documents(engine, {KEY: BASE | {"new": 1}})
    execute(engine, "UPDATE job SET location_user = 'other'")
    assert list(verify.verify(engine)) == [
        f"job {KEY} of vc01: the rows do not match the stored document"
    ]


@pytest.mark.parametrize(
    "damage",
    some(
        [
            "UPDATE irregular_document SET document = replace(document, 'new', 'old')",
            "UPDATE irregular_document SET document = ''",
            "DELETE FROM irregular_document",
            "UPDATE irregular_document SET document = 'x', job_id = 1",
        ],
        2,
    ),
)
def test_changed_kept_document_is_found(engine: Engine, damage: str) -> None:
    """A changed kept document is found by its digest."""
    import_documents(engine, {KEY: BASE | {"new": 1}})
    execute(engine, damage)
    assert [one for one in verify.verify(engine) if "malformed" not in one] == [CHANGED]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            "UPDATE job SET day = '2026-07-22'",
            "the day is 2026-07-22, but by the calendar 2026-07-23",
        ),
        ("DELETE FROM job_status", "no time is stored for its status SUCCEEDED"),
        ("INSERT INTO setting (name, value) VALUES ('calendar.day_start', '16:00')",
         "the day is 2026-07-23, but by the calendar 2026-07-22"),
    ],
)  # fmt: skip
def test_derived_values_are_checked(engine: Engine, damage: str, found: str) -> None:
    """A wrong day, and a status without a time, are found."""
    import_documents(engine, {KEY: BASE})
    execute(engine, damage)
    assert of_jobs(engine) == [f"job {KEY} of vc01: {found}"]


def test_missing_findings_are_found(engine: Engine) -> None:
    """Every rule that a document breaks must be recorded as a finding."""
    import_documents(engine, {KEY: BASE | {"duration": 1}, "other": BASE | {"new": 1}})
    execute(engine, "DELETE FROM job_finding")
    sentence = "the findings do not match the document"
    assert of_jobs(engine) == [f"job {key} of vc01: {sentence}" for key in (KEY, "other")]


def test_two_problems_are_two_sentences(engine: Engine) -> None:
    """Each problem of a sound document is reported separately."""
    import_documents(engine, {KEY: BASE, "other": job("PENDING")})
    execute(engine, "DELETE FROM job_status", "UPDATE job SET day = '2026-01-01'")
    assert len(of_jobs(engine)) == 4


def test_days_with_a_wrong_start_are_found(engine: Engine) -> None:
    """A day whose start disagrees with the calendar is reported, with the command that fixes it."""
    change_calendar.change_calendar(engine, Calendar("Europe/Berlin"))
    execute(
        engine,
        "UPDATE calendar SET start_time = '2026-07-01T00:00:00.000000Z' WHERE month = '2026-07'",
    )
    advice = "run `archive db calendar --time-zone Europe/Berlin`"
    found = [one for one in verify.verify(engine) if "malformed" not in one]
    assert found[0] == f"calendar (day 2026-07-01): wrong start_time: {advice}"
    assert found[10:] == [f"calendar: 21 more rows: wrong start_time: {advice}"]
    change_calendar.change_calendar(engine, Calendar("Europe/Berlin"))
    assert list(verify.verify(engine)) == []


def test_changed_schema_is_found(tmp_path: Path) -> None:
    """Columns and indexes that somebody has added or dropped are found, not tables of other programs."""
    engine = created(tmp_path / "archive.db")
    execute(
        engine,
        "ALTER TABLE appliance ADD COLUMN note TEXT",
        "DROP INDEX ix_job_day",
        "CREATE TABLE theirs (id INTEGER)",
    )
    found = list(verify.verify(engine))
    advice = "create a new archive, and copy this one into it with `archive db copy`"
    assert found == [
        f"schema: index ix_job_day is missing: {advice}",
        f"schema: table appliance differs from this version: {advice}",
    ]


def test_broken_references_are_found(tmp_path: Path) -> None:
    """A row that refers to a missing one is reported, and so is each incomplete document."""
    engine = created(tmp_path / "archive.db")
    build = {"version_name": "9", "version": "9", "build_number": "9"}
    import_documents(engine, {KEY: FAILED | {"build": build}})
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for table in ("location", "build", "operation", "message_template"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM message_content WHERE id = 1")
    found = list(verify.verify(engine))
    assert found[-1] == CHANGED
    assert {one.split(": ")[1] for one in found[:-1]} == {
        "refers to a missing row of location by location_id",
        "refers to a missing row of build by build_id",
        "refers to a missing row of operation by operation_id",
        "refers to a missing row of message_template by template_id",
        "refers to a missing row of message_content by appliance_id and content_id",
    }


def test_damaged_file_is_found(tmp_path: Path) -> None:
    """The result of SQLite's integrity check is reported, or that the file cannot be read."""
    path = tmp_path / "archive.db"
    engine = created(path)
    import_documents(engine, SAMPLES)
    with engine.connect() as connection:
        root = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_job_day'"
        ).scalar_one()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    data = bytearray(path.read_bytes())
    place = (root - 1) * size
    data[place + 3 : place + 5] = b"\0\1"  # the index loses all entries but one
    path.write_bytes(data)
    assert [one for one in verify.verify(engine) if "ix_job_day" in one]


def test_status_with_a_password_is_no_damage(engine: Engine) -> None:
    """Findings quote a status with the password hidden, and are compared in that form."""
    import_documents(engine, {"k": job("password=Zq7x"), "l": job("ftp://u:Zq7x@nas/x", new=1)})
    assert list(verify.verify(engine)) == []


def test_value_that_no_driver_reads_is_named(engine: Engine) -> None:
    """A text that is not UTF-8 (SQLite) or a time at infinity (PostgreSQL) is named, as other damage."""
    import_documents(engine, {KEY: BASE})
    value = {"sqlite": "CAST(x'ff' AS TEXT)", "postgresql": "'infinity'"}[engine.dialect.name]
    execute(engine, f"UPDATE appliance SET last_seen = {value}")
    assert any(
        re.match(r"appliance \(id \d+\): wrong last_seen: ", one) for one in verify.verify(engine)
    )
    said = archive("report", "summary", at(engine)).err
    assert "a value cannot be read; `archive db verify` names damaged values" in said
