"""Read lines in other processes while this one writes.

Reading takes more than a third of the time of a load, and another processor can do it. The results
are plain tuples, which are cheap to pass between processes.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import sys
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any

from archive.document.parse import Observation, ParsedJob
from archive.document.precedence import SeenInterval
from archive.errors import InputError
from archive.ingest.batches import COLLECT_AFTER
from archive.ingest.observe import observe_line, seen_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from archive.ingest.formats import Line

Lines = list["Line"]
Batch = tuple[Lines, list[Observation | None]]

# One processor is left for this process and a local database; more workers would be idle.
_MOST = 3
# Batches that wait beside those being parsed, so that no worker has to.
_AHEAD = 1
# What a terminal and systemd send to all processes of a command. The parent handles it, and its
# workers end with it.
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def reading_ahead(seen_at: str) -> Iterator[Callable[[Iterable[Lines]], Iterator[Batch]]]:
    """Yield a function that adds the observations of its lines to each batch, in order.

    `seen_at` is when the import was seen. A line that is not in the common form is None. The function
    raises InputError if a worker process is killed.

    Workers start with the first lines; without a second processor the lines are read here.
    """
    processes = min(_MOST, (os.cpu_count() or 1) - 1)
    if processes < 1:
        yield partial(read_here, seen_at)
        return
    readers = _Readers(processes, seen_at)
    try:
        yield readers.read
    finally:
        readers.stop()


def read_here(seen_at: str, batches: Iterable[Lines]) -> Iterator[Batch]:
    """Add the observations of its lines to each batch, in this process."""
    return (_read_here(lines, seen_at) for lines in batches)


class _Readers:
    """The worker processes of an import."""

    def __init__(self, processes: int, seen_at: str) -> None:
        self._processes = processes
        self._seen_at = seen_at
        self._pool: ProcessPoolExecutor | None = None
        self._started: Future[bytes] | None = None

    def read(self, batches: Iterable[Lines]) -> Iterator[Batch]:
        """Yield batches with their observations, reading some ahead."""
        waiting: deque[tuple[Lines, Future[bytes]]] = deque()
        try:
            for lines in batches:
                pool = self._start() if lines or waiting else None
                if pool is None:
                    yield _read_here(lines, self._seen_at)
                    continue
                waiting.append((lines, self._submit(pool, _texts(lines))))
                if len(waiting) >= self._processes + _AHEAD:
                    yield _result(*waiting.popleft(), self._seen_at)
            while waiting:
                yield _result(*waiting.popleft(), self._seen_at)
        except BrokenProcessPool as error:
            raise InputError(
                "a worker process was killed; the machine may be short of memory"
            ) from error

    def _start(self) -> ProcessPoolExecutor | None:
        """Return the workers; None until one has started, since reading a batch here is faster."""
        if self._pool is None or self._started is None:
            self._pool = ProcessPoolExecutor(
                self._processes, get_context(_start_method()), initializer=_begin
            )
            self._started = self._submit(self._pool, ())
        return self._pool if self._started.done() else None

    def _submit(self, pool: ProcessPoolExecutor, lines: Sequence[bytes]) -> Future[bytes]:
        """Have lines read; this may start workers, which signals disturb only when they can ignore them."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        try:
            return pool.submit(_read_lines, lines, self._seen_at)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _start_method() -> str:
    """Return how to start workers: as copies of this process where that is safe, which saves 0.2 s each.

    A copy has this process's connections to the database, too. It never uses them, and ends without
    closing them.
    """
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _read_here(lines: Lines, seen_at: str) -> Batch:
    return lines, [*map(observe_line, _texts(lines), repeat(seen_at))]


def _texts(lines: Lines) -> list[bytes]:
    return [line.text for line in lines]


def _result(lines: Lines, future: Future[bytes], seen_at: str) -> Batch:
    """Return a batch with the result of its worker; waits for it. Raises BrokenProcessPool."""
    packed = marshal.loads(future.result())  # noqa: S302 - from our own process
    return lines, [*map(_unpacked, packed, repeat(seen_at))]


def _read_lines(lines: Sequence[bytes], seen_at: str) -> bytes:
    """Return the observations of lines, marshalled; runs in a worker process."""
    return marshal.dumps([*map(_packed, map(observe_line, lines, repeat(seen_at)))])


def _packed(read: Observation | None) -> tuple[Any, ...] | None:
    """Return an observation as plain tuples, which marshal takes.

    An interval that follows from the rest is left out.
    """
    if read is None:
        return None
    name, key, (status, rank, digest, rows, irregular, findings), seen, mark = read
    job, build, location, operation, messages, error = rows
    plain = (
        tuple(job),
        build and tuple(build),
        location and tuple(location),
        operation and tuple(operation),
        [(role, _plain(content)) for role, content in messages],
        error and tuple(error),
    )
    document = (status, rank, digest, plain, irregular, [*map(tuple, findings)])
    return name, key, document, tuple(seen) if mark is None else None, mark


def _plain(content: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a content as plain tuples; only those of an error's messages are not yet."""
    if type(content) is tuple:
        return content
    digest, template, localized, has_params, args, params = content
    return digest, tuple(template), localized, has_params, tuple(args), tuple(map(tuple, params))


def _unpacked(packed: tuple[Any, ...] | None, seen_at: str) -> Observation | None:
    """Return the observation of `_packed`; its rows stay plain tuples, read by position."""
    if packed is None:
        return None
    name, key, document, seen, mark = packed
    interval = seen_once(document[0], seen_at) if seen is None else SeenInterval(*seen)
    return Observation(name, key, ParsedJob._make(document), interval, mark)


def _begin() -> None:
    gc.set_threshold(COLLECT_AFTER)
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is killed; it would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
