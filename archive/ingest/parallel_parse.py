"""Lines read by other processes, while this one writes what they have read before.

Reading a document takes a good third of what loading it does, and another processor can do it. What
comes back are plain tuples, which are cheap to hand over.
"""

from __future__ import annotations

import marshal
import os
import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

from archive.document.fast_parse import read_line
from archive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from archive.document.fast_parse import ReadLine
    from archive.ingest.formats import Line

Lines = list["Line"]
Batch = tuple[Lines, list["ReadLine | None"]]

# One process is left to this one and, on a small machine, the database; more find nothing to do.
_MOST = 3
_AHEAD = 1


@contextmanager
def reading_ahead() -> Iterator[Callable[[Iterable[Lines]], Iterator[Batch]]]:
    """Give a function that adds to batches of lines what each line says, in the order of batches.

    None stands for a line that is not of the common form. The function raises InputError if one
    of the processes is ended from outside.
    """
    processes = min(_MOST, (os.cpu_count() or 1) - 1)
    if processes < 1:
        yield lambda batches: map(_read_here, batches)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield lambda batches: _read(pool, processes + _AHEAD, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def _read(pool: ProcessPoolExecutor, ahead: int, batches: Iterable[Lines]) -> Iterator[Batch]:
    try:
        started = pool.submit(_read_lines, ())
        waiting: deque[tuple[Lines, Future[bytes]]] = deque()
        for lines in batches:
            if not started.done():  # a process takes longer to start than a batch to be read
                yield _read_here(lines)
                continue
            waiting.append((lines, pool.submit(_read_lines, _texts(lines))))
            if len(waiting) >= ahead:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was killed; the machine may be short of memory"
        ) from error


def _read_here(lines: Lines) -> Batch:
    return lines, [*map(read_line, _texts(lines))]


def _texts(lines: Lines) -> list[bytes]:
    return [line.text for line in lines]


def _result(lines: Lines, future: Future[bytes]) -> Batch:
    return lines, marshal.loads(future.result())  # noqa: S302 - from our own process


def _read_lines(lines: Sequence[bytes]) -> bytes:
    """Return what lines say, as bytes; runs in another process."""
    return marshal.dumps([*map(read_line, lines)])


def _ignore_interrupts() -> None:
    # The process that started this one decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
