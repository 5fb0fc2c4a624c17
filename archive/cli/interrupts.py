"""Make sure that no interrupt (Ctrl-C) is lost.

Python raises KeyboardInterrupt wherever the program happens to be, also in `__del__` and in
callbacks of weak references, which no exception can leave.
"""

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


# Long enough for Python to finish reporting an ignored exception.
_LATER_S = 0.02


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
