"""`archive db prune`, and legal holds, from the command line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from archive.db import tables
from tests.support.archives import count, created, import_documents
from tests.support.command import archive
from tests.support.years import FLEET, fill

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

PRUNE = ("db", "prune", "--keep", "60d")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the day after the last import: jobs are kept from 1 January 2026 on."""
    monkeypatch.setattr("archive.timestamps.now", lambda: "2026-03-12T12:00:00.000000Z")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Give an archive with a history of some months."""
    engine = created(tmp_path / "archive.db")
    fill(engine, "daily")
    return engine


def at(engine: Engine) -> str:
    """Return the option that names an archive."""
    return f"--database={engine.url.database}"


def test_without_yes_nothing_is_pruned(engine: Engine) -> None:
    """It says what would go, and by appliance."""
    done = archive(*PRUNE, "--verbose", "--format=csv", at(engine))
    assert done.code == 0
    assert done.err == (
        "This would prune 122 jobs of 1 appliance from 2025-09-01 to 2025-12-31, with 255 messages"
        " (499 rows in all). It cannot be undone. Run it again with --yes.\n"
    )
    rows = list(csv.DictReader(done.out.splitlines()))
    assert [(row["appliance"], row["jobs"], row["legal_hold"]) for row in rows] == [
        ("daily", "122", "false")
    ]
    assert count(engine, tables.job) == len(FLEET["daily"])


def test_yes_prunes_what_is_not_on_hold(engine: Engine) -> None:
    """What a hold or --keep-failures keeps is named, and the log has what was done."""
    assert archive("appliance", "hold", "daily", at(engine)).err == (
        "1 appliance put on legal hold: daily.\n"
    )
    held = archive(*PRUNE, "--yes", at(engine))
    assert held.err == (
        "122 jobs of 1 appliance are kept by legal hold: daily.\n"
        "There is nothing to prune before 2026-01-01.\n"
    )
    archive("appliance", "release", "daily", at(engine))
    done = archive(*PRUNE, "--keep-failures=10y", "--yes", at(engine))
    assert done.err == (
        "11 failed jobs before 2026-01-01 are kept (--keep-failures).\n"
        "Pruned 111 jobs of 1 appliance from 2025-09-01 to 2025-12-31, with 222 messages (444 rows in"
        " all). Their totals stay.\n"
    )
    log = archive("log", "maintenance", "--limit=1", "--format=csv", at(engine)).out
    assert log.splitlines()[1].endswith(
        ',prune,daily,,111,"before 2026-01-01, failures before 2016-03-01"'
    )
    assert archive("db", "verify", at(engine)).err == "No problems found.\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--keep", "7"), '--keep "7": write how long to keep jobs, such as 90d, 12w, 18mo or 7y'),
        (("--keep", "7m"), '--keep "7m": write how long'),
        (("--keep", "-1y"), '--keep "-1y": write how long'),
        (("--keep", "2020-01-01"), '--keep "2020-01-01": write how long'),
        (("--keep", "0y"), '--keep "0y": write how long'),
        (("--keep", "7d"), '--keep "7d": keep at least 60 days'),
        (("--keep", "9999y"), "invalid date range"),
        (("--keep", "7y", "--keep-failures", "5y"), "--keep-failures 5y is less than --keep 7y"),
    ],
)
def test_other_durations_are_refused(
    engine: Engine, options: tuple[str, ...], sentence: str
) -> None:
    """A wrong unit must not delete years."""
    done = archive("db", "prune", *options, "--yes", at(engine))
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_hold_needs_names_or_tags(engine: Engine, tmp_path: Path) -> None:
    """Either is enough; a tag stands for the appliances that have it in the configuration."""
    for arguments in ((), ("daily", "--tag=a=b"), ("nobody",)):
        assert archive("appliance", "hold", *arguments, at(engine)).code == 2
    path = tmp_path / "archive.toml"
    path.write_text(
        "".join(
            f'[[appliance]]\nname = "{name}"\nuser = "u"\nsecret = {{ environment = "S" }}\ntags = {{ site = "a" }}\n'
            for name in ("daily", "other")
        )
    )
    path.chmod(0o600)
    import_documents(engine, FLEET["weekly"], "other")
    done = archive("appliance", "hold", "--tag=site=a", f"--config={path}", at(engine))
    assert done.err == "2 appliances put on legal hold: daily, other.\n"
