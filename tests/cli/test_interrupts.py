"""Interrupts at moments when Python cannot raise them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.cli.interrupts import repeat_lost_interrupts
from tests.support.command import PROGRAM, environment, process
from tests.support.samples import job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from sys import UnraisableHookArgs


class LetGo:
    """An object that raises or calls something when its last reference goes."""

    def __init__(self, error: type[BaseException] | None = None) -> None:
        self._error = error

    def __del__(self) -> None:
        if self._error:
            raise self._error
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Let SIGINT raise, as in a process that was not started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Collect the exceptions that Python reports as ignored."""
    kinds: list[type[BaseException]] = []

    def note(unraisable: UnraisableHookArgs) -> None:
        kinds.append(unraisable.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", note)
    return kinds


def test_interrupt_in_a_finalizer_is_lost_without_the_guard(
    reported: list[type[BaseException]],
) -> None:
    LetGo()
    time.sleep(0.01)
    assert reported == [KeyboardInterrupt]


def test_interrupt_in_a_finalizer_is_raised_with_the_guard(
    reported: list[type[BaseException]],
) -> None:
    def wait() -> None:
        with repeat_lost_interrupts():
            LetGo()
            time.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        wait()
    assert reported == []


def test_other_errors_in_finalizers_are_reported_as_before(
    reported: list[type[BaseException]],
) -> None:
    with repeat_lost_interrupts():
        LetGo(ValueError)
    assert reported == [ValueError]


def test_reporting_is_restored_afterwards(reported: list[type[BaseException]]) -> None:
    hook = sys.unraisablehook
    with repeat_lost_interrupts():
        assert sys.unraisablehook is not hook
    assert sys.unraisablehook is hook
    assert reported == []


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_other_ends_are_as_orderly(
    tmp_path: Path, send: Callable[[int, int], None], number: int, code: int
) -> None:
    """An import that is ended rolls back, ends its other processes, and is in the log as failed.

    A terminal and systemd end all of its processes at once.
    """
    path, place = tmp_path / "many.jsonl", str(tmp_path / "a.db")
    line = json.dumps({"appliance": "vc01", "job": "{}", "info": job()})
    with path.open("w") as out:
        out.writelines(
            line.replace("{}", f"20260101-{each:06}-1", 1) + "\n" for each in range(60_000)
        )
    with subprocess.Popen(
        [*PROGRAM, "ingest", str(path), "-d", place],
        stderr=subprocess.PIPE, env=environment(), start_new_session=True,
    ) as running:  # fmt: skip
        while not Path(f"{place}-wal").exists() or not _children(running.pid):
            assert running.poll() is None
            time.sleep(0.05)
        below = _children(running.pid)
        time.sleep(0.5)
        send(running.pid, number)
        assert running.stderr is not None
        said = running.stderr.read().decode()
    assert running.returncode == code
    assert "Traceback" not in said
    assert "leaked" not in said
    until = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in below):
        assert time.monotonic() < until
        time.sleep(0.05)
    log = json.loads(process("log", "imports", "--format", "json", "-d", place).out)
    assert [(one["outcome"], one["new"]) for one in log] == [("failed", 0)]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
