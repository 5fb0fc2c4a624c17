from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.reports import REPORTS
from tests.reports import reference
from tests.support.archives import empty
from tests.support.command import archive
from tests.support.command import at as place
from tests.support.configurations import DEFAULTS, written

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DATA = Path(__file__).parents[1] / "data" / "reference"


@pytest.fixture(scope="module")
def loaded(sqlite_archive: Engine, postgresql_archive: Engine) -> list[Engine]:
    """Give an archive of the reference fleet on each database; these tests only read it."""
    for engine in (sqlite_archive, postgresql_archive):
        empty(engine)
        reference.load(engine)
    return [sqlite_archive, postgresql_archive]


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a configuration with the cadence of one of the appliances."""
    text = DEFAULTS + reference.CONFIGURATION
    return f"--config={written(tmp_path_factory.mktemp('fleet'), text)}"


def asked(name: str) -> list[tuple[str, str]]:
    """Return the commands in a report's file, each with its output; lines with a `#` are comments."""
    text = (DATA / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
    commands = "".join(lines).split("$ archive ")[1:]
    return [
        (line, said.rstrip("\n")) for line, _, said in (one.partition("\n") for one in commands)
    ]


@pytest.mark.parametrize("name", REPORTS)
def test_report_equals_the_reference(loaded: list[Engine], configuration: str, name: str) -> None:
    """Each report equals the values computed by hand, on each database."""
    found = asked(name)
    assert found
    for line, said in found:
        command = [*shlex.split(line), "--now", reference.NOW, configuration]
        assert command[:2] == ["report", name]
        tables = [archive(*command, place(engine)) for engine in loaded]
        for done in tables:
            assert (done.code, (done.out + done.err).rstrip("\n")) == (0, said)
        first, second = (archive(*command, "--format", "csv", place(engine)) for engine in loaded)
        assert first == second


def test_digests_are_those_of_the_documents(loaded: list[Engine], configuration: str) -> None:
    """`compliance` shows the SHA-256 of the document: JSON with sorted keys and no white space."""
    options = ("--format", "json", "--now", reference.NOW, configuration)
    done = archive("report", "compliance", *options, place(loaded[0]))
    rows = json.loads(done.out)["rows"]
    assert len(rows) == 100
    for row in rows:
        if row["key"] is not None:
            info = reference.jobs(row["appliance"])[row["key"]]
            text = json.dumps(info, sort_keys=True, separators=(",", ":"))
            assert row["digest"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", REPORTS)
def test_reports_that_depend_on_now_say_so(
    loaded: list[Engine], configuration: str, name: str
) -> None:
    """A report that changes a day later has `now` in its scope."""
    later = reference.NOW.replace("-12T", "-13T")
    options = ("--format", "json", configuration, place(loaded[0]))
    scopes, rows = [], []
    for now in ([], ["--now", reference.NOW], ["--now", later]):
        heading = json.loads(archive("report", name, *now, *options).out)
        scopes.append(heading["scope"])
        rows.append(heading["rows"])
    assert rows[1] == rows[2] or "now" in scopes[0]
