"""Lines in batches, and the number of documents that are merged together."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from archive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.ingest.formats import Line

# Documents: enough that each statement writes many rows, few enough to hold their rows in memory.
BATCH = 2000


class LineBatches:
    """Lines in lists of `BATCH`; `failure` is the error that ended them early, if one did.

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
        batch: list[Line] = []
        try:
            batch.extend(islice(self._lines, BATCH))  # what was read before a failure stays in it
        except InputError as error:
            self.failure = error
        self.ended = len(batch) < BATCH
        if not batch:
            raise StopIteration
        return batch
