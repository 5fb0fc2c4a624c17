"""The command `archive`: parse, call, render. The only place where errors become exit codes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archive.errors import ArchiveError, InterruptedInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, ERROR, USAGE, PARTIAL = 0, 1, 2, 3
# How many objects are made before garbage is looked for; Python's 700 are fewer than a module makes.
_COLLECT_AFTER = 50_000
# A shell sets it to ask for completions.
_COMPLETION = "_ARCHIVE_COMPLETE"


def main() -> None:
    """Run the command and leave with its exit code; no traceback unless `--debug` is given."""
    _spare_collections()
    with _interrupts_end_the_process():
        from archive.cli.app import app
        from archive.cli.interrupts import interrupts_come_again
        from archive.cli.options import say
        from archive.cli.wrapper import hint
    try:
        with interrupts_come_again():
            app()
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sentence, code = explain(error)
        say(f"archive: {sentence}{hint(error)}")
        sys.exit(code)
    finally:
        _close_stdout()


@contextmanager
def _interrupts_end_the_process() -> Iterator[None]:
    """End the process at an interrupt, without a traceback: there is nothing to clean up yet.

    Completion has nothing to clean up at all, so there it stays.
    """
    import signal

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # a shell's, for a process in the background
        yield
        return
    with suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if _COMPLETION not in os.environ:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, before)


def _spare_collections() -> None:
    """Keep the garbage collector from what is imported: it is no garbage before the process ends.

    Looking through it again and again, and once more at the end, takes longer than most commands.
    """
    gc.set_threshold(_COLLECT_AFTER)
    atexit.register(gc.freeze)


def explain(error: Exception) -> tuple[str, int]:
    """Return what is said of a failure, and the exit code."""
    if isinstance(error, InterruptedInputError):
        return str(error), PARTIAL
    if isinstance(error, ArchiveError):
        return str(error), USAGE if isinstance(error, UsageError) else ERROR
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return f"{error.filename}: {reason}" if error.filename else reason, ERROR
    if isinstance(error, UnicodeEncodeError) and (argument := _not_text()):
        return f"{argument!r} is not text in UTF-8", USAGE
    return (
        f"this is a fault in archive itself: {type(error).__name__}: {error}\n"
        "Run the command again with --debug and report what it prints."
    ), ERROR


def _not_text() -> str | None:
    """Return an argument with bytes that no database can be asked for, if there is one."""
    return next((text for text in sys.argv if any("\ud800" <= c <= "\udfff" for c in text)), None)


def _close_stdout() -> None:
    """Flush what has been written; a reader that has seen enough is no failure."""
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
