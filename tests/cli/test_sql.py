from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from archive.cli.sql import _complete
from archive.db import migrate
from archive.reports import sql_files
from tests.db.test_own_queries import ENDLESS
from tests.support import samples
from tests.support.archives import created, import_documents
from tests.support.command import archive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of an archive of the samples."""
    path = str(tmp_path_factory.mktemp("samples") / "a.db")
    engine = created(path)
    import_documents(engine, samples.SAMPLES, "vc01", "2026-07-24T02:20:00.000000Z")
    return path


def test_queries_are_listed_with_their_params() -> None:
    """Without a name, and without an archive, the command lists the queries."""
    done = archive("sql", "--format", "json", "--database", "/nowhere/a.db")
    assert (done.code, done.err) == (0, "")
    listed = {row["name"]: row for row in json.loads(done.out)}
    assert list(listed) == sql_files.names()
    assert listed["slowest_jobs"] == {
        "name": "slowest_jobs",
        "answers": "Slowest jobs against their own median",
        "params": "jobs=20, appliance=%, from_month=0001-01, to_month=9999-12",
    }
    assert "Slowest jobs against their own median" in archive("sql").out


def test_params_of_a_query(place: str) -> None:
    """Values on the command line replace the defaults."""
    done = archive(
        "sql", "slowest_jobs", "-p", "jobs=1", "--param=appliance=VC%",
        "--format", "csv", "-d", place,
    )  # fmt: skip
    assert done == (
        0,
        (
            "day,appliance,key,type,duration_seconds,median_seconds,times_median,size_bytes\r\n"
            "2026-07-23,vc01,20260723-021500-25148086,SCHEDULED,967,404,2.3936,6442450944\r\n"
        ),
        "",
    )


def test_table_formats_values_by_unit(place: str) -> None:
    """The unit in a column's name decides how its values are shown."""
    done = archive("sql", "slowest_jobs", "--param", "jobs=1", "-d", place)
    assert done.code == 0
    assert done.out.splitlines()[-1].endswith("6.0 GiB")
    assert "16 m 07 s" in done.out


def test_rows_are_written_to_a_file(place: str, tmp_path: Path) -> None:
    """With -o the rows are in the file, and nothing is printed."""
    out = tmp_path / "rows.json"
    done = archive("sql", "success_by_month", "-f", "json", "-o", str(out), "-d", place)
    assert done == (0, "", "")
    assert json.loads(out.read_text())[0]["month"] == "2020-04"


@pytest.mark.parametrize("name", sql_files.names())
def test_show_prints_the_file(name: str) -> None:
    """`--show` prints the query unchanged, ready to paste into a shell."""
    for kind, url in (("sqlite", "a.db"), ("postgresql", "postgresql://archive@nowhere/archive")):
        text = sql_files.find(name, kind).text
        assert archive("sql", name, "--show", "--database", url) == (0, text, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["last_sucess"], 'did you mean "last_success"?'),
        (["last_success", "-p", "today"], "--param today: write NAME=VALUE"),
        (["last_success", "-p", "day=1"], 'query last_success: unknown param "day"'),
        (["slowest_jobs", "-p", "jobs=1", "-p", "jobs=2"], "--param jobs: given twice"),
        (["--show"], "no query named"),
        (["-p", "jobs=1"], "no query named"),
    ],
)
def test_invalid_arguments_are_usage_errors(
    place: str, arguments: list[str], complaint: str
) -> None:
    """Exit code 2 and one sentence; nothing on standard output."""
    done = archive("sql", *arguments, "-d", place)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("archive: ")
    assert done.err.count("\n") == 1
    assert complaint in done.err


def test_missing_archive_names_the_next_command(tmp_path: Path) -> None:
    """A query creates no archive: exit code 1, and no file."""
    path = tmp_path / "none.db"
    done = archive("sql", "last_success", "-d", str(path))
    assert done.code == 1
    assert "archive db upgrade" in done.err
    assert not path.exists()


def test_queries_do_not_write(place: str) -> None:
    """Running all queries leaves the file as it was."""
    engine = migrate.connect(place)
    with engine.connect() as connection:
        before = connection.execute(sa.text("PRAGMA data_version")).scalar()
        for name in sql_files.names():
            assert archive("sql", name, "-d", place).code == 0
        assert connection.execute(sa.text("PRAGMA data_version")).scalar() == before


def test_query_names_are_completed() -> None:
    """Completion offers the names with this beginning, with their questions."""
    assert _complete("sl") == [("slowest_jobs", "Slowest jobs against their own median")]
    assert [name for name, _ in _complete("s")] == [
        "schedules", "size_percentiles", "slowest_jobs", "success_by_month",
    ]  # fmt: skip


def test_own_query(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query as an argument, in a file or on standard input has the formats of the supplied ones."""
    text = "SELECT status, count(*) AS jobs, x'ff00' AS raw FROM job WHERE status = 'FAILED' GROUP BY 1"
    expected = (0, "status,jobs,raw\r\nFAILED,4,ff00\r\n", "")
    path = tmp_path / "Own.sql"
    path.write_text("\ufeff" + text + ";\n")
    assert archive("sql", text, "--format", "csv", "-d", place) == expected
    assert archive("sql", str(path), "--format", "csv", "-d", place) == expected
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert archive("sql", "-", "--format", "csv", "-d", place) == expected


def test_own_query_hides_passwords(place: str) -> None:
    """A URL in a row has no password."""
    done = archive("sql", "SELECT 'ftp://a:secret@nas/x' AS url", "--format", "csv", "-d", place)
    assert done.out == "url\r\nftp://a:***@nas/x\r\n"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["DELETE FROM job"], 2, "the query: not authorized"),
        (["SELECT nonesuch FROM job"], 2, "the query: no such column: nonesuch"),
        (["none.sql"], 2, "none.sql: cannot be read: No such file or directory"),
        (["SELECT 1", "--show"], 2, "--param and --show are for the supplied queries"),
        (["SELECT 1", "--param", "a=1"], 2, "--param and --show are for the supplied queries"),
        ([ENDLESS, "--time-limit", "1s"], 1, "raise --time-limit"),
    ],
)
def test_own_query_that_fails(place: str, arguments: list[str], code: int, complaint: str) -> None:
    """One sentence on standard error, and nothing on standard output."""
    done = archive("sql", *arguments, "-d", place)
    assert (done.code, done.out) == (code, "")
    assert complaint in done.err
    assert done.err.count("\n") == 1


def test_supplied_query_that_takes_too_long(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sql_files, "run", lambda connection, *_: connection.exec_driver_sql(ENDLESS)
    )
    done = archive("sql", "last_success", "--time-limit", "1s", "-d", place)
    said = (
        "archive: last_success took longer than 1 s; limit it to fewer days or appliances, or raise"
    )
    assert (done.code, done.out) == (1, "")
    assert said in done.err
