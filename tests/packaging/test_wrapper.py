"""The wrapper on the PATH changes the user, and nothing else."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from archive.cli.wrapper import hint
from archive.errors import ArchiveError
from tests.support.command import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRAPPER = Path(__file__).parents[2] / "deploy" / "command" / "archive"
SUDOERS = WRAPPER.with_name("sudoers")
NOBODY = "nobody"  # a user that exists on every system
# Prints how it was run, and exits with the given code.
_PROBE = """#!{python} -I
import json, os, sys
try:
    folder = os.getcwd()
except OSError as error:
    folder = str(error)
print(json.dumps({{
    "arguments": [os.fsencode(argument).hex() for argument in sys.argv[1:]], "user": os.getuid(),
    "groups": sorted({{os.getgid(), *os.getgroups()}}), "environment": dict(os.environ),
    "folder": folder, "process": os.getpid(),
}}), flush=True)
if sys.argv[1:] == ["wait"]:
    sys.stdin.read()
sys.exit(int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 0)
"""
_SUDO = '#!/bin/sh\necho "$@"\n'

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


class Wrapped(NamedTuple):
    """A wrapper with a service user and a command that exist on this machine."""

    path: Path
    folder: Path

    def run(self, *arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(
            [self.path, *arguments], capture_output=True, text=True, check=False, **options
        )

    def probe(self, *arguments: str | bytes, **options: Any) -> dict[str, Any]:
        """Run it, and return how the command was run."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stderr) == (0, "")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a folder that every user can enter; those of pytest belong to one user."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def wrapped(public: Path) -> Callable[[str], Wrapped]:
    """Give a function that creates a wrapper for a service user."""

    def make(user: str) -> Wrapped:
        probe = public / "probe"
        probe.write_text(_PROBE.format(python=interpreter()))
        text = WRAPPER.read_text().replace("/opt/archive/bin/archive", str(probe))
        path = public / "archive"
        path.write_text(text.replace("\nuser=archive\n", f"\nuser={user}\n"))
        for file in (probe, path):
            file.chmod(0o755)
        return Wrapped(path, public)

    return make


@cache
def interpreter() -> str:
    """Return a Python that every user can run: the one that runs the tests may be in root's home."""
    for path in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        with suppress(OSError):
            options = called_by(NOBODY) if os.getuid() == 0 else {}
            if not subprocess.run([path, "-c", ""], check=False, **options).returncode:
                return path
    pytest.skip("this machine has no Python that every user may run")


def called_by(user: str, group: str | None = None) -> dict[str, Any]:
    """Return the options of a process that another user starts."""
    entry = pwd.getpwnam(user)
    groups = [grp.getgrnam(group).gr_gid] if group else []
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}


@as_root
def test_root_becomes_the_service_user(wrapped: Callable[[str], Wrapped]) -> None:
    found = wrapped(NOBODY).probe("report")
    entry = pwd.getpwnam(NOBODY)
    assert found["user"] == entry.pw_uid
    assert found["groups"] == sorted(os.getgrouplist(NOBODY, entry.pw_gid))
    assert found["environment"]["HOME"] == entry.pw_dir
    assert found["environment"]["USER"] == found["environment"]["LOGNAME"] == NOBODY


@as_root
def test_arguments_are_unchanged(wrapped: Callable[[str], Wrapped]) -> None:
    arguments = (b"", b"a b", b"*", b"--", b"-x", b"'\"$HOME`id`\\", b"\n", b"\xff")
    found = wrapped(NOBODY).probe(*arguments)
    assert found["arguments"] == [argument.hex() for argument in arguments]


@as_root
def test_environment_is_passed_on(wrapped: Callable[[str], Wrapped]) -> None:
    """Variables of the command, the terminal and the locale pass; root's own folders do not."""
    passed = {
        "ARCHIVE_CONFIG": "/a b", "ARCHIVE_DATABASE_URL": "x", "COLUMNS": "70", "LANG": "C",
        "LC_ALL": "C", "NO_COLOR": "1", "TERM": "dumb", "TZ": "UTC", "https_proxy": "y",
    }  # fmt: skip
    roots = {"XDG_CONFIG_HOME": "/root/c", "XDG_DATA_HOME": "/root/d", "XDG_RUNTIME_DIR": "/run/0"}
    variables = {"PATH": os.environ["PATH"], **passed, **roots}
    found = wrapped(NOBODY).probe(env=variables)["environment"]
    assert passed.items() <= found.items()
    assert not roots.keys() & found.keys()


@as_root
def test_exit_codes_are_passed_on(wrapped: Callable[[str], Wrapped]) -> None:
    command = wrapped(NOBODY)
    assert [command.run(str(code)).returncode for code in (0, 1, 3, 130)] == [0, 1, 3, 130]


@as_root
def test_signals_reach_the_command(wrapped: Callable[[str], Wrapped]) -> None:
    """The command replaces the wrapper's process: it gets signals, and its end is seen."""
    with subprocess.Popen(
        [wrapped(NOBODY).path, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        assert json.loads(running.stdout.readline())["process"] == running.pid
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == -signal.SIGTERM


@as_root
def test_current_folder_of_root_is_kept(wrapped: Callable[[str], Wrapped], tmp_path: Path) -> None:
    """The current folder stays, even one that the service user cannot enter."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    assert wrapped(NOBODY).probe(cwd=private)["folder"] == str(private)


@as_root
def test_service_user_runs_it_directly(wrapped: Callable[[str], Wrapped]) -> None:
    found = wrapped(NOBODY).probe("a", **called_by(NOBODY))
    assert found["user"] == pwd.getpwnam(NOBODY).pw_uid
    assert "ARCHIVE_CALLER" not in found["environment"]


@as_root
def test_other_users_run_it_as_themselves(wrapped: Callable[[str], Wrapped]) -> None:
    found = wrapped("daemon").probe("a", **called_by(NOBODY))
    assert found["user"] == pwd.getpwnam(NOBODY).pw_uid


@as_root
def test_members_of_the_group_use_sudo(wrapped: Callable[[str], Wrapped]) -> None:
    """A member becomes the service user through sudo; without sudo the command runs directly."""
    command = wrapped("daemon")
    tools = command.folder / "tools"
    tools.mkdir(mode=0o755)
    for name in ("env", "getent", "id", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    options: dict[str, Any] = {**called_by(NOBODY, "daemon"), "env": {"PATH": str(tools)}}
    assert command.probe("a b", **options)["user"] == pwd.getpwnam(NOBODY).pw_uid
    (tools / "sudo").write_text(_SUDO)
    (tools / "sudo").chmod(0o755)
    done = command.run("a b", **options)
    assert done.stdout == f"-H -u daemon -- {command.folder / 'probe'} a b\n"


@as_root
def test_completion_asks_for_no_password(wrapped: Callable[[str], Wrapped]) -> None:
    """Completion runs directly: it must not wait for a password."""
    variables = {**os.environ, "_ARCHIVE_COMPLETE": "complete_bash", "COMP_WORDS": "archive r"}
    found = wrapped(NOBODY).probe(env=variables)
    assert found["user"] == 0
    assert found["environment"]["COMP_WORDS"] == "archive r"


def test_without_a_service_user_it_runs_directly(wrapped: Callable[[str], Wrapped]) -> None:
    found = wrapped("no-such-user").probe("a")
    assert found["user"] == os.getuid()
    assert found["environment"]["HOME"] == os.environ["HOME"]


def test_sudo_accepts_the_rule() -> None:
    program = shutil.which("visudo", path="/usr/sbin:/sbin:" + os.environ["PATH"])
    if program is None:
        pytest.skip("this machine has no visudo, which checks the rule")
    done = subprocess.run(
        [program, "-c", "-f", SUDOERS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_missing_permission_names_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the wrapper changed the user, the error names it, and has advice."""
    cause = PermissionError(13, "Permission denied")
    error = ArchiveError("report.html: cannot write: Permission denied")
    error.__cause__ = cause
    monkeypatch.delenv("ARCHIVE_CALLER", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert hint(error) == ""
    monkeypatch.setenv("ARCHIVE_CALLER", "root")
    monkeypatch.setenv("USER", "archive")
    said = 'The command runs as user "archive", not as "root".'
    assert hint(error).startswith(f"\n{said}")
    assert hint(ArchiveError("anything else")) == ""


@as_root
def test_hint_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARCHIVE_CALLER", "root")
    monkeypatch.setenv("USER", "archive")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "report.csv")

    monkeypatch.setattr(Path, "resolve", refuse)
    done = archive("report", "--list", "-o", str(tmp_path / "report.csv"))
    assert done.code == 1
    assert 'runs as user "archive"' in done.err
