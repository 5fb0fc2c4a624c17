"""The command `archive`. Only here errors become exit codes.

0 is fine, 1 an error with nothing written, 2 a wrong command line, 3 a result in part. `check` has
the codes of the Monitoring Plugins instead. Data go to standard output, everything else to standard
error.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scripts and timers rely on these numbers. 2 is also the code that Click gives a wrong option.
OK, ERROR, USAGE, PARTIAL = 0, 1, 2, 3
# Allocations before garbage is collected. Importing one module makes more than Python's default, 700.
_COLLECT_AFTER = 50_000
# The shell's code for a process that SIGINT ended.
_INTERRUPTED = 130
# Set by a shell that asks for completions.
_COMPLETION = "_ARCHIVE_COMPLETE"


def main() -> None:
    """Run the command and exit with its code, with a traceback only for `--debug`.

    Everything is imported inside, so that an interrupt during the imports, which take most of the
    time of a short command, ends it without a traceback.
    """
    _spare_collections()
    with _interrupts_end_the_process():
        from archive.cli.app import app
        from archive.cli.interrupts import ends_are_interrupts, repeat_lost_interrupts
        from archive.cli.options import say
        from archive.cli.wrapper import hint
    failed: Exception | None = None
    try:
        with ends_are_interrupts(), repeat_lost_interrupts():
            app()
    except KeyboardInterrupt:  # so late that no verb has handled it
        sys.exit(_INTERRUPTED)
    except Exception as error:
        failed = error
        if "--debug" in sys.argv:
            sys.excepthook = _show_traceback
            raise
        sentence, code = explain(error)
        say(f"archive: {sentence}{hint(error)}")
        sys.exit(code)
    finally:
        _close_stdout(failed)


@contextmanager
def _interrupts_end_the_process() -> Iterator[None]:
    """End the process at an interrupt, without a traceback, while there is nothing to clean up.

    Completion never has anything to clean up, so the handler stays.
    """
    import signal

    # The default action of the system ends the process at once; Python's handler would wait for the
    # interpreter and raise KeyboardInterrupt anywhere.
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, as shells do for background processes
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
    """Keep the garbage collector away from imported modules, which live as long as the process.

    Searching them repeatedly, and again at exit, takes longer than most commands.
    """
    # Collections are rarer, and none of the objects that exist at the end are searched.
    gc.set_threshold(_COLLECT_AFTER)
    atexit.register(gc.freeze)


def _show_traceback(*raised: Any) -> None:
    """Print a traceback; the errors of libraries in it may quote passwords."""
    from traceback import format_exception

    from archive.cli.options import say

    say("".join(format_exception(*raised)).rstrip())


def explain(error: Exception) -> tuple[str, int]:
    """Return the message for an error, without passwords, and the exit code.

    Only the text of an unforeseen exception is shown, with its class, and advice to report it.
    """
    from archive.masking import mask_text

    sentence, code = _explained(error)
    return mask_text(sentence), code


def _explained(error: Exception) -> tuple[str, int]:
    """Return the message, which may contain passwords, and the exit code."""
    # Imported here: before `main` an interrupt would show a traceback.
    from archive.errors import ArchiveError, InterruptedInputError, UsageError

    if isinstance(error, InterruptedInputError):
        return str(error), PARTIAL
    if isinstance(error, ArchiveError):
        return str(error), USAGE if isinstance(error, UsageError) else ERROR
    if isinstance(error, OSError):
        # Not foreseen where it was raised, but its file name and reason are a sentence.
        reason = error.strerror or str(error)
        return f"{error.filename}: {reason}" if error.filename else reason, ERROR
    if isinstance(error, UnicodeEncodeError) and (argument := _not_text()):
        return f"argument {argument!r} is not valid UTF-8", USAGE
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        "Run `archive db verify`, which names damaged values. If there are none, run the command again"
        " with --debug and report its output."
    ), ERROR


def _not_text() -> str | None:
    """Return an argument that is not valid UTF-8, if there is one.

    Such bytes are lone surrogates in an argument (PEP 383); they cannot be printed or stored.
    """
    return next((text for text in sys.argv if any("\ud800" <= c <= "\udfff" for c in text)), None)


def _close_stdout(failed: Exception | None = None) -> None:
    """Flush standard output; a reader that closed the pipe is no error, a full disk is one.

    Python flushes at exit, too, but would then print a traceback and exit with code 120. `failed` is the
    error that was shown already: that of writing the same text, if the text was buffered.
    """
    if sys.stdout is None:  # closed by the parent process
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        is_shown = isinstance(failed, OSError) and failed.errno == error.errno
        if not isinstance(error, BrokenPipeError) and not is_shown:
            from archive.cli.options import say

            say(f"archive: standard output: cannot write: {error.strerror}")
            sys.exit(ERROR)
