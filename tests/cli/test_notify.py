from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive import db
from tests.reports.nights import CADENCED, NOW, night
from tests.reports.nights import at as instant
from tests.support.archives import import_documents
from tests.support.command import Done, archive, at
from tests.support.configurations import written
from tests.support.monitored import load
from tests.support.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

TOKEN = "T0KEN-in-path"  # noqa: S105 - made up
HOSTILE = 'vc4 "\\/{ä}=,#'
LATER = instant("2026-03-11T10:00")


@pytest.fixture
def servers() -> Iterator[tuple[Webhooks, Webhooks]]:
    """Give the servers of the recipients `ops` and `audit`."""
    with Webhooks() as first, Webhooks() as second:
        yield first, second


@pytest.fixture
def config(
    tmp_path: Path, servers: tuple[Webhooks, Webhooks], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Give the option that names a configuration with two recipients."""
    urls = [f"json://127.0.0.1:{server.port}/{TOKEN}" for server in servers]
    monkeypatch.setenv("OPS_URL", urls[0])
    (tmp_path / "audit-url").write_text(f"{urls[1]}\n")
    (tmp_path / "audit-url").chmod(0o600)
    text = """\
[[notify]]
name = "ops"
url = { environment = "OPS_URL" }

[[notify]]
name = "audit"
url = { file = "audit-url" }
"""
    return f"--config={written(tmp_path, text)}"


@pytest.fixture
def place(engine: Engine) -> str:
    """Give the option that names an archive of the monitored fleet."""
    load(engine)
    return at(engine)


def notify(place: str, config: str, *arguments: str, now: str = NOW) -> Done:
    done = archive("notify", place, config, "--now", now, *arguments)
    assert TOKEN not in done.out + done.err
    return done


def known(engine: Engine, recipient: str) -> dict[str, str]:
    from archive.store import notified_problems

    with db.reading(engine) as connection:
        return notified_problems.known(connection, recipient)


def test_problems_are_notified_once_and_recoveries_too(
    engine: Engine, place: str, config: str, servers: tuple[Webhooks, Webhooks]
) -> None:
    """Every hour the command runs; people are notified only of changes. Problems are those of `check`."""
    checked = archive("check", place, "--now", NOW).out.splitlines()[1:]
    problems = "".join(f"{line.removeprefix('[').replace('] ', ' ', 1)}\n" for line in checked)
    assert problems.startswith(f"CRITICAL {HOSTILE}: no success yet\n")
    assert notify(place, config) == (0, "", "")
    for server in servers:
        (came,) = server.came
        assert came["title"] == "vCenter backups: 3 new problems"
        assert came["type"] == "failure"
        body, _, counts = came["message"].rpartition("\n\n")
        assert f"{body}\n" == f"New or worse:\n{problems}"
        assert counts.startswith("Now: 1 CRITICAL, ")
        assert counts.endswith(", 2 OK.")
    assert notify(place, config, now=instant("2026-03-11T09:00")) == (0, "", "")
    assert [len(server.came) for server in servers] == [1, 1]

    back = [night(f"2026-03-{day:02}T12:00") for day in (9, 10)]
    import_documents(engine, dict(back), CADENCED, instant("2026-03-11T09:30"))
    assert notify(place, config, now=LATER) == (0, "", "")
    for server in servers:
        assert server.came[1:] == [server.came[-1]]
        assert server.came[-1]["title"] == "vCenter backups: vc2.example.com recovered"
        assert server.came[-1]["type"] == "success"
        assert "vc2.example.com: last success 22 h 00 m ago" in server.came[-1]["message"]
    assert CADENCED not in known(engine, "ops")


def test_failure_of_one_recipient_is_notified_next_time(
    engine: Engine, place: str, config: str, servers: tuple[Webhooks, Webhooks]
) -> None:
    """The other is notified at once, and not again."""
    servers[0].status = 503
    done = notify(place, config)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("archive: notify ops: Failed to send JSON POST notification: ")
    assert [len(server.came) for server in servers] == [1, 1]
    assert (known(engine, "ops"), len(known(engine, "audit"))) == ({}, 3)
    servers[0].status = 200
    assert notify(place, config) == (0, "", "")
    assert [len(server.came) for server in servers] == [2, 1]


def test_exit_code_if_nobody_is_notified(
    place: str, config: str, servers: tuple[Webhooks, Webhooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing secret is the problem of its recipient only."""
    servers[1].status = 500
    monkeypatch.delenv("OPS_URL")
    done = notify(place, config)
    assert (done.code, done.out) == (1, "")
    first, second = done.err.splitlines()
    assert first.endswith("no URL from environment OPS_URL: the variable is not set")
    assert second.startswith("archive: notify audit: Failed to send")


def test_dry_run_prints_and_records_nothing(
    engine: Engine, place: str, config: str, servers: tuple[Webhooks, Webhooks]
) -> None:
    done = notify(place, config, "--dry-run", "--to", "ops")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "To ops: vCenter backups: 3 new problems\n\nNew or worse:\nCRITICAL vc4"
    )
    assert (known(engine, "ops"), servers[0].came) == ({}, [])
    notify(place, config, "--to", "ops")
    assert notify(place, config, "--dry-run").out.startswith("To ops: nothing new\n\nTo audit: vC")


def test_test_needs_no_archive(config: str, servers: tuple[Webhooks, Webhooks]) -> None:
    done = archive("notify", "--test", config, "--database", "/nowhere/archive.db")
    assert done == (0, "", "")
    assert [server.came[0]["title"] for server in servers] == ["vCenter backups: test"] * 2


def test_part_of_the_fleet(
    engine: Engine, place: str, config: str, servers: tuple[Webhooks, Webhooks]
) -> None:
    """A run over some appliances leaves what is known of the others."""
    notify(place, config, "--to", "ops")
    assert notify(place, config, "--to", "ops", "--appliance", "vc1*") == (0, "", "")
    assert (len(servers[0].came), len(known(engine, "ops"))) == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--to", "opps"), 2, 'no [[notify]] "opps" (did you mean "ops"?)'),
        (("--test", "--dry-run"), 2, "--dry-run and --test exclude each other"),
    ],
)
def test_usage(place: str, config: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = notify(place, config, *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_without_recipients(place: str, tmp_path: Path) -> None:
    done = archive("notify", place, f"--config={written(tmp_path, '')}")
    assert (done.code, done.out) == (1, "")
    assert "no recipient of notifications: add a section [[notify]] with name and url" in done.err


def test_without_the_extra(place: str, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The advice installs it; nothing is recorded."""
    import sys

    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "apprise", None)
    done = notify(place, config)
    assert (done.code, done.out) == (1, "")
    assert 'notifications need the extra "notify"; run `' in done.err


def test_second_run_at_the_same_time_ends(engine: Engine, place: str, config: str) -> None:
    """Otherwise both would send the same."""
    with db.alone(engine, "notify") as alone:
        assert alone
        done = notify(place, config)
    assert (done.code, done.out) == (1, "")
    assert done.err == "archive: another `archive notify` is running on this archive\n"
