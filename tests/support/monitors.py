"""Monitoring programs of this machine, which tests start and stop."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.command import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# If set, a missing program fails a test instead of skipping it.
REQUIRED = "ARCHIVE_TEST_MONITORS_REQUIRED"
_LONGEST_SECONDS = 60


def program(*names: str) -> str:
    """Return the path of a program, which has different names in distributions; otherwise skip the test."""
    # Daemons are in folders that only root searches.
    places = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"
    for name in names:
        found = shutil.which(name, path=places)
        if found is not None:
            return found
    reason = f"this machine has no {names[0]}"
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and ${REQUIRED} is set")
    pytest.skip(reason)


def run(command: Sequence[str], **variables: str) -> str:
    """Run a program to its end, which must be successful, and return its output."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=environment() | variables, timeout=_LONGEST_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextmanager
def running(command: Sequence[str], log: Path, **variables: str) -> Iterator[Callable[..., None]]:
    """Run a program beside the test; it ends with the block, and so does everything it has started.

    Gives a function that waits until a condition holds. It fails, with the output of the program, if
    that takes more than a minute, or the program ends before.
    """
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            env=environment() | variables,
        )  # fmt: skip

    def wait_until(is_so: Callable[[], bool]) -> None:
        last = time.monotonic() + _LONGEST_SECONDS
        while not is_so():
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < last, log.read_text(errors="replace")
            time.sleep(0.05)

    try:
        yield wait_until
    finally:
        process.terminate()
        try:
            process.wait(_LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
