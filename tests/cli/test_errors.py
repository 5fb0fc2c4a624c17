from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import cli, db
from archive.db import engine as engines
from archive.db import migrate, tables
from archive.errors import ArchiveError
from tests.support import postgres
from tests.support.archives import count, created, import_documents, lines
from tests.support.command import PROGRAM, Done, archive, at, environment, process
from tests.support.samples import DATA, SAMPLES, api, job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

GOOD = DATA / "details_api.json"
INGEST = ("ingest", str(GOOD), "-a", "vc02")
WRITERS = (
    INGEST,
    ("db", "calendar", "--day-start", "16:00"),
    ("quarantine", "retry"),
)
SECRET = "hunter2"  # noqa: S105 - to look for it
# Root can read and write any file, unless it drops these capabilities before it starts a program.
UNPRIVILEGED = (
    "import ctypes, os, sys\n"
    "PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2\n"
    "for right in () if os.geteuid() else (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):\n"
    "    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, right, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


def assert_refused(done: Done, said: str, code: int = 1) -> None:
    """One sentence on standard error, and nothing else."""
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("archive: ")
    assert done.err.count("\n") == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.json", None, "none.json: no such file"),
        ("folder", None, "folder: is a directory; name the files in it, for example folder/*"),
        ("a.json", b"", "a.json: the input is empty"),
        ("a.json", GOOD.read_bytes()[:900], "a.json: cut off: the JSON ends early"),
        ("a.json", b'{"a": tru', "a.json: cut off"),
        ("a.json", b"<html>", "a.json: "),
        ("a.json", b"42", "a.json: JSON without job details"),
        ("a.json", b'["20260103-085630-1"]', "a.json: a list of job IDs without"),
        (
            "a.json",
            b'{"error_type": "UNAUTHENTICATED", "messages": [{"default_message": "Who?"}]}',
            "a.json: an error answer from vCenter (UNAUTHENTICATED: Who?)",
        ),
        ("a.json", b'{"state": "FAILED", "id": "x"}', "a.json: an answer of the older"),
        ("a.json", b"\x1f\x8b\x08\x00", "a.json: cut off: the gzip data ends early"),
        ("a.json", b"\x1f\x8b\x07" + b"x" * 30, "a.json: damaged gzip data"),
    ],
)
def test_file_that_is_no_answer_is_refused(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, data: bytes | None, said: str,
) -> None:  # fmt: skip
    """A file that is no details answer is refused as a whole: code 1, and nothing is archived."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    if data is not None:
        Path(name).write_bytes(data)
    assert_refused(archive("ingest", name, "-a", "vc01", at(engine)), said)
    assert all(not count(engine, table) for table in (tables.job, tables.appliance))


@pytest.mark.parametrize("verb", WRITERS)
def test_locked_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """A writer that waits too long for another fails and has written nothing; readers never wait."""
    import_documents(engine, SAMPLES)
    before = lines(engine)
    monkeypatch.setattr(engines, "LOCK_WAIT_SECONDS", 0.1)
    with db.writing(engine) as connection:
        if (
            engine.dialect.name == "postgresql"
        ):  # a command that waits forever fails the test instead of hanging
            connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '10s'")
        db.lock(connection, ["runs", "calendar"])
        done = archive(*verb, at(engine))
        assert_refused(done, "another process is writing to the archive; run the command again")
        assert archive("db", "verify", at(engine)).code == 0
    assert lines(engine) == before


@pytest.mark.parametrize("verb", WRITERS)
def test_read_only_file(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """A user who may only read the archive gets an error when writing, and can report."""
    path = tmp_path / "archive.db"
    import_into(path)
    before = path.read_bytes()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    assert_refused(unprivileged(*verb, "-d", str(path)), "the archive is read-only for this user")
    assert path.read_bytes() == before
    assert unprivileged("report", "trends", "-d", str(path)).code == 0


def test_folder_without_permissions(tmp_path: Path) -> None:
    """A user without access to the archive's folder gets an error with the path."""
    folder = tmp_path / "folder"
    import_into(folder / "archive.db")
    folder.chmod(0)
    try:
        done = unprivileged("report", "trends", "-d", str(folder / "archive.db"))
    finally:
        folder.chmod(0o755)
    assert_refused(done, f"{folder}/archive.db")


def import_into(path: Path) -> None:
    """Create an archive with some jobs."""
    assert archive("ingest", str(GOOD), "-a", "vc01", "-d", str(path)).code == 0


def unprivileged(*arguments: str) -> Done:
    """Run the command as a user without root's rights."""
    program = [sys.executable, "-c", UNPRIVILEGED, *PROGRAM, *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=environment())
    return Done(done.returncode, done.stdout, done.stderr)


def test_read_only_server(postgresql_archive: Engine) -> None:
    """A standby has its own error."""
    url = f"{postgresql_archive.url}?options=-cdefault_transaction_read_only%3Don"
    assert_refused(archive(*INGEST, "-d", url), "the server accepts no writes")


@pytest.mark.parametrize("room", [0, 2, 8, 20])
def test_full_disk_leaves_nothing_of_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """When the disk fills up nothing of the import stays, however far it had come."""
    path = tmp_path / "archive.db"
    engine = created(path)
    large = tmp_path / "large.json"
    large.write_bytes(api(**{f"k{n}": job(user="x" * 2000) for n in range(100)}))
    prepare = engines._prepare_sqlite

    def on_a_small_disk(connection: sqlite3.Connection, record: object) -> None:
        prepare(connection, record)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + room}")

    with monkeypatch.context() as patched:
        patched.setattr(engines, "_prepare_sqlite", on_a_small_disk)
        done = archive("ingest", str(large), "-a", "vc01", "-d", str(path))
    assert_refused(done, "the disk is full; free some space")
    assert done.err.endswith("; nothing of this import has been archived\n")
    assert count(engine, tables.job) == 0
    assert archive("db", "verify", "-d", str(path)).code == 0
    assert archive("ingest", str(large), "-a", "vc01", "-d", str(path)).code == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", [("db", "current"), ("--help",), ("--version",)])
def test_full_disk_for_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...], unbuffered: str
) -> None:
    """Output that does not fit on the disk is an error, which is said once."""
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", str(tmp_path / "archive.db"))
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *verb], stdout=full, stderr=subprocess.PIPE, check=False,
            env=environment(), text=True,
        )  # fmt: skip
    assert_refused(Done(done.returncode, "", done.stderr), "No space left on device")


def test_output_that_fails_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Output that fails only when it is flushed is an error, too, without a traceback."""
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        full.write("left over")
        with pytest.raises(SystemExit, match="1"):
            cli._close_stdout()
        said = "archive: standard output: cannot write: No space left on device\n"
        assert capsys.readouterr().err == said
        patched.setattr(sys, "stdout", None)
        cli._close_stdout()


def test_file_that_is_no_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of other kinds, and damaged archives, are refused and left unchanged."""
    monkeypatch.chdir(tmp_path)
    import_into(tmp_path / "whole.db")
    with sqlite3.connect("cats.db") as connection:
        connection.execute("CREATE TABLE cat (name TEXT)")
    connection.close()
    Path("notes.txt").write_text("my notes, " * 500)
    Path("cut.db").write_bytes(Path("whole.db").read_bytes()[:20_000])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for verb in (("report", "trends"), *WRITERS):
        for name, said in {
            "notes.txt": "the file is not an archive; check --database",
            "cut.db": "the archive is damaged; restore it from a backup",
            "cats.db": "the database at cats.db has tables of another program (cat): name another file",
            ".": "the archive's file cannot be opened; check its path and permissions",
            "x" * 300: f"{'x' * 300}: File name too long",
        }.items():
            assert_refused(archive(*verb, "-d", name), said)
    assert_refused(archive(*INGEST, "-d", "notes.txt/a.db"), "notes.txt: cannot create the folder")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql://root:{SECRET}@h/x", "invalid database: use postgresql://"),
        (f"postgresql+asyncpg://u:{SECRET}@h/x", "the driver asyncpg is not supported"),
        ("", "invalid database: use postgresql://"),
        (":memory:", "invalid database: use postgresql://"),
        ("sqlite://", "invalid database: use postgresql://"),
        (f"://u:{SECRET}@h/x", "invalid database: use postgresql://"),
        (f"postgresql://u:{SECRET}@h:{SECRET}/x", "invalid database: use postgresql://"),
        (f"postgresql://u:p@{SECRET}@h/x", "its password has an @: write it as %40"),
        (f"postgresql://u:{SECRET}@127.0.0.1:PORT/x", "no server answers at this address"),
        (f"postgresql://u@127.0.0.1:PORT/x?password={SECRET}", "no server answers at this"),
        (f"postgresql://u:{SECRET}@127.0.0.1:PORT/x?nonsense=1", "reports an error"),
        (f"postgresql://postgres:{SECRET}@SERVER/cats", "the server has no such database"),
        (
            f"postgresql://nobody:{SECRET}@SERVER/postgres",
            "the server refused the user or the password",
        ),
    ],
)
def test_unreachable_database(url: str, said: str) -> None:
    """The error says what is wrong with a URL, without its password."""
    server = sa.make_url(os.environ[postgres.URL_VARIABLE])
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = url.replace("PORT", str(nobody.getsockname()[1]))
        url = url.replace("SERVER", f"{server.host}:{server.port}")
        for verb in (("report", "trends"), ("db", "upgrade"), ("db", "current"), INGEST):
            done = archive(*verb, "--database", url)
            assert_refused(done, said)
            assert SECRET not in done.err


def test_errors_hide_the_password_of_the_database(postgresql_archive: Engine) -> None:
    """Messages about an archive show its place without the password."""
    url = postgresql_archive.url.set(password=SECRET).update_query_dict({"sslpassword": SECRET})
    done = archive("db", "upgrade", "-d", url.render_as_string(hide_password=False))
    assert done.code == 0
    assert f"{url.host}:{url.port}/{url.database} already has schema" in done.err
    assert SECRET not in done.err


def test_debug_shows_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --debug, before the verb or after it, a failure shows where it arose."""
    none = str(tmp_path / "none.json")
    for arguments in (("--debug", "ingest", none), ("ingest", none, "--debug")):
        with pytest.raises(ArchiveError, match="no such file") as raised:
            archive(*arguments, "-a", "a", "-d", str(tmp_path / "a.db"))
        assert "in _opened" in "".join(traceback.format_exception(raised.value))
    monkeypatch.setattr(migrate, "current", fault)
    with pytest.raises(ZeroDivisionError):
        archive("--debug", "db", "current")
    done = process("ingest", none, "-a", "a", "-d", str(tmp_path / "a.db"), "--debug")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Traceback (most recent call last):\n")


def fault(*_: Any) -> Any:
    """Fail as only a mistake in the program does."""
    return 1 // 0


def test_internal_error_asks_for_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is reported as an internal error, without a traceback."""
    monkeypatch.setattr(migrate, "current", fault)
    said = (
        "archive: internal error: ZeroDivisionError: integer division or modulo"
        " by zero\nRun `archive db verify`, which names damaged values. If there are none, run the command"
        " again with --debug and report its output.\n"
    )
    assert archive("db", "current") == (1, "", said)
