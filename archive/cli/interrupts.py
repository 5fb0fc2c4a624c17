"""An interrupt (Ctrl-C) is heeded wherever it comes."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sys import UnraisableHookArgs


# Python is done with the report of an exception that it ignores long before.
_LATER_S = 0.02


@contextmanager
def interrupts_come_again() -> Iterator[None]:
    """Have an interrupt come again that came where no exception can: while an object was let go of.

    Python reports such a one as "ignored", and goes on as if nobody had asked it to stop.
    """
    reported = sys.unraisablehook

    def heed(unraisable: UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_interrupt_soon, (_thread.get_ident(),))
        else:
            reported(unraisable)

    sys.unraisablehook = heed
    try:
        yield
    finally:
        sys.unraisablehook = reported


def _interrupt_soon(thread: int) -> None:
    """Interrupt the thread, but not while it is still where an exception would be lost."""
    time.sleep(_LATER_S)
    # A signal of the system, unlike Python's `interrupt_main`, ends a wait as well.
    signal.pthread_kill(thread, signal.SIGINT)
