"""Documents and lines in batches, which are merged together and bound the memory of an import."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from archive.errors import InputError
from archive.ingest.raw_document import KnownDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archive.ingest.formats import Line
    from archive.ingest.raw_document import RawDocument

    Found = RawDocument | KnownDocument

T = TypeVar("T")
# Documents: enough that each statement writes many rows, few enough to hold their rows in memory.
BATCH = 1500
# More objects than a batch consists of. They have no cycles, so searching them frees nothing.
COLLECT_AFTER = 1_000_000


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collect garbage rarely for a while."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


# Characters of the texts of a batch; parsed, they can take fifty times as much memory.
LONGEST_BATCH = 8 << 20


def documents(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Yield documents in batches. Raises InputError where `found` does."""
    rest = iter(found)
    ended = False
    while not ended:
        batch, ended, failure = _take(rest, _length)
        if failure is not None:
            raise failure
        yield batch


def _length(found: Found) -> int:
    return 0 if isinstance(found, KnownDocument) else len(found.text)


class LineBatches:
    """Lines in batches; `failure` is the error that ended them early, if one did.

    `ended` is true when the last batch has been returned; it may be empty then. Lines read before
    the failure are in the last batch, so they are archived before the error is raised.
    """

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.ended = False
        self.failure: InputError | None = None

    def __iter__(self) -> Iterator[list[Line]]:
        return self

    def __next__(self) -> list[Line]:
        if self.ended:
            raise StopIteration
        batch, self.ended, self.failure = _take(self._lines, lambda line: len(line.text))
        if not batch:
            raise StopIteration
        return batch


def _take(
    items: Iterator[T], length: Callable[[T], int]
) -> tuple[list[T], bool, InputError | None]:
    """Return a batch, whether it is the last one, and the error that ended it early."""
    batch: list[T] = []
    total = 0
    try:
        for item in items:
            batch.append(item)
            total += length(item)
            if len(batch) == BATCH or total > LONGEST_BATCH:
                return batch, False, None
    except InputError as error:
        return batch, True, error  # what was read before a failure counts
    return batch, True, None
