from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from archive import cli
from archive.db import tables
from archive.document import canonical
from archive.errors import NotAJobError
from archive.ingest import observe
from tests.support.archives import SEEN, count, import_documents, rows
from tests.support.command import archive, at
from tests.support.samples import job

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

LATER = "2026-07-25T12:00:00.000000Z"
# As imported: spaces, an escape, a key that comes twice.
BROKEN = rb'"20260301-021500-1" : {"size": 5,  "size": "\u00e9"}'
HELD = rb'"20260301-021500-1":{"size": 5,  "size": "\u00e9"}'
GOOD = job(progress=None)
LISTED = [
    {
        "number": 1,
        "appliance": "vc01",
        "key": "20260301-021500-1",
        "position": "document 1",
        "reason": "no status",
        "document_bytes": len(HELD),
        "first_seen": SEEN,
        "last_seen": LATER,
    },
    {
        "number": 2,
        "appliance": "vc02",
        "key": "20260302-021500-1",
        "position": "document 1",
        "reason": "it is too new",
        "document_bytes": len(json.dumps({"20260302-021500-1": GOOD})) - 3,
        "first_seen": SEEN,
        "last_seen": SEEN,
    },
]
TABLE = """\
number  appliance  key                position    reason         document  first seen            last seen
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     1  vc01       20260301-021500-1  document 1  no status          50 B  2026-07-24 12:00:00Z  2026-07-25 12:00:00Z
     2  vc02       20260302-021500-1  document 1  it is too new     466 B  2026-07-24 12:00:00Z  2026-07-24 12:00:00Z
"""


@pytest.fixture
def place(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the option that names an archive with two documents in quarantine.

    The second is one that only an older version of the command could not read.
    """
    for seen in (SEEN, LATER):
        import_documents(engine, b"{" + BROKEN + b"}", "vc01", seen)

    def refuse(_: Any) -> Any:
        raise NotAJobError("it is too new")

    with monkeypatch.context() as older:
        older.setattr(observe, "parse", refuse)
        import_documents(engine, {"20260302-021500-1": GOOD}, "vc02")
    return at(engine)


def test_quarantine_is_listed(place: str, tmp_path: Path) -> None:
    """Each document has its appliance, its place in the import, the reason, and the time."""
    assert archive("quarantine", "list", place) == (0, TABLE, "")
    assert json.loads(archive("quarantine", "list", "--format", "json", place).out) == LISTED
    path = tmp_path / "held.csv"
    assert archive("quarantine", "list", "--format", "csv", "-o", str(path), place) == (0, "", "")
    listed = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    assert listed == [{name: str(value) for name, value in row.items()} for row in LISTED]


def test_empty_quarantine(engine: Engine) -> None:
    """An empty quarantine is a note, and a retry does nothing."""
    done = archive("quarantine", "list", at(engine))
    assert (done.code, done.out.count("\n"), done.err) == (0, 2, "No documents in quarantine.\n")
    assert archive("quarantine", "list", "-f", "json", at(engine)).out == "[]\n"
    done = archive("quarantine", "retry", at(engine))
    assert done == (0, "0 archived, 0 still in quarantine\n", "")


def test_document_is_shown_as_imported(place: str) -> None:
    """The bytes go to standard output as they were imported, and the reason to standard error."""
    done = archive("quarantine", "show", "1", place)
    assert done == (0, HELD.decode() + "\n", "document 1: no status\n")


def test_bytes_that_are_not_text_are_shown(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any bytes are written as they were imported."""
    line = b'"20260301-021500-1":\xff\xfe\x00'
    import_documents(engine, b"{%s}\n{%s}" % (line, line), name="answers.jsonl")
    out = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", ["archive", "quarantine", "show", "1", at(engine)])
        patched.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii"))
        with pytest.raises(SystemExit):
            cli.main()
        assert out.getvalue() == line + b"\n"


def test_retry_archives_readable_documents(place: str, engine: Engine) -> None:
    """Documents that can be read now are archived with their time of import; code 3 if some remain."""
    done = archive("quarantine", "retry", place)
    assert done == (3, "1 archived, 1 still in quarantine\n", "")
    assert json.loads(archive("quarantine", "list", "-f", "json", place).out) == LISTED[:1]
    shown = archive("job", "show", "vc02", "20260302-021500-1", "-f", "json", place)
    assert shown.out == canonical.read(GOOD).text + "\n"
    jobs = tables.job.c
    assert rows(engine, sa.select(jobs.first_seen, jobs.last_seen)) == [(SEEN, SEEN)]
    assert archive("db", "verify", place).code == 0


def test_selected_documents_are_retried(place: str, engine: Engine) -> None:
    """Numbers select documents; a repeated number is retried once."""
    assert archive("quarantine", "retry", "1", place).code == 3
    assert count(engine, tables.job) == 0
    done = archive("quarantine", "retry", "2", "2", place)
    assert done == (0, "1 archived, 0 still in quarantine\n", "")
    assert count(engine, tables.quarantine) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "3"], "archive: no document 3 in quarantine: see `archive quarantine list`\n"),
        (
            ["retry", "1", "9", "2", "8"],
            "archive: no document 8 in quarantine: see `archive quarantine list`\n",
        ),
        (["show", "0"], "Invalid value"),
        (["show", "one"], "Invalid value"),
        (["show", "99999999999999999999"], "Invalid value"),
        (["retry", "99999999999999999999"], "Invalid value"),
        (["show"], "Missing argument"),
    ],
)
def test_unknown_number(place: str, engine: Engine, arguments: list[str], said: str) -> None:
    """An unknown number gives code 2, and nothing is retried."""
    done = archive("quarantine", *arguments, place)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert (count(engine, tables.quarantine), count(engine, tables.job)) == (2, 0)
