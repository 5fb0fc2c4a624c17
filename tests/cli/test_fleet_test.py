from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.command import PROGRAM, archive, environment, process
from tests.support.samples import SAMPLES
from tests.support.terminals import on_terminal
from tests.vcenter_server import faults
from tests.vcenter_server.appliance import PASSWORD, Appliance
from tests.vcenter_server.certificates import self_signed
from tests.vcenter_server.configured import configured
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Done

NAMES = (
    "secret", "resolve", "connect", "certificate", "login",
    "details", "version", "schedules", "time zone", "clock",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def good(server: Server) -> Appliance:
    return server.add(Appliance(SAMPLES))


@pytest.fixture
def wrong(server: Server) -> Appliance:
    return server.add(Appliance(SAMPLES, password=PASSWORD[1:]))


@pytest.fixture
def overdue(server: Server) -> Appliance:
    appliance = server.add(Appliance(SAMPLES))
    appliance.suffer(faults.clock_off(timedelta(minutes=2)))
    return appliance


def rows(done: Done) -> list[list[str]]:
    """Return the cells of a table without folded texts."""
    return [line.split() for line in done.out.splitlines()[2:]]


def test_single_appliance_shows_every_check(
    server: Server, good: Appliance, tmp_path: Path
) -> None:
    """For a single appliance every check is shown: code 0."""
    config = configured(server, {"vc01": good}, tmp_path)
    before = sorted(tmp_path.iterdir())
    done = process("fleet", "test", config)
    assert (done.code, done.err) == (0, "1 appliance: 1 ok, 0 with warnings, 0 failed.\n")
    shown = [" ".join(row) for row in rows(done)]
    assert [row.startswith(f"vc01 {name} ok ") for row, name in zip(shown, NAMES, strict=True)] == [
        True
    ] * len(NAMES)
    assert not good.sessions
    assert sorted(tmp_path.iterdir()) == before


def test_several_appliances(
    server: Server, good: Appliance, wrong: Appliance, overdue: Appliance, tmp_path: Path
) -> None:
    """A good appliance is one line, a bad one is shown in full; code 3 if one of them failed."""
    fleet = {"vc01": good, "vc02": wrong, "vc03": overdue}
    done = archive("fleet", "test", configured(server, fleet, tmp_path))
    assert done.code == 3
    assert done.err == "3 appliances: 1 ok, 1 with warnings, 1 failed.\n"
    assert [row[:3] for row in rows(done)] == [
        ["vc01", "all", "ok"],
        ["vc02", "login", "failed"],
        ["vc03", "clock", "warning"],
    ]
    assert "build 24322831; 11 jobs" in done.out
    assert "whether the account is locked" in done.out


def test_warnings_give_code_0(server: Server, overdue: Appliance, tmp_path: Path) -> None:
    """Code 0, even with warnings."""
    done = archive("fleet", "test", configured(server, {"vc03": overdue}, tmp_path))
    assert (done.code, done.err) == (0, "1 appliance: 0 ok, 1 with warnings, 0 failed.\n")


def test_code_1_if_all_appliances_fail(server: Server, wrong: Appliance, tmp_path: Path) -> None:
    """Code 1 if no appliance can be collected from."""
    done = archive("fleet", "test", configured(server, {"vc02": wrong}, tmp_path))
    assert (done.code, done.err) == (1, "1 appliance: 0 ok, 0 with warnings, 1 failed.\n")


def test_csv_and_json_have_all_checks(
    server: Server, good: Appliance, wrong: Appliance, tmp_path: Path
) -> None:
    """JSON and CSV have all checks of all appliances, and no secret."""
    config = configured(server, {"vc01": good, "vc02": wrong}, tmp_path)
    checks = json.loads(archive("fleet", "test", config, "-f", "json").out)
    assert [(row["appliance"], row["check"]) for row in checks] == [
        (name, check) for name in ("vc01", "vc02") for check in NAMES
    ]
    assert checks[14] == {
        "appliance": "vc02",
        "check": "login",
        "result": "failed",
        "detail": "user name or password refused (HTTP 401; Authentication required.)",
        "advice": "check both, and whether the account is locked",
    }
    assert checks[15]["result"] == "skipped"
    path = tmp_path / "checks.csv"
    done = archive("fleet", "test", config, "-f", "csv", "-o", str(path))
    assert (done.code, done.out) == (3, "")
    lines = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [line["result"] for line in lines] == [row["result"] for row in checks]
    assert PASSWORD not in path.read_text()


def test_appliances_can_be_selected(
    server: Server, good: Appliance, wrong: Appliance, tmp_path: Path
) -> None:
    """Names and tags select; a disabled appliance is skipped."""
    config = configured(
        server,
        {"vc01": good, "vc02": wrong},
        tmp_path,
        vc01='tags = { site = "Berlin" }',
        vc02="enabled = false",
    )
    for chosen in ([], ["vc01"], ["--tag", "site=Berlin"], ["vc0*"]):
        done = archive("fleet", "test", *chosen, config)
        assert (done.code, len(rows(done))) == (0, len(NAMES))
    assert archive("fleet", "test", "vc02", config).code == 1
    assert archive("fleet", "test", "vc03", config).code == 2
    nobody = configured(server, {"vc02": wrong}, tmp_path, vc02="enabled = false")
    done = archive("fleet", "test", nobody)
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("archive.toml: no enabled appliance\n")


def test_unverified_certificate_is_warned_about(
    server: Server, good: Appliance, tmp_path: Path
) -> None:
    """The warning is that of every command that sends a password to an unverified server."""
    good.certificate = self_signed()
    done = archive(
        "fleet", "test", configured(server, {"vc01": good}, tmp_path, vc01="verify = false")
    )
    assert done.code == 0
    assert done.err.startswith("Warning: certificates are not verified")


def test_progress_on_a_terminal(server: Server, good: Appliance, tmp_path: Path) -> None:
    """A terminal shows the progress, and texts folded to its width."""
    shown = on_terminal("fleet", "test", configured(server, {"vc01": good}, tmp_path))
    assert "Testing appliances" in shown
    assert shown.endswith("1 appliance: 1 ok, 0 with warnings, 0 failed.\r\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_shows_the_results_so_far(
    server: Server, good: Appliance, tmp_path: Path, number: signal.Signals
) -> None:
    """Results so far are shown, sessions are closed, and missing appliances are reported."""
    slow, later = server.add(Appliance(SAMPLES)), server.add(Appliance(SAMPLES))
    slow.suffer(faults.hang, Resource.VERSION)
    config = configured(server, {"vc01": good, "vc02": slow, "vc03": later}, tmp_path)
    path = tmp_path / "archive.toml"
    path.write_text(f"concurrency = 1\n{path.read_text()}")
    with subprocess.Popen(
        [*PROGRAM, "fleet", "test", config],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(),
    ) as running:  # fmt: skip
        deadline = time.monotonic() + 30
        while not slow.requests_for(Resource.VERSION) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert slow.sessions
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (
        3,
        "3 appliances: 1 ok, 0 with warnings, 1 failed, 1 not checked.\n",
    )
    assert [line.split()[:3] for line in out.splitlines()[2:]] == [
        ["vc01", "all", "ok"],
        ["vc02", "version", "failed"],
    ]
    assert "interrupted before this check was done" in out
    assert not slow.sessions
    assert later.connections == 0
