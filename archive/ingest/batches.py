"""How many documents are merged together: what is read of an import, in batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from archive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.ingest.formats import Line

T = TypeVar("T")
BATCH = 2000


def batched(items: Iterator[T]) -> Iterator[list[T]]:
    """Yield items, so many at a time."""
    while batch := list(islice(items, BATCH)):
        yield batch


class LineBatches:
    """Lines in batches; `failure` says why there are no more, where that is not their end."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.ended = False
        self.failure: InputError | None = None

    def __iter__(self) -> Iterator[list[Line]]:
        return self

    def __next__(self) -> list[Line]:
        batch: list[Line] = []
        try:
            batch.extend(islice(self._lines, BATCH))  # what was read before a failure stays in it
        except InputError as error:
            self.failure = error
        self.ended = len(batch) < BATCH
        if not batch:
            raise StopIteration
        return batch
