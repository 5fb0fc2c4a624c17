"""`archive evidence`: bundles, their verification, and the head of the chain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.db import tables
from archive.store import evidence_chain
from tests.support.archives import count, import_documents
from tests.support.command import archive, at
from tests.support.configurations import written
from tests.support.samples import api, job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

KEY = "0123456789abcdef"


@pytest.fixture
def place(sqlite_archive: Engine, engines: list[Engine]) -> str:
    """An archive with a job. The chain is the same on both databases."""
    assert engines
    import_documents(sqlite_archive, api(a=job()))
    return at(sqlite_archive)


def head(engine: Engine) -> str:
    with db.reading(engine) as connection:
        return str(evidence_chain.head(connection))


def test_head_is_printed_mailed_and_logged(place: str, sqlite_archive: Engine) -> None:
    newest = head(sqlite_archive)
    assert re.fullmatch("1:[0-9a-f]{64}", newest)
    assert archive("evidence", "head", place) == (0, f"{newest}\n", "")
    assert f"Head of the chain of evidence: {newest}.\n" in archive("log", "imports", place).err
    assert archive("log", "imports", "-f", "csv", place).err == ""


def test_bundle_is_written_and_verified(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    done = archive("evidence", "--since", "2026-01-01", "-o", str(folder), place)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"1 document written to {folder}. Head: 1:")
    assert archive("evidence", "verify", str(folder)) == (0, "", "No problems found.\n")
    assert archive("evidence", "verify", str(folder), place) == (0, "", "No problems found.\n")
    (folder / "compliance.csv").write_text("nothing\n")
    done = archive("evidence", "verify", str(folder))
    assert done.code == 1
    assert done.out.startswith("compliance.csv: not the file that SHA256SUMS lists in line ")
    assert done.err == f"archive: 1 problem found in {folder}\n"
    again = archive("evidence", "export", "-o", str(folder), place)
    assert (again.code, again.err) == (
        1,
        f"archive: {folder}: the folder is not empty: name a new one\n",
    )


def test_chain_of_the_archive_is_verified(place: str, sqlite_archive: Engine) -> None:
    newest = head(sqlite_archive)
    done = archive("evidence", "verify", "--head", newest, place)
    assert done == (0, "", f"No problems found. Head: {newest}.\n")
    import_documents(sqlite_archive, api(b=job()))
    assert archive("evidence", "verify", "--head", newest, place).code == 0
    other = f"2:{'0' * 64}"
    done = archive("evidence", "verify", "--head", other, place)
    assert (done.code, done.err) == (
        1, f"archive: the chain has no link 2 with the digest {'0' * 64}\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "."], ".: not a bundle of evidence: it has no SHA256SUMS or no chain.csv"),
        (["verify", "--head", "1:xy"], "--head: write a number, a colon and 64 hexadecimal digits"),
        (["--since", "2026-03-01", "--until", "2026-02-01", "-o", "x"], "the first day 2026-03-01"),
        (["--appliance", "vc9", "-o", "never"], 'no appliance matches "vc9"'),
    ],
)
def test_wrong_use_is_said(
    place: str, arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = archive("evidence", *arguments, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_key_of_the_configuration_signs_imports(
    place: str, sqlite_archive: Engine, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_bytes(api(c=job()))
    config = written(tmp_path, f'[evidence]\nkey = "{KEY}"\n')
    ingest = ("ingest", str(answer), "--appliance", "vc01", "--config", str(config), place)
    assert archive(*ingest).code == 0
    rename = ("appliance", "rename", "vc01", "vc02", "--config", str(config), place)
    assert archive(*rename).code == 0
    with db.reading(sqlite_archive) as connection:
        signed = [link.mac is not None for link in evidence_chain.links(connection)]
    assert signed == [False, True, True]
    assert archive("db", "verify", "--config", str(config), place).code == 0
    done = archive("evidence", "verify", "--config", str(config), place)
    assert done.err.endswith("\n1 link without a key.\n2 links with the configured key.\n")
    config.write_text(f'[evidence]\nkey = "{KEY}x"\n')
    done = archive("db", "verify", "--config", str(config), place)
    assert "the newest link is not made with the configured key" in done.out


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('"short"', "[evidence]: key: shorter than 16 characters"),
        ('{ file = "missing" }', "no key from file missing"),
        ("{}", "[evidence]: key: write it as"),
    ],
)
def test_unusable_key_stops_an_import(
    place: str, sqlite_archive: Engine, tmp_path: Path, key: str, said: str
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_bytes(api(c=job()))
    config = written(tmp_path, f"[evidence]\nkey = {key}\n")
    done = archive("ingest", str(answer), "-a", "vc01", "--config", str(config), place)
    assert done.code in (1, 2)
    assert said in done.err
    assert count(sqlite_archive, tables.ingest_run) == 1
