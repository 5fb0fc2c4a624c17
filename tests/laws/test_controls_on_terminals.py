"""What an appliance sends cannot control a terminal, whatever the verb and the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.text import without_controls
from tests.support.archives import empty, import_documents
from tests.support.command import archive, at
from tests.support.laws import some
from tests.support.samples import job
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

# Set the title, in C0 and C1; clear the line; a bell; reverse the direction; isolate; a line separator; DEL.
CONTROLS = [
    "\x1b]0;title\x07",
    "\x9d0;title\x9c",
    "\x9b2K",
    "\x07",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ufeff",
    "\x7f",
    "\x08",
]
EVIL = "".join(CONTROLS)
KEY = "20260301-021500-1"


@pytest.fixture
def planted(sqlite_archive: Engine) -> Engine:
    """Give an archive that has control characters in every text."""
    empty(sqlite_archive)
    message = {"id": f"m{EVIL}", "default_message": f"text {EVIL}", "args": [EVIL]}
    texts: dict[str, Any] = dict.fromkeys(("user", "location_user", "service", "operation"), EVIL)
    failed = job("FAILED", messages=[message], location=f"ftp://nas/{EVIL}", **texts)
    import_documents(sqlite_archive, {KEY: failed, f"2{EVIL}": job() | {EVIL: 1}}, "vc01")
    import_documents(
        sqlite_archive, {"20260302-021500-1": {"x": EVIL}}, "vc01", name=f"a{EVIL}.json"
    )
    return sqlite_archive


RUNS = [
    ("job", "list"),
    ("job", "list", "--format", "csv"),
    ("job", "list", "--format", "json"),
    ("job", "show", "vc01", KEY),
    ("job", "show", "vc01", KEY, "--format", "json"),
    ("quarantine", "show", "1"),
    ("log", "imports", "--format", "csv"),
    ("sql", "failures_this_week", "--param", "days=9999", "--format", "csv"),
    ("report", "failures", "--since", "2026-03-01", "--until", "2026-03-02"),
    ("report", "failures", "--since", "2026-03-01", "--until", "2026-03-02", "--format", "csv"),
    ("report", "locations", "--format", "csv"),
    ("export", "csv", "--table", "message_template", "--output", "-"),
    ("export", "jsonl"),
]


@pytest.mark.parametrize("run", some(RUNS, 4), ids=" ".join)
def test_texts_cannot_control_a_terminal(planted: Engine, run: tuple[str, ...]) -> None:
    """No output on a terminal contains a control character that came with a document."""
    shown = on_terminal(*run, at(planted))
    assert [control for control in CONTROLS if control in shown] == []
    assert "\\x9b" in shown or "\\u009b" in shown


def test_names_in_errors_cannot_control_a_terminal(tmp_path: Path) -> None:
    """The same holds for the names of files and for arguments."""
    for arguments in (("ingest", f"{tmp_path}/no{EVIL}.json"), ("report", EVIL), (EVIL,)):
        done = archive(*arguments)
        assert done.code != 0
        assert without_controls(done.err) == done.err


def test_csv_is_exact_elsewhere(planted: Engine) -> None:
    """Only on a terminal are characters escaped: files and pipes get what was archived."""
    assert EVIL in archive("log", "imports", "--format", "csv", at(planted)).out


def test_bytes_of_damaged_texts_are_escaped() -> None:
    """They stand in a text as lone surrogates, which no stream can encode."""
    assert without_controls("a\udcff\ud83d\tb") == "a\\udcff\\ud83d\tb"
