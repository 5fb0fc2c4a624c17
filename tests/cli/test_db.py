from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive import db
from archive.config import file
from archive.db import migrate, tables
from archive.maintenance import verify_sample
from tests.support import postgres
from tests.support.archives import empty, import_documents, rows
from tests.support.command import archive, at
from tests.support.laws import some
from tests.support.samples import BASE, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

KEY = "20260723-021500-25148086"


@pytest.fixture(params=["sqlite", "postgresql"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database in which there is no archive, on each database in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/folder/archive.db"
    else:
        with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
            yield url


def test_archive_is_created_and_upgraded(nowhere: str) -> None:
    """`db upgrade` creates the archive, `db current` shows its revision; a second upgrade does nothing."""
    place = migrate.describe(migrate.connect(nowhere))
    assert archive("db", "current", "-d", nowhere) == (0, "none\n", "")
    made = f"The archive at {place} now has schema {migrate.HEAD}.\n"
    assert archive("db", "upgrade", "-d", nowhere) == (0, "", made)
    assert archive("db", "current", "-d", nowhere) == (0, f"{migrate.HEAD}\n", "")
    already = f"The archive at {place} already has schema {migrate.HEAD}.\n"
    assert archive("db", "upgrade", "-d", nowhere) == (0, "", already)
    assert archive("db", "verify", "-d", nowhere) == (0, "", "No problems found.\n")


VERBS = (
    ["report", "trends"],
    ["sql", "last_success"],
    ["job", "list"],
    ["job", "show", "a", "b"],
    ["export", "csv", "folder"],
    ["export", "jsonl"],
    ["quarantine", "list"],
    ["quarantine", "show", "1"],
    ["quarantine", "retry"],
    ["db", "verify"],
    ["db", "rebuild"],
    ["db", "calendar"],
    ["db", "calendar", "--day-start", "16:00"],
)


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_without_an_archive_name_the_command_to_run(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    """Each verb names the command that creates an archive, and creates nothing itself."""
    monkeypatch.chdir(tmp_path)
    empty = f"{postgres_url}?options=-csearch_path%3Dnowhere"
    for url, place in (("a.db", "a.db"), (empty, "postgresql://")):
        done = archive(*verb, "-d", url)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert done.err.startswith(f"archive: no archive at {place}")
        assert "create it with `archive db upgrade`" in done.err
    assert list(tmp_path.iterdir()) == []


def execute(engine: Engine, *statements: str) -> None:
    """Change an archive directly in its database."""
    with db.writing(engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def with_revision(place: str, revision: str) -> None:
    """Create an archive with the schema of another version."""
    archive("db", "upgrade", "-d", place)
    execute(migrate.connect(place), f"UPDATE archive_schema SET version_num = '{revision}'")


@pytest.mark.parametrize(
    "verb", some([*VERBS, ["db", "upgrade"], ["ingest", __file__, "-a", "a"]], 5)
)
def test_newer_schema_is_refused(tmp_path: Path, verb: list[str]) -> None:
    """An archive of a newer version is refused, and the error says what to install."""
    path = str(tmp_path / "a.db")
    with_revision(path, "9999")
    before = Path(path).read_bytes()
    done = archive(*verb, "-d", path)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith(f"archive: the archive at {path} has schema 9999 of a newer")
    assert done.err.endswith("upgrade the archive command on this machine\n")
    assert Path(path).read_bytes() == before
    assert archive("db", "current", "-d", path) == (0, "9999\n", "")


def test_older_schema_is_refused(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of an older version is refused, with the command to run."""
    with_revision(nowhere, "0000")
    monkeypatch.setattr(migrate, "REVISIONS", ("0000", *migrate.REVISIONS))
    done = archive("report", "trends", "-d", nowhere)
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(
        f"has schema 0000, but this version needs {migrate.HEAD}: run `archive db upgrade`\n"
    )


def test_sound_archive_passes_verification(engine: Engine) -> None:
    """For a sound archive only the result is printed."""
    import_documents(engine, SAMPLES)
    assert archive("db", "verify", at(engine)) == (0, "", "No problems found.\n")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM job_status", ["no time is stored for its status SUCCEEDED"]),
        ("UPDATE job SET user_name = 'x'", ["the document is not the one that was archived"]),
        (
            "DELETE FROM job_status; UPDATE job SET day = '2026-07-22'",
            [
                "the day is 2026-07-22, but by the calendar 2026-07-23",
                "no time is stored for its status SUCCEEDED",
            ],
        ),
    ],
)
def test_damage_is_listed(engine: Engine, damage: str, found: list[str]) -> None:
    """Each problem is a line on standard output, with their number at the end: code 1."""
    import_documents(engine, {KEY: BASE})
    execute(engine, *damage.split("; "))
    if "day" in damage:
        archive("db", "rebuild", at(engine))
    done = archive("db", "verify", at(engine))
    number = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    lines = "".join(f"job {KEY} of vc01: {sentence}\n" for sentence in found)
    assert done == (1, lines, f"archive: {number} found in the archive\n")


def test_fast_verification_reports_its_share(
    sqlite_archive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many jobs a sample is verified, which a message says; of few jobs everything."""
    empty(sqlite_archive)
    import_documents(sqlite_archive, {f"job-{number}": BASE for number in range(6)})
    verify = ("db", "verify", "--fast", at(sqlite_archive))
    assert archive(*verify) == (0, "", "No problems found.\n")
    monkeypatch.setattr(verify_sample, "_JOBS", 2)
    said = "Verified 1 of 3 jobs; totals and expected backups were not verified."
    assert archive(*verify) == (0, "", f"{said}\nNo problems found.\n")


def test_foreign_column_is_found(nowhere: str) -> None:
    """A schema that somebody has changed is reported."""
    archive("db", "upgrade", "-d", nowhere)
    execute(migrate.connect(nowhere), "ALTER TABLE setting ADD COLUMN note TEXT")
    done = archive("db", "verify", "-d", nowhere)
    assert done.code == 1
    assert done.out.startswith(
        ("schema: table setting differs from this", "schema: column setting.note does not belong")
    )


def test_calendar_is_shown_and_changed(engine: Engine) -> None:
    """Other settings stay; the days of all jobs follow, and the changed jobs are counted."""
    import_documents(engine, SAMPLES)
    assert archive("db", "calendar", at(engine)) == (0, "Days start at 00:00 UTC.\n", "")
    done = archive("db", "calendar", "--day-start", "16:00", at(engine))
    said = "The day of 10 jobs has changed.\n"
    assert done == (0, "Days start at 16:00 UTC.\n", said)
    done = archive("db", "calendar", "--time-zone", "Asia/Kathmandu", at(engine))
    assert (done.code, done.out) == (0, "Days start at 16:00 Asia/Kathmandu.\n")
    done = archive("db", "calendar", "--time-zone", "Asia/Kathmandu", at(engine))
    assert done.err == "The day of 0 jobs has changed.\n"
    assert archive("db", "verify", at(engine)).code == 0
    assert rows(engine, sa.select(tables.job.c.day).where(tables.job.c.key == KEY)) == [
        ("2026-07-22",)
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--time-zone", "Mars/Phobos"], 'unknown time zone "Mars/Phobos"'),
        (["--time-zone", "../../etc/passwd"], 'unknown time zone "../../etc/passwd"'),
        (["--time-zone", ""], 'unknown time zone ""'),
        (["--day-start", "24:00"], 'invalid time of day "24:00": write HH:MM'),
        (["--day-start", ""], 'invalid time of day "": write HH:MM'),
    ],
)
def test_invalid_calendar_is_refused(engine: Engine, options: list[str], said: str) -> None:
    """An invalid time zone or time of day gives code 2, and the calendar does not change."""
    done = archive("db", "calendar", *options, at(engine))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"archive: {said}")
    assert archive("db", "calendar", at(engine)).out == "Days start at 00:00 UTC.\n"


def test_precedence_of_the_database_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option after the verb overrides the one before it, and both override the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ARCHIVE_CONFIG", raising=False)
    monkeypatch.setattr(file, "SYSTEM", tmp_path / "none.toml")
    monkeypatch.delenv("ARCHIVE_DATABASE_URL", raising=False)
    default = migrate.default_file()
    for arguments, place in (
        (["db", "upgrade"], default),
        (["--database", "one.db", "db", "upgrade"], "one.db"),
        (["-d", "one.db", "db", "upgrade", "-d", "two.db"], "two.db"),
        (["db", "upgrade", "--database", "sqlite:///three.db"], "three.db"),
        (["db", "upgrade", "-d", f"sqlite:///{tmp_path}/four.db"], tmp_path / "four.db"),
    ):
        assert f"The archive at {place} now has schema" in archive(*arguments).err
        assert Path(place).is_file()
        monkeypatch.setenv("ARCHIVE_DATABASE_URL", "environment.db")
    assert "at environment.db now has" in archive("db", "upgrade").err
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", "")
    assert f"at {default} already has schema" in archive("db", "upgrade").err


def test_day_totals_are_rebuilt(engine: Engine) -> None:
    """Wrong day totals are found, and the command that the verification names rebuilds them."""
    import_documents(engine, {KEY: BASE})
    execute(engine, "UPDATE day_total SET jobs = 7")
    assert archive("db", "verify", at(engine)).code == 1
    done = archive("db", "rebuild", at(engine))
    assert done == (0, "", "Totals and judgement recalculated; 1 row corrected.\n")
    assert archive("db", "verify", at(engine)).code == 0
