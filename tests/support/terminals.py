"""Run the command on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress
from typing import IO

from tests.support.command import PROGRAM, environment


def on_terminal(
    *arguments: str, out: IO[bytes] | None = None, typed: str = "", code: int = 0, **variables: str
) -> str:
    """Return the output of the command on a terminal, with some keyboard input.

    Standard output may go elsewhere.
    """
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdin=end, stdout=out or end, stderr=end,
        env=environment() | {"TERM": "xterm-256color", "COLUMNS": "80"} | variables,
    ) as running:  # fmt: skip
        os.close(end)
        os.write(terminal, typed.encode())
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while chunk := os.read(terminal, 1 << 16):
                shown += chunk
    os.close(terminal)
    assert running.returncode == code
    return shown.decode()
