"""Make sure that no interrupt (Ctrl-C) is lost, and that other ends are as orderly.

Python raises KeyboardInterrupt wherever the program happens to be, also in `__del__` and in
callbacks of weak references, which no exception can leave.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sys import UnraisableHookArgs


# What systemd, `timeout` and a closed terminal send. The shell's code for such an end is 128 + number.
_ENDS = (signal.SIGTERM, signal.SIGHUP)
_SHELL_CODE = 128
# Long enough for Python to finish reporting an ignored exception.
_LATER_S = 0.02


@contextmanager
def ends_are_interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the command as Ctrl-C does, with exit code 143 or 129.

    By default they would end the process at once: the import in progress would stay in the log as
    running, and Python would report the semaphores of its other processes as leaked. A signal that is
    ignored, as SIGHUP by nohup, stays ignored.
    """
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    replaced = []
    with suppress(ValueError):  # only the main thread may
        for number in _ENDS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, interrupt)
                replaced.append(number)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if received:
            raise SystemExit(_SHELL_CODE + received[0]) from end
        raise
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def repeat_lost_interrupts() -> Iterator[None]:
    """Repeat an interrupt that came while an object was finalised, where no exception can be raised.

    Python reports such an exception as "ignored" and continues.
    """
    report = sys.unraisablehook

    def repeat(unraisable: UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_interrupt_soon, (_thread.get_ident(),))
        else:
            report(unraisable)

    sys.unraisablehook = repeat
    try:
        yield
    finally:
        sys.unraisablehook = report


def _interrupt_soon(thread: int) -> None:
    """Interrupt the thread after it has left the finaliser."""
    time.sleep(_LATER_S)
    # Unlike Python's `interrupt_main`, a signal also ends a blocking call.
    signal.pthread_kill(thread, signal.SIGINT)
