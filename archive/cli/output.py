"""Where data goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import typer

from archive.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open a file, or standard output if there is none; line ends are written as they are.

    Raises ArchiveError if it cannot be written. A reader that has seen enough ends the command.
    """
    name = "standard output" if path is None else str(path)
    try:
        with _standard_output() if path is None else _file(path) as out:
            yield out
    except BrokenPipeError as error:
        raise typer.Exit from error
    except OSError as error:
        raise ArchiveError(f"{name}: it cannot be written: {error.strerror or error}") from error


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise ArchiveError("standard output is closed")
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", "backslashreplace", newline="")
    try:
        yield out
        out.flush()
    except OSError:
        # What is left in the buffer has nowhere to go, and the interpreter would try at its end.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
    finally:
        out.detach()


@contextmanager
def _file(path: Path) -> Iterator[TextIO]:
    target = path.resolve()
    if target.exists() and not target.is_file():  # a device or a named pipe cannot be replaced
        with target.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as out:
            yield out
        if target.exists():
            beside.chmod(target.stat().st_mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
