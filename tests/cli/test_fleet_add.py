from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from archive.config.file import read
from archive.config.settings import Entry, Secret, Trust
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
    """Give an appliance whose certificate no CA has signed."""
    appliance = server.add(Appliance(SAMPLES))
    appliance.certificate = self_signed()
    return appliance


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a configuration without appliances, but with a user and a password source."""
    return written(tmp_path, DEFAULTS)


def fingerprint(appliance: Appliance) -> str:
    assert appliance.certificate is not None
    return appliance.certificate.pin.hex(":").upper()


def test_trusted_certificate_needs_no_pin(server: Server, good: Appliance, path: Path) -> None:
    """A certificate of the given CA needs no pin and no confirmation."""
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


def test_ca_store_of_the_machine_is_used(
    server: Server, good: Appliance, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that the system trusts needs neither a pin nor a CA file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    done = process("fleet", "add", "vc01", "--address", good.address, "--config", str(path))
    assert done.code == 0
    assert "trusted      yes, by the certificates of this machine\n" in done.err
    assert read(path).entries[0].trust == Trust()


def test_ca_file_of_the_defaults_is_used(server: Server, good: Appliance, tmp_path: Path) -> None:
    """The ca_file of [defaults] applies to an appliance without its own."""
    path = written(tmp_path, f'{DEFAULTS}ca_file = "{server.ca_file}"\n')
    done = archive("fleet", "add", "vc01", "--address", good.address, "--config", str(path))
    assert done.code == 0
    assert f"yes, by {server.ca_file}" in done.err
    assert path.read_text().endswith(f'[[appliance]]\nname = "vc01"\naddress = "{good.address}"\n')


def test_missing_configuration_is_created(
    server: Server, good: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is created in the user's folder, readable only by its owner."""
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


def test_named_configuration_is_created(server: Server, good: Appliance, tmp_path: Path) -> None:
    """The named file need not exist."""
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
def test_password_sources_are_written(
    server: Server, good: Appliance, path: Path, option: str, value: str, secret: Secret
) -> None:
    """The source of the password is written to the entry; the password itself is not read."""
    done = archive(
        "fleet", "add", "vc01", "--address", good.address, "--ca-file", str(server.ca_file),
        f"--secret-{option}", value, "--config", str(path),
    )  # fmt: skip
    assert done.code == 0
    assert read(path).entries[0].secret == secret


def test_relative_paths_start_in_the_current_folder(
    server: Server, good: Appliance, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths of the command line are relative to the current folder, wherever the configuration is."""
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


def test_nothing_is_pinned_without_a_terminal(stranger: Appliance, path: Path) -> None:
    """Without a terminal nobody can compare the fingerprint, so nothing is pinned."""
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


def test_confirmed_certificate_is_pinned(stranger: Appliance, path: Path) -> None:
    """On a terminal the certificate is pinned if the user confirms the fingerprint."""
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


def test_yes_pins_without_a_question(stranger: Appliance, path: Path) -> None:
    """`--yes` pins the certificate that is shown."""
    done = archive(
        "fleet", "add", "vc01", "--address", stranger.address, "--yes", "--config", str(path)
    )
    assert done.code == 0
    assert stranger.certificate is not None
    assert read(path).entries[0].trust == Trust(pin=stranger.certificate.pin)


def test_yes_does_not_pin_a_trusted_certificate(
    server: Server, good: Appliance, tmp_path: Path
) -> None:
    """A pin would only have to be changed at the next renewal."""
    path = written(tmp_path, f'{DEFAULTS}ca_file = "{server.ca_file}"\n')
    config = ("--config", str(path))
    assert archive("fleet", "add", "vc01", "--address", good.address, "--yes", *config).code == 0
    assert "pin" not in path.read_text()


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "SHA256:{}"])
def test_given_pin_must_match(stranger: Appliance, path: Path, form: str) -> None:
    """A given pin must be that of the certificate."""
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


def test_certificate_of_another_ca_is_refused(
    server: Server, stranger: Appliance, path: Path
) -> None:
    """With a given CA, a certificate that it did not sign is not pinned instead."""
    before = path.read_bytes()
    done = archive(
        "fleet", "add", "vc01", "--address", stranger.address, "--ca-file", str(server.ca_file),
        "--yes", "--config", str(path),
    )  # fmt: skip
    assert (done.code, path.read_bytes()) == (1, before)
    assert "vc01 was not added: certificate is not trusted" in done.err


def test_unreachable_appliance_is_not_added(server: Server, good: Appliance, path: Path) -> None:
    """An appliance whose certificate cannot be read is not added."""
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
def test_invalid_arguments_are_refused_before_connecting(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    """No connection is made for an appliance that could not be added."""
    path = written(tmp_path, f'{DEFAULTS}[[appliance]]\nname = "vc01"\n')
    before = path.read_bytes()
    done = archive("fleet", "add", "vc02", *arguments, "--config", str(path))
    assert (done.code, done.out, path.read_bytes()) == (code, "", before)
    assert said in done.err


def test_existing_name_is_refused(good: Appliance, tmp_path: Path) -> None:
    """A name is added once, and no connection is made for a second time."""
    path = written(tmp_path, f'{DEFAULTS}[[appliance]]\nname = "vc01"\n')
    done = archive("fleet", "add", "VC01", "--address", good.address, "--config", str(path))
    assert done == (2, "", f"archive: {path}: appliance VC01 already exists\n")
    assert good.connections == 0


def test_missing_user_or_password_source(tmp_path: Path) -> None:
    """The user and the password source come from the entry or from [defaults]."""
    path = tmp_path / "new.toml"
    done = archive("fleet", "add", "vc01", "--config", str(path))
    assert done.code == 1
    assert "user: missing" in done.err
    assert "secret: missing" in done.err
    assert not path.exists()


def test_password_cannot_be_an_argument() -> None:
    """Other users of a machine can see the arguments of a command."""
    for option in ("--password", "--secret"):
        assert archive("fleet", "add", "vc01", option, appliances.PASSWORD).code == 2


def test_file_that_cannot_be_written_is_reported_first(good: Appliance) -> None:
    """Nobody compares a fingerprint in vain: nothing was connected to."""
    for path in ("/proc/archive.toml", "/proc/none/archive.toml"):
        done = archive(
            "fleet", "add", "vc01", "--address", good.address, "--user", USER,
            "--secret-file", "password", "--config", path,
        )  # fmt: skip
        assert done.code == 1
        assert done.err.startswith(f"archive: {path}: cannot be written: ")
        assert done.err.count("\n") == 1
