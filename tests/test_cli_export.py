from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from archive import canonical, database, dialects, export, histories, relations, tables
from archive.facts import Facts, read_schedules, read_version
from tests.archives import SEEN, content, deliver, lines
from tests.command import archive, at
from tests.samples import SAMPLES, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

KEY = "20260301-021500-1"
SECRET = "hunter2"  # noqa: S105 - to look for it
STRANGE = job(
    location=f"sftp://backup:{SECRET}@nas/srv/vCenter/sn_vc/S_8_",
    location_user="=1+1",
    user='says "a, b"\r\nc',
    surprise={"number": 1.50, "text": "é\x00"},
    messages=[{"id": "@m", "default_message": "-x", "args": ["+1", "", "\tt", "1"]}],
)


@pytest.fixture
def place(engine: Engine) -> str:
    """Give the option that names an archive of the samples and of what is hard to write."""
    deliver(engine, SAMPLES, "vc01")
    deliver(engine, {KEY: STRANGE, "20260302-021500-1": {"a": 5}}, "vc02")
    return at(engine)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of an exported table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_each_table_is_a_file(place: str, tmp_path: Path) -> None:
    """There is a file for each table of the schema, with its columns; the folder is made."""
    folder = tmp_path / "new" / "folder"
    done = archive("export", "csv", str(folder), place)
    names = sorted(tables.metadata.tables.keys() - {"latest_delivery"})
    assert done == (0, "", f"{len(names)} tables written to {folder}.\n")
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.csv" for name in names]
    for name in names:
        header = (folder / f"{name}.csv").read_bytes().split(b"\r\n")[0].decode()
        assert header == ",".join(tables.metadata.tables[name].columns.keys())
    assert len(table(folder, "job")) == len(SAMPLES) + 1
    assert len(table(folder, "quarantine")) == 1


def test_cells_are_exact(place: str, tmp_path: Path) -> None:
    """Values are exact: UTC instants, bytes and seconds as numbers, digests in hexadecimal."""
    archive("export", "csv", str(tmp_path), place)
    (row,) = [row for row in table(tmp_path, "job") if row["key"] == "20260723-021500-25148086"]
    wanted = {
        "day": "2026-07-23",
        "status": "SUCCEEDED",
        "start_time": "2026-07-23T02:15:00.041000Z",
        "duration_seconds": "967",
        "size_bytes": "6442450944",
        "fast_backup": "true",
        "cancelable": "false",
        "parent": "",
        "digest": canonical.digest(canonical.read(SAMPLES[row["key"]]).text).hex(),
    }
    assert {name: row[name] for name in wanted} == wanted
    (double,) = [row["d"] for row in table(tmp_path, "message_param") if row["name"] == "minutes"]
    assert double == "16.12"
    (held,) = table(tmp_path, "quarantine")
    assert bytes.fromhex(held["document"]) == b'"20260302-021500-1":{"a": 5}'


def test_records_follow_the_standard(place: str, tmp_path: Path) -> None:
    """Lines end in CR LF; quotes, commas and line ends within a cell are quoted (RFC 4180)."""
    archive("export", "csv", str(tmp_path), place)
    for path in tmp_path.iterdir():
        assert path.read_bytes().endswith(b"\r\n")
    assert b',"says ""a, b""\r\nc",' in (tmp_path / "job.csv").read_bytes()
    (row,) = [row for row in table(tmp_path, "job") if row["key"] == KEY]
    assert row["user_name"] == STRANGE["user"]


def test_formulas_are_texts(place: str, tmp_path: Path) -> None:
    """A text that a spreadsheet would run gets an apostrophe before it; a number never does."""
    archive("export", "csv", str(tmp_path), place)
    (row,) = [row for row in table(tmp_path, "job") if row["key"] == KEY]
    assert row["location_user"] == "'=1+1"
    assert [row["value"] for row in table(tmp_path, "message_arg")][-4:] == ["'+1", "", "'\tt", "1"]
    (template,) = [row for row in table(tmp_path, "message_template") if row["message_id"] == "'@m"]
    assert template["default_message"] == "'-x"


def test_passwords_are_hidden(place: str, tmp_path: Path) -> None:
    """No table shows a location's password: not where it was normalised, nor where kept whole."""
    archive("export", "csv", str(tmp_path), place)
    for path in tmp_path.iterdir():
        assert SECRET not in path.read_text()
    masked = "sftp://backup:***@nas/srv"
    locations = [row for row in table(tmp_path, "location") if "backup:" in row["url"]]
    assert [(row["url"], row["masked_url"]) for row in locations] == [(masked, masked)]
    (whole,) = table(tmp_path, "irregular_document")
    shown = STRANGE | {"location": f"{masked}/vCenter/sn_vc/S_8_"}
    assert whole["document"] == canonical.read(shown).text


def test_passwords_in_what_has_no_column_are_hidden(engine: Engine, tmp_path: Path) -> None:
    """Fields that this version does not know may hold URLs, too."""
    url = f"sftp://backup:{SECRET}@nas/srv"
    schedule = {"enable": True, "location": url, "mirror": {"to": [url, 1, None]}, url: 1.5}
    facts = Facts(
        read_version({"version": "9", "update": url}),
        None,
        read_schedules({"default": schedule}),
    )
    deliver(engine, {}, "vc01")
    with dialects.writing(engine) as connection:
        histories.record(connection, 1, facts, SEEN)
    archive("export", "csv", str(tmp_path), at(engine))
    masked = "sftp://backup:***@nas/srv"
    (row,) = table(tmp_path, "schedule")
    assert json.loads(row["other"]) == {"mirror": {"to": [masked, 1, None]}, masked: 1.5}
    (row,) = table(tmp_path, "system_version")
    assert json.loads(row["other"]) == {"update": masked}
    for path in tmp_path.iterdir():
        assert SECRET not in path.read_text()


def test_a_folder_is_replaced_whole_or_not_at_all(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one file cannot be written, all older ones stay what they were, and nothing is left."""
    folder = tmp_path / "folder"
    folder.mkdir()
    old = {f"{name}.csv": "old" for name in relations.table_names()} | {"notes.txt": "mine"}
    for name, text in old.items():
        (folder / name).write_text(text)
    written = export.rows

    def fail(connection: Any, relation: relations.Relation, *arguments: Any) -> Iterator[Any]:
        yield from written(connection, relation, *arguments)
        if relation.name == "setting":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(export, "rows", fail)
        done = archive("export", "csv", str(folder), place)
    said = f"archive: {folder / 'setting.csv'}: it cannot be written: No space left on device\n"
    assert done == (1, "", said)
    assert {path.name: path.read_text() for path in folder.iterdir()} == old
    assert archive("export", "csv", str(folder), place).code == 0
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert texts.keys() == old.keys()
    assert [name for name, text in texts.items() if text == old[name]] == ["notes.txt"]


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("file", 2, "is a file"),
        ("file/folder", 1, "file/folder: it cannot be made: Not a directory\n"),
        ("x" * 300, 1, "it cannot be made: File name too long\n"),
    ],
)
def test_a_folder_that_cannot_be_made(
    place: str, tmp_path: Path, target: str, code: int, said: str
) -> None:
    """Where no folder can be, a sentence says so."""
    (tmp_path / "file").touch()
    done = archive("export", "csv", str(tmp_path / target), place)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.parametrize("verb", [["csv", "folder"], ["jsonl", "-o", "file"]])
def test_without_an_archive_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    """An export of an archive that is not there leaves neither an archive nor a file."""
    monkeypatch.chdir(tmp_path)
    done = archive("export", *verb, "-d", "none.db")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("archive: there is no archive at none.db")
    assert list(tmp_path.iterdir()) == []


def test_lines_are_the_documents(engine: Engine) -> None:
    """Each job is a line with its appliance, its key, its canonical document, and when it was seen."""
    deliver(engine, SAMPLES, "vc01")
    done = archive("export", "jsonl", at(engine))
    assert (done.code, done.err) == (0, "")
    exported = [json.loads(line) for line in done.out.splitlines()]
    assert [line["job"] for line in exported] == sorted(SAMPLES)
    for line in exported:
        assert list(line) == ["appliance", "job", "info", "seen"]
        assert (line["appliance"], line["info"]) == ("vc01", SAMPLES[line["job"]])
    for line, text in zip(exported, done.out.splitlines(), strict=True):
        assert f'"info":{canonical.read(line["info"]).text},' in text


def test_lines_come_back_as_the_same_archive(engine: Engine, tmp_path: Path) -> None:
    """An export ingested into an empty archive is the same archive, but for what was refused."""
    deliver(engine, SAMPLES, "vc01")
    running = STRANGE | {"status": "RUNNING", "user": "root"}
    deliver(engine, {KEY: running}, "vc02", "2026-08-01T00:00:00.000000Z")
    deliver(engine, {KEY: STRANGE}, "vc02", "2026-08-02T00:00:00.000000Z")
    path = tmp_path / "archive.jsonl"
    assert archive("export", "jsonl", "-o", str(path), at(engine)) == (0, "", "")
    assert path.read_text() == lines(engine)
    assert SECRET in path.read_text()
    again = database.connect(str(tmp_path / "again.db"))
    assert archive("ingest", str(path), at(again)).code == 0
    assert content(again) == content(engine)
    assert archive("export", "jsonl", at(again)).out == path.read_text()


def test_an_empty_archive_has_no_lines(engine: Engine) -> None:
    """Nothing archived, nothing exported."""
    assert archive("export", "jsonl", at(engine)) == (0, "", "")


def test_a_file_is_replaced_whole_or_not_at_all(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the older file stays, and nothing lies beside it."""
    path = tmp_path / "archive.jsonl"
    path.write_text("old")

    def fail(*_: Any) -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "lines", fail)
    done = archive("export", "jsonl", "-o", str(path), place)
    said = f"archive: {path}: it cannot be written: No space left on device\n"
    assert done == (1, "", said)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {path.name: "old"}
