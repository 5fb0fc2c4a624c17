"""A bundle can be checked with the commands of its own page, and by the command; what differs is named."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from archive.maintenance import evidence_bundle, evidence_check
from archive.maintenance.evidence_bundle import Selected
from archive.maintenance.evidence_check import Head
from archive.maintenance.forget import forget
from archive.store import evidence_chain
from archive.store.evidence_chain import Key
from tests.support import everything
from tests.support.archives import created, import_documents
from tests.support.samples import api, job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine

KEY = Key("known to the auditor alone")
_WITH_PASSWORD = job(location="sftp://backup:hunter2@nas.example.com/backup")


def written(engine: Engine, folder: Path, selected: Selected = Selected()) -> Path:  # noqa: B008
    folder.mkdir()
    with db.reading(engine) as connection:
        evidence_bundle.write(connection, folder, selected)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fill(engine: Engine) -> Engine:
    """Fill an archive with a bit of everything, a forgotten appliance, and a key for its last links."""
    everything.fill(engine)
    import_documents(engine, api(secret=_WITH_PASSWORD), "vc02")
    import_documents(engine, api(gone=job()), "vc,07")
    keyed = engine.execution_options()
    evidence_chain.use_key(keyed, lambda: KEY)
    forget(keyed, "vc,07")
    return engine


@pytest.fixture(scope="module")
def filled(shared_engine: Engine) -> Engine:
    return fill(shared_engine)


@pytest.fixture(scope="module")
def bundle_of_each(filled: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the bundle of an archive on each database in turn."""
    return written(filled, tmp_path_factory.mktemp("bundles") / "whole")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bundle for tests of the files alone."""
    folder = tmp_path_factory.mktemp("bundle")
    engine = created(folder / "archive.db")
    return written(fill(engine), folder / "whole")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle, tmp_path / "copy")
    return tmp_path / "copy"


def test_whole_bundle_has_no_problems(bundle_of_each: Path, filled: Engine) -> None:
    assert list(evidence_check.check(bundle_of_each, KEY)) == []
    with db.reading(filled) as connection:
        assert list(evidence_check.compare(connection, bundle_of_each)) == []
        head = evidence_chain.head(connection)
    assert list(evidence_check.check(bundle_of_each, heads=[Head(head.id, head.link.hex())])) == []
    (one,) = evidence_check.check(bundle_of_each, heads=[Head(head.id, "0" * 64)])
    assert one == f"chain.csv: link {head.id} is not {'0' * 64}"


def test_same_archive_gives_the_same_bytes(
    bundle_of_each: Path, filled: Engine, tmp_path: Path
) -> None:
    assert content(written(filled, tmp_path / "again")) == content(bundle_of_each)


def test_commands_of_the_page_find_nothing_in_a_whole_bundle(bundle_of_each: Path) -> None:
    page = (bundle_of_each / "README.txt").read_text()
    assert shell(bundle_of_each, commands(page)) == ""


def test_commands_of_the_page_find_a_changed_document_and_link(copy: Path) -> None:
    page = (copy / "README.txt").read_text()
    change(copy / "documents.jsonl", 2, _first("{", "{ "))
    change(copy / "chain.csv", 3, _first("vc01", "vc02"))
    found = shell(copy, commands(page)).splitlines()
    assert found[0] == "line 2 differs"
    assert found[1].startswith("differs: ")
    assert len(found) == 2


def commands(page: str) -> str:
    """Return the commands that print only what is wrong."""
    blocks = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    silent = [block for block in blocks if "differs" in block or "broken" in block]
    assert len(silent) == 2
    return "".join(silent)


def shell(folder: Path, script: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, capture_output=True, check=False, text=True
    )
    assert done.stderr == ""
    return done.stdout


def test_sums_are_those_of_sha256sum(bundle: Path) -> None:
    shell(bundle, "sha256sum --strict --check --quiet SHA256SUMS")


def change(path: Path, line: int, edit: Callable[[str], str]) -> None:
    """Change a line, from 1, of a file."""
    lines = path.read_text().splitlines(keepends=True)
    lines[line - 1] = edit(lines[line - 1])
    path.write_text("".join(lines))


def _first(old: str, new: str) -> Callable[[str], str]:
    return lambda line: line.replace(old, new, 1)


@pytest.mark.parametrize(
    ("file", "line", "edit", "said"),
    [
        ("documents.jsonl", 2, _first("{", "{ "), "documents.jsonl:2: not the document of "),
        ("documents.jsonl", 2, lambda line: line + line, "documents.jsonl:3: not the document of "),
        ("documents.csv", 3, _first("\n", ",x\n"), "documents.csv:3: not the line of a document"),
        (
            "documents.csv",
            3,
            lambda line: re.sub("[0-9a-f]{64}", "0" * 64, line),
            "documents.csv:3: no line of received.csv",
        ),
        ("chain.csv", 3, _first("vc01", "vc02"), "chain.csv:3: the link is not the SHA-256"),
        ("chain.csv", 4, lambda _: "", "chain.csv:4: link 4 does not follow"),
        ("chain.csv", 4, lambda _: "x\n", "chain.csv:4: not a line of a chain"),
        ("received.csv", 2, _first("2026", "2027"), "received.csv:2: the lines of link 1 up to"),
        ("received.csv", 2, lambda _: "\n", "received.csv:2: not a line of a document"),
        ("maintenance.csv", 2, _first("\n", "x\n"), "maintenance.csv:2: not the line of link"),
        ("facts.csv", 3, _first("{", "{ "), "facts.csv:3: not the line of link "),
        ("maintenance.csv", 2, lambda _: "", "maintenance.csv: no line 1, which link"),
        ("compliance.csv", 2, lambda line: f"x{line}", None),
        (
            "SHA256SUMS",
            1,
            _first("README", "README2"),
            "SHA256SUMS:1: there is no file README2.txt",
        ),
    ],
)
def test_what_differs_is_named(
    copy: Path, file: str, line: int, edit: Callable[[str], str], said: str | None
) -> None:
    change(copy / file, line, edit)
    found = list(evidence_check.check(copy, KEY))
    if file != "SHA256SUMS":
        assert re.match(rf"{file}: not the file that SHA256SUMS lists in line \d+", found[0])
        del found[0]
    assert said is None or any(one.startswith(said) for one in found), found


def test_file_that_was_added_is_named(copy: Path) -> None:
    (copy / "more.txt").touch()
    assert list(evidence_check.check(copy)) == ["more.txt: not in SHA256SUMS"]


def test_hmac_of_another_key_is_named(bundle: Path) -> None:
    class Forged(Key):
        def __init__(self) -> None:
            super().__init__("a guess of the auditor's")
            self.id = KEY.id

    (one,) = evidence_check.check(bundle, Forged())
    assert re.fullmatch(r"chain\.csv:\d+: the HMAC was not made with the key", one)


def test_bundle_of_another_archive_is_named(bundle: Path, engine: Engine) -> None:
    import_documents(engine, api(a=job()))
    with db.reading(engine) as connection:
        (one,) = evidence_check.compare(connection, bundle)
    assert one == "chain.csv:2: the archive does not have this link"


def test_passwords_are_hidden_and_marked(bundle_of_each: Path) -> None:
    whole = b"".join(content(bundle_of_each).values())
    assert b"hunter2" not in whole
    assert b":secret@" not in whole
    index = (bundle_of_each / "documents.csv").read_text()
    assert re.search(
        r"^\d+,vc02,secret,2026-02-28,SUCCEEDED,[0-9a-f]{64},yes$", index, re.MULTILINE
    )


def test_only_the_owner_can_read_a_bundle(bundle: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in bundle.iterdir()} == {0o600}


def test_part_of_an_archive(filled: Engine, tmp_path: Path) -> None:
    """It has documents of some days and appliances only, and the links that brought them.

    Days start at 16:00.
    """
    selected = Selected("2026-05-03", "2026-05-05", ("vc03",))
    folder = written(filled, tmp_path / "part", selected)
    assert list(evidence_check.check(folder, KEY)) == []
    documents = [json.loads(line) for line in (folder / "documents.jsonl").read_text().splitlines()]
    days = {document["start_time"][:10] for document in documents}
    assert days == {"2026-05-04", "2026-05-05", "2026-05-06"}
    received = (folder / "received.csv").read_text()
    # The name at that time.
    assert set(re.findall(r"^\d+,([^,]+)", received, re.MULTILINE)) == {"vc01"}
    assert "vc02" not in (folder / "compliance.csv").read_text()


def test_schedules_in_force_and_settings_are_in_it(bundle_of_each: Path) -> None:
    schedules = (bundle_of_each / "schedules.csv").read_text()
    assert "sftp://backup:***@nas.example.com/backup" in schedules
    assert schedules.count("\n") == 3
    settings = (bundle_of_each / "settings.csv").read_text()
    assert "calendar.time_zone,Europe/Berlin" in settings
    attempts: Any = (bundle_of_each / "collections.csv").read_text()
    assert "no route to host" in attempts
