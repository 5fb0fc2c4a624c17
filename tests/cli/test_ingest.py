from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import timestamps
from archive.db import migrate, tables
from archive.ingest import batches
from tests.support import postgres
from tests.support.archives import SEEN, count, import_documents, job_rows, lines, rows
from tests.support.command import PROGRAM, Done, archive, at, environment
from tests.support.samples import BASE, DATA, SAMPLES, api, job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

TWO = api(**{"20260301-021500-1": job(), "20260302-021500-1": job("FAILED")})
OTHER = api(**{"20260303-021500-1": job(), "20260304-021500-1": job("RUNNING")})
SUMMARY = "{} seen, {} new, {} changed, {} unchanged, {} findings, {} quarantined\n"


@pytest.fixture
def place(engine: Engine) -> str:
    """Give the option that names an empty archive, on each database in turn."""
    return at(engine)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the current folder, with two good imports and two bad ones."""
    for name, data in {
        "good.json": TWO,
        "other.json": OTHER,
        "bad.json": TWO[:-9],
        "ids.json": b'["20260301-021500-1"]',
    }.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["details_api.json", "details_rest.json"])
def test_summary_is_one_line(place: str, name: str) -> None:
    """The summary is one line on standard output; a second ingest changes nothing."""
    arguments = ("ingest", "-v", str(DATA / name), "--appliance", "a", place)
    assert archive(*arguments) == (0, SUMMARY.format(11, 11, 0, 0, 0, 0), "")
    assert archive(*arguments) == (0, SUMMARY.format(11, 0, 0, 11, 0, 0), "")


@pytest.mark.usefixtures("folder")
def test_summary_as_json_and_csv(place: str) -> None:
    """JSON and CSV have the same numbers by name."""
    arguments = ("ingest", "good.json", "--appliance", "a", place, "--format")
    counts = {"seen": 2, "new": 2, "changed": 0, "unchanged": 0, "findings": 0}
    counts |= {"quarantined": 0, "pruned": 0}
    done = archive(*arguments, "json")
    assert (done.code, json.loads(done.out), done.out[-1], done.err) == (0, counts, "\n", "")
    assert archive(*arguments, "csv").out == f"{','.join(counts)}\r\n2,0,0,2,0,0,0\r\n"


@pytest.mark.usefixtures("folder")
def test_bad_files_are_skipped(engine: Engine) -> None:
    """A file that cannot be archived is reported and skipped, the others are archived: code 3."""
    done = archive("ingest", "-v", "good.json", "bad.json", "other.json", "-a", "a", at(engine))
    assert (done.code, done.out) == (3, SUMMARY.format(4, 4, 0, 0, 0, 0))
    assert done.err.startswith("archive: bad.json: cut off: the JSON ends early")
    assert done.err.count("\n") == 1
    run = tables.ingest_run.c
    assert rows(engine, sa.select(run.source, run.outcome, run.new).order_by(run.id)) == [
        ("good.json", "complete", 2),
        ("bad.json", "failed", 0),
        ("other.json", "complete", 2),
    ]


@pytest.mark.parametrize("bad", [["bad.json"], ["bad.json", "ids.json", "none.json"]])
@pytest.mark.usefixtures("folder")
def test_code_1_if_no_file_can_be_archived(engine: Engine, bad: list[str]) -> None:
    """If no file can be archived, each is reported, nothing is written, and the code is 1."""
    done = archive("ingest", *bad, "-a", "a", at(engine))
    assert (done.code, done.out) == (1, "")
    said = done.err.splitlines()
    assert [line.split(": ")[:2] for line in said] == [["archive", name] for name in bad]
    assert count(engine, tables.job) == count(engine, tables.appliance) == 0


@pytest.mark.usefixtures("folder")
def test_debug_stops_at_the_first_failure(place: str) -> None:
    """With --debug the first file that fails ends the command with its traceback."""
    with pytest.raises(Exception, match=r"bad\.json: cut off"):
        archive("ingest", "bad.json", "ids.json", "-a", "a", place, "--debug")


def test_dash_reads_standard_input(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads standard input, plain or gzipped."""
    for data, summary in (
        (TWO, SUMMARY.format(2, 2, 0, 0, 0, 0)),
        (gzip.compress(OTHER), SUMMARY.format(2, 2, 0, 0, 0, 0)),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert archive("ingest", "-v", "-", "-a", "a", at(engine)) == (0, summary, "")
    assert rows(engine, sa.select(tables.ingest_run.c.source).distinct()) == [("standard input",)]


def test_closed_standard_input(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a standard input there is one error."""
    monkeypatch.setattr(sys, "stdin", None)
    done = archive("ingest", "-", "-a", "a", place)
    assert done == (1, "", "archive: standard input is closed\n")


def test_named_pipe(place: str, tmp_path: Path) -> None:
    """A pipe without size and seeking, such as the shell's <(...), is read like a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(TWO,))
    writer.start()
    done = archive("ingest", "-v", str(pipe), "-a", "a", place)
    writer.join()
    assert done == (0, SUMMARY.format(2, 2, 0, 0, 0, 0), "")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("option", "seen"),
    [
        (["--seen-at", "2026-07-24T02:20:00Z"], "2026-07-24T02:20:00.000000Z"),
        (["--seen-at", "2026-07-24T02:20:00.5+02:00"], "2026-07-24T00:20:00.500000Z"),
        ([], SEEN),
    ],
)
def test_time_of_the_fetch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, option: list[str], seen: str
) -> None:
    """The time of an import is the given time of the fetch, or now."""
    monkeypatch.setattr(timestamps, "now", lambda: SEEN)
    assert archive("ingest", "good.json", "-a", "a", *option, at(engine)).code == 0
    assert set(job_rows(engine, "first_seen", "last_seen")) == {(seen, seen)}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seen-at", "yesterday", "-a", "a"], "--seen-at: 'yesterday' is not an RFC 3339"),
        (["--seen-at", "2026-07-24T02:20:00", "-a", "a"], "--seen-at: '2026-07-24T02:20:00' is"),
        (
            ["--seen-at", "2999-01-01T00:00:00Z", "-a", "a"],
            "--seen-at: 2999-01-01T00:00:00.000000Z is in the",
        ),
        (["-a", " a"], "invalid appliance name ' a'"),
        (["-a", ""], "invalid appliance name ''"),
        ([], "document 1: no appliance name; set it with --appliance"),
    ],
)
def test_usage_errors(engine: Engine, arguments: list[str], said: str) -> None:
    """An invalid option is one sentence with code 2, and no job is written."""
    done = archive("ingest", "good.json", *arguments, at(engine))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"archive: {said}")
    assert count(engine, tables.job) == count(engine, tables.appliance) == 0


def test_exported_jobs_name_their_appliance(engine: Engine, tmp_path: Path) -> None:
    """Lines of an export need no --appliance, and are archived unchanged."""
    import_documents(engine, SAMPLES, "vc01")
    import_documents(engine, TWO, "vc02", "2026-08-01T00:00:00.000000Z")
    exported = lines(engine)
    path = tmp_path / "archive.jsonl.gz"
    path.write_bytes(gzip.compress(exported.encode()))
    again = str(tmp_path / "again.db")
    assert archive("ingest", "--verbose", str(path), "-d", again).out == SUMMARY.format(
        13, 13, 0, 0, 0, 0
    )
    assert lines(migrate.connect(again)) == exported


def test_one_bad_document_among_a_hundred_goes_to_quarantine(
    engine: Engine, tmp_path: Path
) -> None:
    """The bad document is quarantined, and the other ninety-nine are archived: code 3."""
    documents: dict[str, Any] = {f"20260101-000000-{number}": BASE for number in range(100)}
    documents["20260101-000000-41"] = {"location": "sftp://nas/x"}
    path = tmp_path / "hundred.json"
    path.write_text(json.dumps(documents))
    done = archive("ingest", "-v", str(path), "-a", "a", at(engine))
    assert done == Done(
        3,
        SUMMARY.format(100, 99, 0, 0, 0, 1),
        "Some documents could not be archived: see `archive quarantine list`.\n",
    )
    assert (count(engine, tables.job), count(engine, tables.quarantine)) == (99, 1)


@pytest.mark.parametrize(("cut", "said"), [(40, "cut off"), (0, "damaged gzip data")])
def test_interrupted_stream_is_partial(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int, said: str
) -> None:
    """A stream that fails after a committed batch is partial: code 3, with the number of jobs so far."""
    monkeypatch.setattr(batches, "BATCH", 2)
    line = json.dumps({"a": BASE | {"user": "é" * 90_000}})
    stream = "\n".join(line.replace('"a"', f'"k{number}"', 1) for number in range(9))
    data = bytearray(gzip.compress(stream.encode(), 0))
    if cut:
        del data[-cut:]
    else:
        data[-6] ^= 1  # the checksum
    path = tmp_path / "stream.jsonl.gz"
    path.write_bytes(data)
    done = archive("ingest", "-v", str(path), "-a", "a", at(engine))
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"archive: {path}: {said}")
    archived = count(engine, tables.job)
    assert archived in (8, 9)
    assert done.err.endswith(
        f"; the first {archived} documents are archived: ingest the file again to complete it\n"
    )
    both = archive("ingest", "-v", str(path), str(tmp_path / "none"), "-a", "a", at(engine))
    assert (both.code, both.out, both.err.count("\n")) == (3, "", 2)


def test_first_ingest_creates_a_sqlite_archive(tmp_path: Path) -> None:
    """Folders and archive are created where there is no file, or an empty one."""
    (tmp_path / "empty.db").touch()
    for name in ("new/folder/archive.db", "empty.db"):
        path = str(tmp_path / name)
        assert archive("ingest", str(DATA / "details_api.json"), "-a", "a", "-d", path).code == 0
        assert count(migrate.connect(path), tables.job) == 11


def test_first_ingest_creates_no_postgresql_archive() -> None:
    """On PostgreSQL an administrator creates the archive, and until then each verb says how."""
    with postgres.new_database(os.environ[postgres.URL_VARIABLE]) as url:
        done = archive("ingest", str(DATA / "details_api.json"), "-a", "a", "-d", url)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("archive: no archive at postgresql://")
        assert "create it with `archive db upgrade`" in done.err
        assert archive("report", "trends", "-d", url) == done
        assert archive("db", "upgrade", "-d", url).code == 0
        assert archive("ingest", str(DATA / "details_api.json"), "-a", "a", "-d", url).code == 0


def test_failed_first_ingest_creates_no_archive(tmp_path: Path) -> None:
    """A first ingest of a missing file leaves no empty archive."""
    place = tmp_path / "new" / "archive.db"
    assert archive("ingest", "none.json", "-a", "a", "-d", str(place)).code == 1
    assert not place.parent.exists()


@pytest.mark.parametrize("name", ["VC01.Example.com", "vc01.example.com.", "Vc01.EXAMPLE.com."])
def test_names_differ_neither_by_case_nor_by_a_trailing_dot(
    engine: Engine, tmp_path: Path, name: str
) -> None:
    """One appliance, in imports, lines of an export, reports and `job show`."""
    path = tmp_path / "one.json"
    path.write_bytes(api(k=job()))
    line = tmp_path / "line.jsonl"
    line.write_text(json.dumps({"appliance": name, "job": "k2", "info": job()}) + "\n")
    place = at(engine)
    for appliance in ("vc01.example.com", name):
        assert archive("ingest", str(path), "-a", appliance, place).code == 0
    assert archive("ingest", str(line), place).code == 0
    assert rows(engine, sa.select(tables.appliance.c.name)) == [("vc01.example.com",)]
    assert count(engine, tables.job) == 2
    assert archive("job", "show", name, "k", place).code == 0
    assert archive("job", "list", "-a", name, place).out.count("vc01.example.com") == 2


@pytest.mark.parametrize(
    ("appliance", "folder", "warned"),
    [
        ("site-a", "sn_vc02.example.com", False),
        ("vc02x", "sn_other", True),
        ("vc01.example.com", "sn_vc02.example.com", True),
        ("vc01", "sn_VC01.example.com", False),
        ("vc01.example.com", "sn_vc01.other.example", False),
    ],
)
def test_import_whose_targets_name_another_system_is_warned_of(
    engine: Engine,
    tmp_path: Path,
    appliance: str,
    folder: str,
    warned: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    import_documents(engine, {}, "other")
    path = tmp_path / "one.json"
    location = f"sftp://nas/backup/vCenter/{folder}/S_8.0.3.00400_20260301-021500_"
    path.write_bytes(api(k=job(location=location)))
    done = archive("ingest", "-v", str(path), "-a", appliance, at(engine))
    assert ("name the system" in done.err) == warned
    assert ("run `archive import undo" in done.err) == warned
    again = archive("ingest", "-v", str(path), "-a", appliance, at(engine))
    assert "Warning" not in again.err


def test_no_summary_without_a_terminal(place: str) -> None:
    """Whatever is printed becomes a mail of cron; systemd's journal gets one line."""
    arguments = ("ingest", str(DATA / "details_api.json"), "--appliance", "a", place)
    assert archive(*arguments) == (0, "", "")
    assert archive(*arguments, "--format", "table") == (0, SUMMARY.format(11, 0, 0, 11, 0, 0), "")
    reading, writing = os.pipe()
    status = os.fstat(writing)
    journal = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    with open(reading) as said:  # noqa: PTH123 - a pipe
        command = [*PROGRAM, *arguments]
        subprocess.run(command, stdout=writing, env=environment() | journal, check=True)
        os.close(writing)
        assert said.read() == SUMMARY.format(11, 0, 0, 11, 0, 0)


CALENDAR = '[calendar]\ntime_zone = "Europe/Berlin"\nday_start = "16:00"\n'


@pytest.mark.parametrize("verb", [("ingest", "good.json", "-a", "a"), ("db", "upgrade")])
def test_new_archive_has_the_calendar_of_the_configuration(
    folder: Path, verb: tuple[str, ...]
) -> None:
    """Whatever verb creates it."""
    (folder / "archive.toml").write_text(CALENDAR)
    place = ("--config", "archive.toml", "--database", "new.db")
    assert archive(*verb, *place).code == 0
    assert archive("db", "calendar", *place).out == "Days start at 16:00 Europe/Berlin.\n"


def test_import_into_an_archive_with_another_calendar_is_warned_of(folder: Path) -> None:
    """Once, however many files there are; nothing is changed."""
    (folder / "archive.toml").write_text(CALENDAR)
    place = ("-a", "a", "--database", "new.db")
    assert archive("ingest", "good.json", *place).code == 0
    done = archive("ingest", "good.json", "other.json", *place, "--config", "archive.toml")
    assert done.code == 0
    assert done.err == (
        "Warning: the archive's calendar (UTC, days start at 00:00) differs from the configuration;"
        " change it with `archive db calendar`.\n"
    )


def test_broken_configuration_is_reported_before_the_import(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that names its archive is not hindered by a file that it did not name."""
    broken = folder / "broken.toml"
    broken.write_text("[[appliance]]\nadress = 5\n")
    arguments = ("ingest", "good.json", "-a", "a", "--database", "new.db")
    done = archive(*arguments, "--config", str(broken))
    assert (done.code, (folder / "new.db").exists()) == (1, False)
    monkeypatch.setenv("ARCHIVE_CONFIG", str(broken))
    done = archive(*arguments)
    assert done.code == 0
    assert done.err.startswith(f"Warning: {broken}: ")


def test_several_files_share_a_connection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting for each file takes longer than importing it."""
    connect, opened = sqlite3.connect, []

    def note(*arguments: Any, **options: Any) -> Any:
        opened.append(arguments)
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", note)
    place = f"--database={folder / 'archive.db'}"
    numbers = []
    for count_of_files in (2, 20):
        opened.clear()
        paths = ["good.json", "other.json"] * (count_of_files // 2)
        assert archive("ingest", *paths, "--appliance", "a", place)[0] == 0
        numbers.append(len(opened))
    assert numbers[1] <= numbers[0]
