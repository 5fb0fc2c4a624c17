from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from archive.config import file
from tests.support.command import archive, process
from tests.support.configurations import DEFAULTS, PIN, written

if TYPE_CHECKING:
    from pathlib import Path

FLEET = f"""\
database = "fleet.db"
{DEFAULTS}cadence = "1d"
[[appliance]]
name = "vc01.ber"
tags = {{ site = "Berlin", owner = "ops" }}
secret = "hunter2"
[[appliance]]
name = "vc02.lon"
address = "192.0.2.2:5480"
pin = "sha256:{PIN.hex()}"
tags = {{ site = "London" }}
secret = {{ command = ["pass", "show", "hunter2"] }}
[[appliance]]
name = "vc03.par"
address = "[2001:db8::3]"
secret = {{ environment = "VC03" }}
ca_file = "ca.pem"
cadence = "12h"
[[appliance]]
name = "vc04.par"
verify = false
enabled = false
"""
TABLE = """\
name      address         user                   secret                 trust              cadence   tags                    enabled
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
vc01.ber  vc01.ber        archive@vsphere.local  configuration          system             1 d 00 h  owner=ops, site=Berlin  yes
vc02.lon  192.0.2.2:5480  archive@vsphere.local  command pass           pin                1 d 00 h  site=London             yes
vc03.par  [2001:db8::3]   archive@vsphere.local  environment VC03       CA file /f/ca.pem  12 h 00 m -                       yes
vc04.par  vc04.par        archive@vsphere.local  file vcenter-password  OFF                1 d 00 h  -                       no
"""
WARNING = "Warning: certificates are not verified, so passwords may reach an attacker: vc04.par.\n"


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Give the option that names a configuration with four appliances."""
    return f"--config={written(tmp_path, FLEET)}"


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_fleet_list_shows_connections_and_no_secrets(config: str, tmp_path: Path) -> None:
    """Each appliance is listed with its address, user and warnings, and no secret."""
    done = archive("fleet", "list", config)
    assert (done.code, done.err) == (0, WARNING)
    listed = words(done.out.replace(f"{tmp_path}/ca.pem", "/f/ca.pem"))
    assert [line for line in listed if "─" not in line[0]] == [
        line for line in words(TABLE) if "─" not in line[0]
    ]
    for form in ("csv", "json"):
        assert "hunter2" not in archive("fleet", "list", config, "-f", form).out


def test_json_has_exact_values(config: str, tmp_path: Path) -> None:
    """JSON has seconds and booleans; a file can be written instead of standard output."""
    path = tmp_path / "fleet.json"
    done = archive("fleet", "list", "vc04*", config, "-f", "json", "-o", str(path))
    assert done == (0, "", WARNING)
    assert json.loads(path.read_text()) == [
        {
            "name": "vc04.par",
            "address": "vc04.par",
            "user": "archive@vsphere.local",
            "secret": "file vcenter-password",
            "trust": "OFF",
            "cadence_seconds": 86400,
            "tags": None,
            "enabled": False,
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["VC02.lon", "*.par"], ["vc02.lon", "vc03.par", "vc04.par"]),
        (["--tag", "site=Berlin"], ["vc01.ber"]),
        (["vc0*", "--tag", "site=Berlin", "--tag", "site=London"], ["vc01.ber", "vc02.lon"]),
    ],
)
def test_fleet_list_of_selected_appliances(
    config: str, arguments: list[str], names: list[str]
) -> None:
    """Names, globs and tags select among all appliances, including disabled ones."""
    done = archive("fleet", "list", *arguments, config, "-f", "json")
    assert [row["name"] for row in json.loads(done.out)] == names


def test_pattern_without_a_match_is_a_usage_error(config: str) -> None:
    """A pattern or a tag without a match gives code 2."""
    done = archive("fleet", "list", "vc05.par", config)
    said = 'no appliance matches "vc05.par" (did you mean "vc04.par", "vc03.par", "vc01.ber" or "vc02.lon"?)'
    assert done == (2, "", f"archive: {said}\n")
    done = archive("fleet", "list", "*.par", "--tag", "site=Berlin", config)
    assert done == (2, "", "archive: no appliance matches *.par and site=Berlin\n")


def test_empty_fleet(tmp_path: Path) -> None:
    """A configuration without appliances gives an empty list and a note."""
    done = archive("fleet", "list", "--config", str(written(tmp_path, "")), "-f", "json")
    assert done == (0, "[]\n", "The configuration has no appliances.\n")


def test_missing_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a configuration the error lists the paths that were tried: code 1."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(file, "SYSTEM", tmp_path / "system.toml")
    monkeypatch.delenv("ARCHIVE_CONFIG", raising=False)
    done = archive("fleet", "list")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"archive: no configuration at {file.users_own()} or {file.SYSTEM}: create"
        " one with `archive fleet add`, or name one with --config or $ARCHIVE_CONFIG\n"
    )


def test_invalid_configuration_lists_all_problems(tmp_path: Path) -> None:
    """Every problem is a line, with code 1 and no traceback."""
    path = written(tmp_path, "fleet = 1\nconcurrency = 0\n")
    done = process("fleet", "list", "--config", str(path))
    assert (done.code, done.out) == (1, "")
    assert [line.partition(" (known")[0] for line in done.err.splitlines()] == [
        f'archive: {path}: unknown key "fleet"',
        f"{path}: concurrency: must be a number from 1 to 1,000",
    ]


def test_archive_of_the_configuration_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration's archive is used where neither the option nor the environment names one."""
    folder = tmp_path / "etc"
    folder.mkdir()
    path = written(folder, 'database = "fleet.db"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ARCHIVE_DATABASE_URL", raising=False)
    config = ["--config", str(path)]
    assert f"at {folder}/fleet.db now has" in archive(*config, "db", "upgrade").err
    assert f"at {folder}/fleet.db already has" in archive("db", "upgrade", *config).err
    assert archive("db", "current", *config).out == "0001\n"
    assert "at other.db now has" in archive(*config, "db", "upgrade", "-d", "other.db").err
    monkeypatch.setenv("ARCHIVE_CONFIG", str(path))
    assert f"at {folder}/fleet.db already has" in archive("db", "upgrade").err
    assert "at other.db already has" in archive("--database", "other.db", "db", "upgrade").err
    missing = archive("--config", "missing.toml", "db", "upgrade")
    said = "archive: missing.toml: no such file; check --config\n"
    assert missing == (1, "", said)
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", "environment.db")
    assert "at environment.db now has" in archive(*config, "db", "upgrade").err
