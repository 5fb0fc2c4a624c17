"""The command `archive`: parse, call, render. The only place where errors become exit codes."""

from __future__ import annotations

import os
import sys

from archive.errors import ArchiveError, InterruptedDeliveryError, UsageError

OK, ERROR, USAGE, PARTIAL = 0, 1, 2, 3


def main() -> None:
    """Run the command and leave with its exit code; no traceback unless `--debug` is given."""
    from archive.cli.app import app

    try:
        app()
    except ArchiveError as error:
        if "--debug" in sys.argv:
            raise
        print(f"archive: {error}", file=sys.stderr)
        sys.exit(_exit_code(error))
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        print(
            f"archive: this is a fault in archive itself: {type(error).__name__}: {error}\n"
            "Run the command again with --debug and report what it prints.",
            file=sys.stderr,
        )
        sys.exit(ERROR)
    finally:
        _close_stdout()


def _exit_code(error: ArchiveError) -> int:
    if isinstance(error, UsageError):
        return USAGE
    return PARTIAL if isinstance(error, InterruptedDeliveryError) else ERROR


def _close_stdout() -> None:
    """Flush what has been written; a reader that has seen enough is no failure."""
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
