from __future__ import annotations

import sys
import time
from pathlib import Path

import keyring
import pytest
from keyring.errors import KeyringLocked

from archive import extras
from archive.config import secrets
from archive.config.secrets import reveal
from archive.config.settings import Secret
from archive.errors import ConfigurationError
from tests.support.configurations import USER, entry

PASSWORD = "pass wörd\t"  # noqa: S105 - of nothing


@pytest.fixture(autouse=True)
def _no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run outside any systemd unit."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Give the path of a configuration; the file is never read."""
    return tmp_path / "archive.toml"


def refused(secret: Secret, toml: Path) -> str:
    """Reveal an invalid secret, and return the error, which must not contain the password."""
    with pytest.raises(ConfigurationError) as error:
        reveal(entry(secret), toml)
    assert PASSWORD.strip() not in str(error.value)
    assert error.value.__context__ is None  # a traceback could show the secret
    start = f"{toml}: no password from {secret.origin}: "
    assert str(error.value).startswith(start)
    return str(error.value).removeprefix(start)


def kept(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_password_in_the_configuration(toml: Path) -> None:
    """A password in the configuration is used unchanged."""
    assert reveal(entry(Secret(value=PASSWORD)), toml) == PASSWORD


def test_password_in_the_environment(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable must be set, not empty, and text."""
    secret = Secret(environment="VCENTER_PASSWORD")
    assert refused(secret, toml) == "the variable is not set"
    monkeypatch.setenv("VCENTER_PASSWORD", "")
    assert refused(secret, toml) == "empty"
    monkeypatch.setenv("VCENTER_PASSWORD", f"{PASSWORD}\udcff")
    assert refused(secret, toml) == "not valid UTF-8"
    monkeypatch.setenv("VCENTER_PASSWORD", PASSWORD)
    assert reveal(entry(secret), toml) == PASSWORD


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_password_in_a_file(toml: Path, tmp_path: Path, end: bytes) -> None:
    """The path is relative to the configuration; the line end is not part of the password."""
    kept(tmp_path / "secret", PASSWORD.encode() + end, 0o400)
    for path in (Path("secret"), tmp_path / "secret"):
        assert reveal(entry(Secret(file=path)), toml) == PASSWORD


def test_line_ends_are_removed_and_spaces_kept(toml: Path, tmp_path: Path) -> None:
    """All other characters belong to the password."""
    kept(tmp_path / "secret", b" a\n\n")
    assert reveal(entry(Secret(file=Path("secret"))), toml) == " a"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_password_in_a_readable_file_is_refused(toml: Path, tmp_path: Path, mode: int) -> None:
    """A file that other users can read or write is refused, with the command that fixes it."""
    path = kept(tmp_path / "a secret", PASSWORD.encode(), mode)
    said = f"other users can read or write {path}; run `chmod 600 '{path}'`"
    assert refused(Secret(file=Path("a secret")), toml) == said


def test_missing_or_empty_password_file(toml: Path, tmp_path: Path) -> None:
    """A missing file, an empty one and one that is not text are refused."""
    secret = Secret(file=Path("secret"))
    path = tmp_path / "secret"
    assert refused(secret, toml) == f"{path} cannot be read: No such file or directory"
    kept(path, b"\n")
    assert refused(secret, toml) == "empty"
    kept(path, PASSWORD.encode("latin-1"))
    assert refused(secret, toml) == "not valid UTF-8"


def test_systemd_credential(toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read from systemd's folder, which protects it."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    kept(tmp_path / "secret", b"beside", 0o644)
    assert refused(Secret(file=Path("secret")), toml).startswith(f"{credentials}/secret cannot be")
    kept(credentials / "secret", b"inside", 0o644)
    for path in (Path("secret"), credentials / "secret"):
        assert reveal(entry(Secret(file=path)), toml) == "inside"
    for path in (Path("../secret"), tmp_path / "secret"):
        assert refused(Secret(file=path), toml).startswith("other users can read or write")
    (credentials / "link").symlink_to(tmp_path / "secret")
    assert refused(Secret(file=Path("link")), toml).startswith("other users can read or write")


def python(code: str) -> Secret:
    """Return a secret from a command that prints it."""
    return Secret(command=(sys.executable, "-c", code))


def test_password_from_a_command(toml: Path) -> None:
    """The password is the first line of the output; no shell interprets the arguments."""
    code = "print('a $HOME\\r\\nb'); import sys; print('told', file=sys.stderr)"
    assert reveal(entry(python(code)), toml) == "a $HOME"
    assert reveal(entry(Secret(command=("echo", "$HOME; *"))), toml) == "$HOME; *"
    assert reveal(entry(python("import os; print(os.getcwd())")), toml) == str(toml.parent)
    assert refused(python("import sys; print(sys.stdin.read())"), toml) == "empty"


def test_path_of_a_command_is_relative_to_the_configuration(toml: Path, tmp_path: Path) -> None:
    """A relative path of a command starts beside the configuration."""
    kept(tmp_path / "secret.sh", b"#!/bin/sh\necho hidden\n", 0o700)
    assert reveal(entry(Secret(command=("./secret.sh",))), toml) == "hidden"


def test_failed_command(toml: Path) -> None:
    """The standard error of a failed command is shown, its output is not."""
    code = f"import sys; print({PASSWORD!r}); print('no\\n key', file=sys.stderr); sys.exit(4)"
    assert refused(python(code), toml) == "failed with exit code 4: no key"
    assert refused(python("import sys; sys.exit(4)"), toml) == "failed with exit code 4"
    assert refused(python("import sys; sys.exit('x' * 999)"), toml).endswith(": " + "x" * 500)
    assert refused(python("import sys; sys.stdout.buffer.write(b'\\xff')"), toml) == (
        "not valid UTF-8"
    )
    said = "cannot be run: No such file or directory"
    assert refused(Secret(command=("no-such-command",)), toml) == said


def test_hanging_command_times_out(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that waits for a person, or for anything, is stopped."""
    monkeypatch.setattr(secrets, "_COMMAND_SECONDS", 0.2)
    code = f"import time; print({PASSWORD!r}, flush=True); time.sleep(60)"
    assert refused(python(code), toml) == "not finished after 0.2 seconds"


def test_password_from_a_keyring(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring is asked for the appliance's user in the named service."""

    def ask(service: str, user: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("it is locked")
        return PASSWORD if (service, user) == ("vcenter", USER) else None

    monkeypatch.setattr(keyring, "get_password", ask)
    assert reveal(entry(Secret(keyring="vcenter")), toml) == PASSWORD
    said = f"no entry for {USER}; run `keyring set other {USER}`"
    assert refused(Secret(keyring="other"), toml) == said
    assert refused(Secret(keyring="locked"), toml) == "keyring error: it is locked"


def test_keyring_needs_an_extra(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says how to install it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    said = f'a keyring needs the extra "keyring"; {extras.advice("keyring")}'
    assert refused(Secret(keyring="vcenter"), toml) == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbfsecret", "starts with a byte-order mark"),
        (b"secret\nsecond\n", "has more than one line"),
        (b"secret\r\n# a comment", "has more than one line"),
        (b"\n\nsecret\n", "has more than one line"),
        (b"secret\r", "contains a control character"),
        (b"first\rsecret", "contains a control character"),
        ("secret".encode("utf-16-le"), "contains a control character"),
        ("secret\n".encode("utf-16"), "not valid UTF-8"),
        (b"secret\0", "contains a control character"),
        (b"\x1b[32msecret\x1b[0m\n", "contains a control character"),
        (b"secret" * 20_000, "more than 65,536 bytes"),
    ],
)
def test_file_with_more_than_a_password_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """As part of the password it would only lock the account."""
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=said) as refused:
        reveal(entry(Secret(file=Path("password"))), tmp_path / "archive.toml")
    assert "secret" not in str(refused.value).removeprefix(str(tmp_path))


def test_command_may_leave_a_helper_behind(tmp_path: Path) -> None:
    """An agent that it starts holds its output open; the password is there nevertheless."""
    command = ("/bin/sh", "-c", "sleep 20 & echo hunter2")
    started = time.monotonic()
    assert reveal(entry(Secret(command=command)), tmp_path / "archive.toml") == "hunter2"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "script",
    [
        "(exec </dev/null; sleep 20) & echo hunter2",
        "nohup sleep 20 2>/dev/null & echo hunter2; echo second",
        "setsid sh -c 'sleep 20; echo late' & printf hunter2",
        "(sleep 0.1; sleep 20) >&2 & printf 'hunter2\\r\\n'",
    ],
)
def test_helpers_of_every_kind(tmp_path: Path, script: str) -> None:
    """Whichever of its outputs a helper holds open, and whatever else is printed after the password."""
    started = time.monotonic()
    command = ("/bin/sh", "-c", script)
    assert reveal(entry(Secret(command=command)), tmp_path / "archive.toml") == "hunter2"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (r"\357\273\277hunter2\n", "starts with a byte-order mark"),
        (r"h\0u\0n\0t\0e\0r\0", "contains a control character"),
        (r"\n", "empty"),
        (r"\033[1mhunter2\n", "contains a control character"),
    ],
)
def test_output_that_is_no_password_is_refused(toml: Path, printed: str, said: str) -> None:
    """As of commands of Windows, and of those that print colours."""
    assert said in refused(Secret(command=("/usr/bin/printf", printed)), toml)


def test_variable_with_an_end_of_line(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As read from a file of Windows."""
    monkeypatch.setenv("VCENTER_PASSWORD", f"{PASSWORD}\r")
    assert "contains a control character" in refused(Secret(environment="VCENTER_PASSWORD"), toml)
