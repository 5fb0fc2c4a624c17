"""Parse lines in other processes while this one writes.

Parsing takes more than a third of the time of a load, and another processor can do it. The results
are plain tuples, which are cheap to pass between processes.
"""

from __future__ import annotations

import marshal
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any

from archive.document.parse import ParsedJob, ParsedLine, parse_line
from archive.document.precedence import SeenInterval
from archive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from archive.ingest.formats import Line

Lines = list["Line"]
Batch = tuple[Lines, list[ParsedLine | None]]

# One processor is left for this process and a local database; more workers would be idle.
_MOST = 3
# Batches that wait beside those being parsed, so that no worker has to.
_AHEAD = 1


@contextmanager
def reading_ahead() -> Iterator[Callable[[Iterable[Lines]], Iterator[Batch]]]:
    """Yield a function that adds the parsed lines to each batch, in the order of the batches.

    A line that is not in the common form is None. The function raises InputError if a worker
    process is killed.

    Without a second processor the lines are parsed here. Workers are new processes (`spawn`): a
    copy of this one by `fork` would share its database connections.
    """
    processes = min(_MOST, (os.cpu_count() or 1) - 1)
    if processes < 1:
        yield lambda batches: map(_read_here, batches)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin)
    try:
        yield lambda batches: _read(pool, processes + _AHEAD, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def _read(pool: ProcessPoolExecutor, ahead: int, batches: Iterable[Lines]) -> Iterator[Batch]:
    """Yield batches with their parsed lines, keeping `ahead` of them in the works."""
    try:
        started = pool.submit(_read_lines, ())
        waiting: deque[tuple[Lines, Future[bytes]]] = deque()
        for lines in batches:
            if not started.done():  # parsing a batch is faster than starting a process
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
    return lines, [*map(parse_line, _texts(lines))]


def _texts(lines: Lines) -> list[bytes]:
    return [line.text for line in lines]


def _result(lines: Lines, future: Future[bytes]) -> Batch:
    """Return a batch with the result of its worker; waits for it. Raises BrokenProcessPool."""
    return lines, [*map(_unpacked, marshal.loads(future.result()))]  # noqa: S302 - from our own process


def _read_lines(lines: Sequence[bytes]) -> bytes:
    """Return parsed lines, marshalled; runs in a worker process."""
    return marshal.dumps([*map(_packed, map(parse_line, lines))])


def _packed(line: ParsedLine | None) -> tuple[Any, ...] | None:
    """Return a parsed line as plain tuples, which marshal takes."""
    if line is None:
        return None
    name, key, seen, (status, rank, digest, rows, irregular, findings) = line
    job, build, location, operation, messages, error = rows
    plain = (
        tuple(job),
        build and tuple(build),
        location and tuple(location),
        operation and tuple(operation),
        [*map(tuple, messages)],
        error and tuple(error),
    )
    document = (status, rank, digest, plain, irregular, [*map(tuple, findings)])
    return name, key, seen and tuple(seen), document


def _unpacked(line: tuple[Any, ...] | None) -> ParsedLine | None:
    """Return the parsed line of `_packed`; its rows stay plain tuples, read by position."""
    if line is None:
        return None
    name, key, seen, document = line
    return ParsedLine(name, key, seen and SeenInterval(*seen), ParsedJob(*document))


def _begin() -> None:
    # The parent process handles interrupts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is killed; it would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
