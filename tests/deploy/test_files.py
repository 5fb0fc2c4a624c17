"""The files of `deploy/` work unchanged, except for paths."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.config import file
from tests.support.command import PROGRAM, archive, environment
from tests.vcenter_server.entries import configured
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIGURATION = DEPLOY / "archive.toml"
CRONTAB = DEPLOY / "cron" / "archive"
SERVICE = DEPLOY / "systemd" / "archive-collect.service"
TIMER = DEPLOY / "systemd" / "archive-collect.timer"
# The first version that verifies units without their dependencies.
_SYSTEMD = 250
# In tenths, on systemd's scale from 0 to 10.
_GREATEST_EXPOSURE = 20


@pytest.fixture
def etc(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for /etc/archive with the configuration of a simulated fleet."""
    folder = tmp_path / "etc"
    folder.mkdir()
    text = CONFIGURATION.read_text().replace("/var/lib/archive", str(tmp_path / "state"))
    with Server() as server:
        configured(server, text, folder)
        yield folder


def _run(line: str, etc: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command line of cron or systemd with the paths of a test."""
    here = line.replace("/opt/archive/bin/archive", shlex.join(PROGRAM))
    return subprocess.run(
        ["sh", "-c", here.replace("/etc/archive", str(etc))],  # noqa: S607 - cron's shell
        env=environment() | {"ARCHIVE_DATABASE_URL": ""} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def _value(unit: Path, key: str) -> str:
    values: list[str] = re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)
    return values[0]


def _collections(etc: Path) -> list[tuple[str, int, int]]:
    database = etc.parent / "state" / "archive.db"
    found = json.loads(archive("log", "collections", "--format=json", f"--database={database}").out)
    return [(one["outcome"], one["asked"], one["complete"]) for one in found]


def test_the_example_configuration_reads(tmp_path: Path) -> None:
    copy = tmp_path / "archive.toml"
    shutil.copy(CONFIGURATION, copy)
    copy.chmod(0o644)
    fleet = file.read(copy)
    assert [entry.name for entry in fleet.entries] == ["vc01.example.com", "vc02.example.com"]
    assert fleet.database == "/var/lib/archive/archive.db"


def test_the_crontab_collects_and_prints_nothing(etc: Path) -> None:
    variables, schedules = {}, []
    for line in CRONTAB.read_text().splitlines():
        if re.match(r"[A-Z_]+=", line):
            name, _, variables[name] = line.partition("=")
        elif line and not line.startswith("#"):
            schedules.append(line.split(maxsplit=6))
    (*when, user, command), *more = schedules
    assert not more
    assert len(when) == 5
    assert user == _value(SERVICE, "User")
    done = _run(command, etc)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert variables.keys() == {"MAILTO"}
    assert _collections(etc) == [("complete", 2, 2)]
    assert (etc.parent / "state" / "archive.db").stat().st_mode & 0o077 == 0


def test_the_service_collects_with_its_credential(etc: Path, tmp_path: Path) -> None:
    credential, _, source = _value(SERVICE, "LoadCredential").partition(":")
    secret = tomllib.loads(CONFIGURATION.read_text())["defaults"]["secret"]["file"]
    assert (credential, source) == (secret, f"/etc/archive/{secret}")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (etc / secret).rename(credentials / credential)
    done = _run(_value(SERVICE, "ExecStart"), etc, CREDENTIALS_DIRECTORY=str(credentials))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _collections(etc) == [("complete", 2, 2)]


def test_the_service_may_write_where_the_archive_is() -> None:
    database = file.read(CONFIGURATION).database
    assert database is not None
    assert Path("/var/lib", _value(SERVICE, "StateDirectory")) == Path(database).parent


def _analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("this machine has no systemd-analyze, which rates the units")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"systemd (\d+)", said)
    if found is None or int(found[1]) < _SYSTEMD:
        pytest.skip(f"systemd-analyze is older than systemd {_SYSTEMD}, and cannot rate the units")
    return program


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Give copies of the units that run a program of this machine."""
    copies = []
    for unit in sorted(SERVICE.parent.iterdir()):
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace("/opt/archive/bin/archive", sys.executable))
        copies.append(str(copy))
    return copies


@pytest.mark.parametrize(
    "service", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda one: one.name
)
def test_a_stop_is_no_failure(service: Path) -> None:
    """A command that SIGTERM ends exits with 143, but for the server, which exits with 0."""
    lines = service.read_text(encoding="utf-8").splitlines()
    assert ("SuccessExitStatus=143" in lines) == ("Type=oneshot" in lines)


def test_the_installer_installs_and_removes_every_unit() -> None:
    """What runs of the removed version is stopped, too."""
    script = (DEPLOY / "bundle" / "install").read_text(encoding="utf-8")
    (names,) = re.findall(r'names="([^"]*)"', script)
    (disabled,) = re.findall(r"systemctl disable --now (.*) \|\|", script)
    assert sorted(names.split()) == sorted(file.name for file in (DEPLOY / "systemd").iterdir())
    timers = {name for name in names.split() if name.endswith(".timer")}
    assert set(disabled.split()) == timers | {"archive-serve.service"}


def test_systemd_verifies_the_units(units: list[str]) -> None:
    command = [_analyze(), "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_has_a_low_exposure(units: list[str]) -> None:
    command = [_analyze(), "security", "--offline=true", f"--threshold={_GREATEST_EXPOSURE}"]
    done = subprocess.run(
        [*command, "--no-pager", *(unit for unit in units if unit.endswith(".service"))],
        env={**os.environ, "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
