"""Run the command as users do: its output and its exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import typer.main

from archive import cli
from archive.cli.app import app

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

PROGRAM = (sys.executable, "-m", "archive")
# Creating it for each run, as a process does, would take half of the time.
_COMMAND = typer.main.get_command(app)


class Done(NamedTuple):
    """The result of a run of the command."""

    code: int
    out: str
    err: str


def archive(*arguments: str) -> Done:
    """Run the command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    code = 0
    with (
        patch.object(sys, "argv", ["archive", *arguments]),
        patch.object(typer.main, "get_command", lambda _: _COMMAND),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
    return Done(code, _text(out), _text(err))


def process(*arguments: str | bytes, stdin: bytes | None = None) -> Done:
    """Run the command in a separate process, for tests that need one."""
    done = subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, check=False, env=environment()
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def environment() -> dict[str, str]:
    """Return the environment of a process that runs this checkout."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def at(engine: Engine) -> str:
    """Return the option that names an archive."""
    return f"--database={engine.url.render_as_string(hide_password=False)}"


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
