from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from archive.config.entries import Entry, Secret, Trust
from archive.config.file import read
from tests.support.command import archive, process
from tests.support.configurations import DEFAULTS, USER, written
from tests.support.samples import SAMPLES
from tests.support.terminals import on_terminal
from tests.vcenter_server import appliance as appliances
from tests.vcenter_server.appliance import Appliance
from tests.vcenter_server.certificates import self_signed
from tests.vcenter_server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def good(server: Server) -> Appliance:
    return server.add(Appliance(SAMPLES))


@pytest.fixture
def stranger(server: Server) -> Appliance:
    """Give an appliance whose certificate nobody vouches for."""
    appliance = server.add(Appliance(SAMPLES))
    appliance.certificate = self_signed()
    return appliance


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a configuration without appliances, but with a user and a place of passwords."""
    return written(tmp_path, DEFAULTS)


def fingerprint(appliance: Appliance) -> str:
    assert appliance.certificate is not None
    return appliance.certificate.pin.hex(":").upper()


def test_a_trusted_certificate(server: Server, good: Appliance, path: Path) -> None:
    """What the given CA vouches for needs no pin; nothing is asked of the appliance."""
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", str(server.ca_file),
        "--cadence", "1d", "--tag", "site=Berlin", "--tag", "owner=a=b", "--config", str(path),
    )  # fmt: skip
    assert (done.code, done.out) == (0, "")
    assert f"The certificate of {good.address}:\n" in done.err
    assert f"trusted      yes, by {server.ca_file}\n" in done.err
    assert done.err.endswith(
        f"vc01 was added to {path}. Next, run: archive fleet test vc01 --config {path}\n"
    )
    (entry,) = read(path).entries
    assert entry.trust == Trust(ca_file=server.ca_file)
    assert entry.address == good.address
    assert entry.cadence_seconds == 86400
    assert entry.tags == {"site": "Berlin", "owner": "a=b"}
    assert not good.requests


def test_the_store_of_the_machine(
    server: Server, good: Appliance, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that the system trusts needs neither a pin nor a CA file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    done = process("fleet", "add", "vc01", "--address", good.address, "--config", str(path))
    assert done.code == 0
    assert "trusted      yes, by the certificates of this machine\n" in done.err
    assert read(path).entries[0].trust == Trust()


def test_the_ca_file_of_all(server: Server, good: Appliance, tmp_path: Path) -> None:
    """What [defaults] say of certificates counts for an appliance that says nothing."""
    path = written(tmp_path, f'{DEFAULTS}ca_file = "{server.ca_file}"\n')
    done = archive("fleet", "add", "vc01", "--address", good.address, "--config", str(path))
    assert done.code == 0
    assert f"yes, by {server.ca_file}" in done.err
    assert path.read_text().endswith(f'[[appliance]]\nname = "vc01"\naddress = "{good.address}"\n')


def test_a_new_configuration(
    server: Server, good: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is none it is made in the user's place, for nobody else to read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("archive.config.file.SYSTEM", tmp_path / "none.toml")
    monkeypatch.delenv("ARCHIVE_CONFIG", raising=False)
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", str(server.ca_file),
        "--user", USER, "--secret-keyring", "vcenter",
    )  # fmt: skip
    path = tmp_path / "archive" / "archive.toml"
    assert done.code == 0
    assert done.err.endswith(f"vc01 was added to {path}. Next, run: archive fleet test vc01\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (entry,) = read(path).entries
    host, _, port = good.address.partition(":")
    assert entry == Entry(
        name="vc01", host=host, port=int(port), user=USER, secret=Secret(keyring="vcenter"),
        trust=Trust(ca_file=server.ca_file),
    )  # fmt: skip


def test_a_named_configuration_is_made(server: Server, good: Appliance, tmp_path: Path) -> None:
    """A file that is named need not be there."""
    path = tmp_path / "new.toml"
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", str(server.ca_file),
        "--user", USER, "--secret-environment", "VC", "--config", str(path),
    )  # fmt: skip
    assert done.code == 0
    assert read(path).entries[0].secret == Secret(environment="VC")


@pytest.mark.parametrize(
    ("option", "value", "secret"),
    [
        ("environment", "VC01", Secret(environment="VC01")),
        ("keyring", "vcenter", Secret(keyring="vcenter")),
        ("command", "pass show 'a b'", Secret(command=("pass", "show", "a b"))),
    ],
)
def test_places_of_passwords(
    server: Server, good: Appliance, path: Path, option: str, value: str, secret: Secret
) -> None:
    """Where the password is stands with the appliance; the password itself is not looked for."""
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", str(server.ca_file),
        f"--secret-{option}", value, "--config", str(path),
    )  # fmt: skip
    assert done.code == 0
    assert read(path).entries[0].secret == secret


def test_files_begin_where_the_user_is(
    server: Server, good: Appliance, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths of the command line begin in the current folder, wherever the configuration is."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(server.ca_file.read_bytes())
    monkeypatch.chdir(folder)
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", "ca.pem",
        "--secret-file", "password", "--config", str(path),
    )  # fmt: skip
    assert done.code == 0
    (entry,) = read(path).entries
    assert entry.trust.ca_file == folder / "ca.pem"
    assert entry.secret.file == folder / "password"


def test_nobody_can_be_asked(stranger: Appliance, path: Path) -> None:
    """Without a terminal nothing is pinned that nobody has compared."""
    before = path.read_bytes()
    done = process("fleet", "add", "vc01", "--address", stranger.address, "--config", str(path))
    assert (done.code, done.out) == (1, "")
    assert f"SHA-256      {fingerprint(stranger)}\n" in done.err
    assert "vecs-cli entry getcert --store MACHINE_SSL_CERT" in done.err
    assert done.err.splitlines()[-1].startswith(
        "archive: vc01 was not added: certificate is not trusted (self-signed certificate);"
        f" if the SHA-256 is the appliance's own, add --pin sha256:{fingerprint(stranger)}"
    )
    assert path.read_bytes() == before
    assert not stranger.requests


def test_somebody_says_yes(stranger: Appliance, path: Path) -> None:
    """On a terminal the certificate is pinned if somebody has compared it."""
    arguments = ("fleet", "add", "vc01", "--address", stranger.address, "--config", str(path))
    before = path.read_bytes()
    for typed in ("n\n", "\n"):
        shown = on_terminal(*arguments, typed=typed, code=1)
        assert "Is it the same? Pin this certificate? [y/N]: " in shown
        assert "vc01 was not added: its certificate is not trusted\r\n" in shown
        assert path.read_bytes() == before
    assert "vc01 was added to " in on_terminal(*arguments, typed="y\n")
    assert stranger.certificate is not None
    assert read(path).entries[0].trust == Trust(pin=stranger.certificate.pin)
    assert f'pin = "sha256:{fingerprint(stranger)}"' in path.read_text()
    assert not stranger.requests


def test_yes_is_given(stranger: Appliance, path: Path) -> None:
    """`--yes` pins what is shown."""
    done = archive(
        "fleet", "add", "vc01", "--address", stranger.address, "--yes", "--config", str(path)
    )
    assert done.code == 0
    assert stranger.certificate is not None
    assert read(path).entries[0].trust == Trust(pin=stranger.certificate.pin)


def test_yes_pins_nothing_that_is_trusted(server: Server, good: Appliance, tmp_path: Path) -> None:
    """A pin would only have to be changed one day."""
    path = written(tmp_path, f'{DEFAULTS}ca_file = "{server.ca_file}"\n')
    config = ("--config", str(path))
    assert archive("fleet", "add", "vc01", "--address", good.address, "--yes", *config).code == 0
    assert "pin" not in path.read_text()


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "SHA256:{}"])
def test_a_pin(stranger: Appliance, path: Path, form: str) -> None:
    """A pin that is given has to be that of the certificate."""
    config = ("--address", stranger.address, "--config", str(path))
    before = path.read_bytes()
    for written_as in (fingerprint(stranger), fingerprint(stranger).replace(":", "")):
        pin = form.format(written_as)
        done = archive("fleet", "add", "vc01", "--pin", pin, *config)
        assert done.code == 0
        assert "trusted      yes, it is the pinned certificate\n" in done.err
        assert stranger.certificate is not None
        assert read(path).entries[0].trust == Trust(pin=stranger.certificate.pin)
        path.write_bytes(before)
    done = archive("fleet", "add", "vc01", "--yes", "--pin", form.format("00" * 32), *config)
    assert (done.code, path.read_bytes()) == (1, before)
    assert "vc01 was not added: certificate does not match the pin" in done.err


def test_a_ca_that_does_not_vouch(server: Server, stranger: Appliance, path: Path) -> None:
    """Who names a CA does not want to pin something else."""
    before = path.read_bytes()
    done = archive(
        "fleet", "add", "vc01", "--address", stranger.address, "--ca-file", str(server.ca_file),
        "--yes", "--config", str(path),
    )  # fmt: skip
    assert (done.code, path.read_bytes()) == (1, before)
    assert "vc01 was not added: certificate is not trusted" in done.err


def test_it_cannot_be_reached(server: Server, good: Appliance, path: Path) -> None:
    """What nobody has seen is not added."""
    server.remove(good)
    before = path.read_bytes()
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--yes", "--config", str(path)
    )
    assert (done.code, path.read_bytes()) == (1, before)
    assert done.err.startswith("archive: vc01 was not added: cannot connect to ")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--pin", "x", "--ca-file", "y"], 2, "--pin and --ca-file exclude each other"),
        (
            ["--secret-environment", "A", "--secret-file", "b"],
            2,
            "--secret-environment and --secret-file exclude each other",
        ),
        (["--secret-command", "pass 'show"], 2, "--secret-command: no closing quotation in"),
        (["--secret-command", ""], 1, "secret: command: write program and arguments"),
        (["--tag", "Berlin"], 2, 'invalid tag "Berlin": write NAME=VALUE'),
        (["--pin", "x"], 1, "[[appliance]] vc02: pin: must be sha256: and"),
        (["--cadence", "1 day"], 1, "[[appliance]] vc02: cadence: write a number and its unit"),
        (["--address", "https://vc02"], 1, "[[appliance]] vc02: address: write only host and port"),
        (
            ["--address", "vc01"],
            1,
            "[[appliance]] vc02: address: same address as [[appliance]] vc01",
        ),
    ],
)
def test_errors_come_before_the_certificate(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    """Nothing is connected to for what could not be added."""
    path = written(tmp_path, f'{DEFAULTS}[[appliance]]\nname = "vc01"\n')
    before = path.read_bytes()
    done = archive("fleet", "add", "vc02", *arguments, "--config", str(path))
    assert (done.code, done.out, path.read_bytes()) == (code, "", before)
    assert said in done.err


def test_what_is_there_already(good: Appliance, tmp_path: Path) -> None:
    """A name is added once, and nobody is connected to for it."""
    path = written(tmp_path, f'{DEFAULTS}[[appliance]]\nname = "vc01"\n')
    done = archive("fleet", "add", "VC01", "--address", good.address, "--config", str(path))
    assert done == (2, "", f"archive: {path}: appliance VC01 already exists\n")
    assert good.connections == 0


def test_what_is_missing(tmp_path: Path) -> None:
    """Who logs in, and with which password, stands with the appliance or in [defaults]."""
    path = tmp_path / "new.toml"
    done = archive("fleet", "add", "vc01", "--config", str(path))
    assert done.code == 1
    assert "user: missing" in done.err
    assert "secret: missing" in done.err
    assert not path.exists()


def test_no_password_is_an_argument() -> None:
    """Other users of a machine see what a command is called with."""
    for option in ("--password", "--secret"):
        assert archive("fleet", "add", "vc01", option, appliances.PASSWORD).code == 2
