from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.db import migrate, seals, tables
from archive.document import canonical
from archive.document.appliance_facts import Facts, read_schedules, read_version
from archive.export import relations
from archive.export import text as export
from archive.store import fact_history
from tests.support.archives import SEEN, content, created, import_documents, lines
from tests.support.command import archive, at
from tests.support.samples import SAMPLES, job
from tests.support.terminals import on_terminal

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


@pytest.fixture(scope="module")
def place(shared_engine: Engine) -> str:
    """Give the option that names an archive of the samples and of values that are hard to write."""
    import_documents(shared_engine, SAMPLES, "vc01")
    import_documents(shared_engine, {KEY: STRANGE, "20260302-021500-1": {"a": 5}}, "vc02")
    return at(shared_engine)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of an exported table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_each_table_is_a_file(place: str, tmp_path: Path) -> None:
    """There is a file with its columns for each table of the schema; the folder is created."""
    folder = tmp_path / "new" / "folder"
    done = archive("export", "csv", str(folder), place)
    names = sorted(tables.metadata.tables.keys() - {"latest_import", "write_lock"})
    assert done == (0, "", f"{len(names)} tables written to {folder}.\n")
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.csv" for name in names]
    for name in names:
        header = (folder / f"{name}.csv").read_bytes().split(b"\r\n")[0].decode()
        facts = (column.name for column in seals.facts(tables.metadata.tables[name]))
        assert header == ",".join(facts)
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
        "digest": canonical.read(SAMPLES[row["key"]]).digest.hex(),
    }
    assert {name: row[name] for name in wanted} == wanted
    (double,) = [row["d"] for row in table(tmp_path, "message_param") if row["name"] == "minutes"]
    assert double == "16.12"
    (held,) = table(tmp_path, "quarantine")
    assert bytes.fromhex(held["document"]) == b'"20260302-021500-1":{"a": 5}'


def test_records_follow_rfc_4180(place: str, tmp_path: Path) -> None:
    """Lines end in CR LF; quotes, commas and line ends within a cell are quoted."""
    archive("export", "csv", str(tmp_path), place)
    for path in tmp_path.iterdir():
        assert path.read_bytes().endswith(b"\r\n")
    assert b',"says ""a, b""\r\nc",' in (tmp_path / "job.csv").read_bytes()
    (row,) = [row for row in table(tmp_path, "job") if row["key"] == KEY]
    assert row["user_name"] == STRANGE["user"]


def test_formulas_are_written_as_texts(place: str, tmp_path: Path) -> None:
    """A text that a spreadsheet would run gets an apostrophe before it; a number never does."""
    archive("export", "csv", str(tmp_path), place)
    (row,) = [row for row in table(tmp_path, "job") if row["key"] == KEY]
    assert row["location_user"] == "'=1+1"
    assert [row["value"] for row in table(tmp_path, "message_arg")][-4:] == ["'+1", "", "'\tt", "1"]
    (template,) = [row for row in table(tmp_path, "message_template") if row["message_id"] == "'@m"]
    assert template["default_message"] == "'-x"


def test_passwords_are_hidden(place: str, tmp_path: Path) -> None:
    """No table shows the password of a location: neither normalised columns nor kept documents."""
    archive("export", "csv", str(tmp_path), place)
    for path in tmp_path.iterdir():
        assert SECRET not in path.read_text()
    masked = "sftp://backup:***@nas/srv"
    locations = [row for row in table(tmp_path, "location") if "backup:" in row["url"]]
    assert [(row["url"], row["masked_url"]) for row in locations] == [(masked, masked)]
    (whole,) = table(tmp_path, "irregular_document")
    shown = STRANGE | {"location": f"{masked}/vCenter/sn_vc/S_8_"}
    assert whole["document"] == canonical.read(shown).text


def test_passwords_in_unknown_fields_are_hidden(engine: Engine, tmp_path: Path) -> None:
    """Fields that this version does not know may hold URLs, too."""
    url = f"sftp://backup:{SECRET}@nas/srv"
    schedule = {"enable": True, "location": url, "mirror": {"to": [url, 1, None]}, url: 1.5}
    facts = Facts(
        read_version({"version": "9", "update": url}),
        None,
        read_schedules({"default": schedule}),
    )
    import_documents(engine, {}, "vc01")
    with db.writing(engine) as connection:
        fact_history.record(connection, 1, facts, SEEN)
    archive("export", "csv", str(tmp_path), at(engine))
    masked = "sftp://backup:***@nas/srv"
    (row,) = table(tmp_path, "schedule")
    assert json.loads(row["other"]) == {"mirror": {"to": [masked, 1, None]}, masked: 1.5}
    (row,) = table(tmp_path, "system_version")
    assert json.loads(row["other"]) == {"update": masked}
    for path in tmp_path.iterdir():
        assert SECRET not in path.read_text()


def test_folder_is_replaced_completely_or_not_at_all(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one file cannot be written, all older ones stay as they were, and no new one is left."""
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
    said = f"archive: {folder / 'setting.csv'}: cannot write: No space left on device\n"
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
        ("file/folder", 1, "file/folder: cannot create the folder: Not a directory\n"),
        ("x" * 300, 1, "cannot create the folder: File name too long\n"),
    ],
)
def test_folder_that_cannot_be_created(
    place: str, tmp_path: Path, target: str, code: int, said: str
) -> None:
    """A folder that cannot be created is a clear error."""
    (tmp_path / "file").touch()
    done = archive("export", "csv", str(tmp_path / target), place)
    assert (done.code, done.out) == (code, "")
    # Usage errors are shown in a box, which breaks lines.
    assert "".join(said.split()) in "".join(done.err.replace("│", "").split())


@pytest.mark.parametrize("verb", [["csv", "folder"], ["jsonl", "-o", "file"]])
def test_export_without_an_archive_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    """Exporting a missing archive creates neither an archive nor a file."""
    monkeypatch.chdir(tmp_path)
    done = archive("export", *verb, "-d", "none.db")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("archive: no archive at none.db")
    assert list(tmp_path.iterdir()) == []


def test_json_lines_hold_the_documents(engine: Engine) -> None:
    """Each job is a line with its appliance, its key, its canonical document, and when it was seen."""
    import_documents(engine, SAMPLES, "vc01")
    done = archive("export", "jsonl", at(engine))
    assert (done.code, done.err) == (0, "")
    exported = [json.loads(line) for line in done.out.splitlines()]
    assert [line["job"] for line in exported] == sorted(SAMPLES)
    for line in exported:
        assert list(line) == ["appliance", "job", "info", "seen"]
        assert (line["appliance"], line["info"]) == ("vc01", SAMPLES[line["job"]])
    for line, text in zip(exported, done.out.splitlines(), strict=True):
        assert f'"info":{canonical.read(line["info"]).text},' in text


def test_exported_lines_restore_the_archive(engine: Engine, tmp_path: Path) -> None:
    """An export ingested into an empty archive gives the same archive, without the quarantine."""
    import_documents(engine, SAMPLES, "vc01")
    running = STRANGE | {"status": "RUNNING", "user": "root"}
    import_documents(engine, {KEY: running}, "vc02", "2026-08-01T00:00:00.000000Z")
    import_documents(engine, {KEY: STRANGE}, "vc02", "2026-08-02T00:00:00.000000Z")
    path = tmp_path / "archive.jsonl"
    assert archive("export", "jsonl", "-o", str(path), at(engine)) == (0, "", "")
    assert path.read_text() == lines(engine)
    assert SECRET in path.read_text()
    again = migrate.connect(str(tmp_path / "again.db"))
    assert archive("ingest", str(path), at(again)).code == 0
    assert content(again) == content(engine)
    assert archive("export", "jsonl", at(again)).out == path.read_text()


def test_empty_archive_exports_no_lines(engine: Engine) -> None:
    """An empty archive gives an empty export."""
    assert archive("export", "jsonl", at(engine)) == (0, "", "")


def test_file_is_replaced_completely_or_not_at_all(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the older file stays, and no temporary file is left."""
    path = tmp_path / "archive.jsonl"
    path.write_text("old")

    def fail(*_: Any) -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "lines", fail)
    done = archive("export", "jsonl", "-o", str(path), place)
    said = f"archive: {path}: cannot write: No space left on device\n"
    assert done == (1, "", said)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {path.name: "old"}


def exported(folder: Path) -> set[str]:
    """Return the keys of the jobs in an exported folder."""
    return {row["key"] for row in table(folder, "job")}


def test_single_table_to_stdout_or_a_file(place: str, tmp_path: Path) -> None:
    """One table or view goes to standard output or into a file; several need a folder."""
    done = archive("export", "csv", "--table", "appliance", "-o", "-", place)
    assert (done.code, done.err) == (0, "")
    names = [row["name"] for row in csv.DictReader(done.out.splitlines())]
    assert names == ["vc01", "vc02"]
    path = tmp_path / "jobs.csv"
    done = archive("export", "csv", "--view", "v_job", "-o", str(path), place)
    assert done == (0, "", "")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["key"] for row in rows} == {*SAMPLES, KEY}
    (row,) = [row for row in rows if row["key"] == KEY]
    assert row["location"] == "sftp://backup:***@nas/srv"
    assert row["first_seen"] == row["last_seen"] == SEEN
    folder = tmp_path / "some"
    order = ("--table", "build", "--table", "build", "--view", "v_job", "--view", "v_message")
    done = archive("export", "csv", str(folder), *order, place)
    assert done == (0, "", f"1 table and 2 views written to {folder}.\n")
    assert {each.name for each in folder.iterdir()} == {
        "build.csv", "v_job.csv", "v_message.csv",
    }  # fmt: skip
    assert (folder / "v_job.csv").read_bytes() == path.read_bytes()


def test_views_without_a_row_per_job(engines: list[Engine]) -> None:
    """Days and expected backups are exported from a given day on, appliances completely."""
    statuses = ["SUCCEEDED"] * 10 + ["FAILED"]
    jobs = {
        f"202603{day:02}-010000-1": job(status, start_time=f"2026-03-{day:02}T01:00:00.000Z")
        for day, status in enumerate(statuses, 1)
    }
    views = ("v_day", "v_appliance", "v_standing", "v_expected_backup", "v_missed")
    found = []
    for engine in engines:
        import_documents(engine, jobs, seen_at="2026-03-11T12:00:00.000000Z")
        texts = {}
        for view in views:
            command = ("export", "csv", "--view", view, "--since", "2026-03-10", "-o", "-")
            done = archive(*command, at(engine))
            assert (done.code, done.err) == (0, "")
            texts[view] = done.out
        found.append(texts)
    assert found[0] == found[1]
    rows = {view: list(csv.DictReader(text.splitlines())) for view, text in found[0].items()}
    assert [(row["day"], row["status"], row["size_bytes"]) for row in rows["v_day"]] == [
        ("2026-03-10", "SUCCEEDED", "1024"),
        ("2026-03-11", "FAILED", "1024"),
    ]
    assert [row["last_success"] for row in rows["v_appliance"]] == ["2026-03-10"]
    assert [
        (row["state"], row["next_due_time"], row["next_due"]) for row in rows["v_standing"]
    ] == [("overdue", "", "overdue")]
    due = [(row["due_time"], row["outcome"], row["status"]) for row in rows["v_expected_backup"]]
    assert due[:2] == [
        ("2026-03-10T01:00:00.000000Z", "met", "SUCCEEDED"),
        ("2026-03-11T01:00:00.000000Z", "failed", "FAILED"),
    ]
    assert [row["due_time"] for row in rows["v_missed"]] == [due_time for due_time, *_ in due[1:]]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([], "no destination, or two: name a folder, or -o FILE"),
        (["a", "-o", "b"], "no destination, or two: name a folder, or -o FILE"),
        (["-o", "-"], "-o needs exactly one table or view: name it with --table or --view"),
        (["-o", "-", "--table", "job", "--view", "v_job"], "-o needs exactly one table or view"),
        (
            ["a", "--table", "jobs"],
            'unknown table "jobs" (did you mean "job"?)',
        ),
        (
            ["a", "--table", "latest_import"],
            'unknown table "latest_import"',
        ),
        (["a", "--view", "job"], 'unknown view "job" (did you mean "v_job"?)'),
        (["a", "--since", "2026-02-30"], 'invalid date range "2026-02-30"'),
        (["a", "--after", "9"], "--after 9: no such import; the newest one is 2"),
    ],
)
@pytest.mark.parametrize("verb", ["csv", "parquet"])
def test_invalid_options_are_usage_errors(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    order: list[str],
    said: str,
) -> None:
    """An invalid option is one sentence with code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    done = archive("export", verb, *order, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_delimiters(place: str, tmp_path: Path) -> None:
    """Cells that contain the delimiter are quoted, and everything can be read back."""
    archive("export", "csv", str(tmp_path / "plain"), place)
    for given, character in (
        (";", ";"),
        ("tab", "\t"),
        ("\t", "\t"),
        ("|", "|"),
        (":", ":"),
        (" ", " "),
    ):
        folder = tmp_path / "other"
        assert archive("export", "csv", str(folder), "--delimiter", given, place).code == 0
        for path in sorted(folder.iterdir()):
            with path.open(encoding="utf-8", newline="") as file:
                found = list(csv.reader(file, delimiter=character, strict=True))
            with (tmp_path / "plain" / path.name).open(encoding="utf-8", newline="") as file:
                assert found == list(csv.reader(file, strict=True))


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", ".", "-", "+", "a", "5", "é"])
def test_invalid_delimiters_are_refused(place: str, delimiter: str) -> None:
    """A character of numbers, quotes or line ends cannot be a delimiter."""
    done = archive("export", "csv", "folder", "--delimiter", delimiter, place)
    assert (done.code, done.out) == (2, "")
    assert f"--delimiter {delimiter!r}: use `tab` or one character" in done.err


def test_byte_order_mark(place: str, tmp_path: Path) -> None:
    """Excel reads a file as UTF-8 if it begins with the mark."""
    archive("export", "csv", str(tmp_path / "plain"), place)
    archive("export", "csv", str(tmp_path / "marked"), "--bom", place)
    for path in (tmp_path / "plain").iterdir():
        marked = (tmp_path / "marked" / path.name).read_bytes()
        assert marked == b"\xef\xbb\xbf" + path.read_bytes()


def test_part_of_the_archive_can_be_exported(place: str, tmp_path: Path) -> None:
    """Tables of jobs and their contents have the rows of the selected jobs, others are complete."""
    whole, recent, new = tmp_path / "whole", tmp_path / "recent", tmp_path / "new"
    archive("export", "csv", str(whole), place)
    assert archive("export", "csv", str(recent), "--since", "2026-03-01", place).code == 0
    done = archive("export", "csv", str(new), "--after", "1", place)
    number = len(relations.table_names())
    said = f"{number} tables written to {new}.\nFor the next export, use --after 2\n"
    assert done == (0, "", said)
    assert exported(recent) == {key for key in (*SAMPLES, KEY) if key >= "20260301"}
    assert exported(new) == {KEY}
    for folder in (recent, new):
        jobs = {(row["appliance_id"], row["id"]) for row in table(folder, "job")}
        contents = {
            (row["appliance_id"], row["content_id"])
            for row in table(whole, "message")
            if (row["appliance_id"], row["job_id"]) in jobs
        }
        for name in relations.table_names():
            rows = table(whole, name)
            if relations.table(name).of_contents is not None:
                column = "id" if name == "message_content" else "content_id"
                rows = [row for row in rows if (row["appliance_id"], row[column]) in contents]
            if relations.table(name).of_jobs is not None and name != "job":
                rows = [row for row in rows if (row["appliance_id"], row["job_id"]) in jobs]
            elif name == "job":
                rows = [row for row in rows if (row["appliance_id"], row["id"]) in jobs]
            assert table(folder, name) == rows, name


def test_json_lines_of_a_part_of_the_archive(place: str, tmp_path: Path) -> None:
    """Lines can be limited to some appliances, from a day on, or to what is new."""

    def keys(*order: str) -> set[str]:
        done = archive("export", "jsonl", *order, place)
        assert (done.code, done.err) == (0, "")
        return {json.loads(line)["job"] for line in done.out.splitlines()}

    assert keys("-a", "vc02") == keys("-a", "*2", "-o", "-") == {KEY}
    assert keys("-a", "vc0?", "--since", "2026-03-01") == {
        key for key in (*SAMPLES, KEY) if key >= "20260301"
    }
    done = archive("export", "jsonl", "--after", "1", "-o", str(tmp_path / "new"), place)
    assert done == (0, "", "For the next export, use --after 2\n")
    (line,) = (tmp_path / "new").read_text().splitlines()
    assert json.loads(line)["job"] == KEY
    assert archive("export", "jsonl", "--after", "2", place).out == ""
    done = archive("export", "jsonl", "-a", "vc9*", place)
    assert (done.code, done.out) == (2, "")
    assert 'no appliance matches "vc9*"' in done.err


@pytest.mark.parametrize(
    "order",
    [["csv", "a"], ["parquet", "b"], ["jsonl", "-o", "c"], ["csv", "--table", "job", "-o", "d"]],
)
def test_progress_is_shown_on_a_terminal(tmp_path: Path, order: list[str]) -> None:
    """A terminal shows how far an export has come."""
    path = str(tmp_path / "a.db")
    engine = created(path)
    import_documents(engine, SAMPLES, "vc01")
    order[-1] = str(tmp_path / order[-1])
    assert "━" in on_terminal("export", *order, "-d", path)


def test_no_progress_bar_when_data_go_to_the_terminal(tmp_path: Path) -> None:
    """Data on a terminal are not mixed with a progress bar."""
    path = str(tmp_path / "a.db")
    engine = created(path)
    import_documents(engine, SAMPLES, "vc01")
    shown = on_terminal("export", "jsonl", "-d", path)
    assert "━" not in shown
    assert [json.loads(line)["job"] for line in shown.splitlines()] == sorted(SAMPLES)
