"""Documents that are expensive to make: made once for all readers, and again when the archive changes.

Making one costs at most a tenth of a processor, however large the archive: after one took 6 seconds of
its time, changes are looked for a minute later. The first one also loads code, so its time does not count.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Changes are looked for no more often than this (seconds), and a failure is repeated for as long.
_PAUSE = 1.0
# Making a document takes at most this share of a processor.
_SHARE = 0.1


@dataclass(frozen=True)
class Document:
    """A document and its gzipped form; `tag` identifies its content."""

    body: bytes
    zipped: bytes
    tag: str


@dataclass
class _Made:
    """A document as of a `mark` of the archive; times are those of `time.monotonic`."""

    document: Document
    mark: object
    expires: float
    checks: float


class Fresh:
    """A document that follows the archive.

    It is made again if `mark` changes, and after `longest` seconds in any case, as ages grow. While one
    thread makes it, the others get the one before.
    """

    def __init__(
        self, make: Callable[[], bytes], mark: Callable[[], object], longest: float
    ) -> None:
        self._make = make
        self._mark = mark
        self._longest = longest
        self._lock = threading.Lock()
        self._made: _Made | None = None
        self._failed: tuple[float, Exception] | None = None
        self._loaded = False  # the code that makes it

    def get(self) -> Document:
        """Return the document. Raises whatever `make` and `mark` raise, also for other threads."""
        made = self._made
        if made is not None and time.monotonic() < made.checks:
            return made.document
        if not self._lock.acquire(blocking=made is None):
            assert made is not None  # noqa: S101 - otherwise the lock was waited for
            return made.document
        try:
            return self._refreshed()
        finally:
            self._lock.release()

    def _refreshed(self) -> Document:
        """Return the document, made again if it has to be. The caller holds the lock.

        After a failure, the same error is raised for a second without another try.
        """
        now = time.monotonic()
        if self._failed is not None and now < self._failed[0]:
            raise self._failed[1]
        made = self._made
        if made is not None and now < made.checks:  # another thread has just made it
            return made.document
        try:
            mark = self._mark()
            if made is not None and mark == made.mark and now < made.expires:
                made.checks = now + _PAUSE
                return made.document
            # The mark is from before, so a change in the meantime is noticed at the next look.
            begun = time.thread_time()
            document = _document(self._make())
            taken = time.thread_time() - begun if self._loaded else 0
            self._loaded = True
        except Exception as error:
            # An old document would pass for a fresh one.
            self._made, self._failed = None, (time.monotonic() + _PAUSE, error)
            raise
        # The longer it took, the later the next look.
        checks = time.monotonic() + max(_PAUSE, taken / _SHARE)
        self._made, self._failed = _Made(document, mark, now + self._longest, checks), None
        return document


def _document(body: bytes) -> Document:
    """Return a document with its gzipped form and tag: the start of its SHA-256, as a weak `ETag`."""
    # Without a time in the gzipped form, equal bodies have equal bytes in both forms.
    digest = hashlib.sha256(body).hexdigest()[:32]
    return Document(body, gzip.compress(body, 6, mtime=0), f'W/"{digest}"')
