"""Answers that several readers get from one run of a report, and that are as fresh as their own.

They are kept in memory, the latest ones, by report, form and query string. A change of the
configuration shows after `longest` seconds at the latest.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

# Kept answers, and the greatest size of one in bytes, so that all of them are at most 32 MiB.
_KEPT, _LARGEST = 64, 512 << 10


@dataclass
class _Slot:
    """The last answer to a question, None if there is none, and when it was begun."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: bytes | None = None
    mark: object = None
    begun: float = 0.0


class Shared:
    """The answers to questions that many readers ask at the same time, or again and again.

    An answer is used again if the archive has the same `mark`, for up to `longest` seconds as ages grow,
    and by readers who waited while it was made. So none is older than if the reader had been alone.

    It may be used by several threads at once; `mark` is called by one at a time.
    """

    def __init__(self, mark: Callable[[], object], longest: float) -> None:
        self._mark = mark
        self._longest = longest
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def get(self, question: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the answer to a question, made if necessary. Raises whatever `make` and `mark` raise.

        The reader waits while another one has the same question. An error is not kept: the next
        reader tries again.
        """
        asked = time.monotonic()
        slot = self._slot(question)
        with slot.lock:
            if slot.answer is not None and slot.begun >= asked:
                return slot.answer
            begun = time.monotonic()
            with self._lock:
                mark = self._mark()
            if slot.answer is not None and slot.mark == mark and begun - slot.begun < self._longest:
                return slot.answer
            slot.answer = None
            answer = make()
            if len(answer) <= _LARGEST:
                slot.answer, slot.mark, slot.begun = answer, mark, begun
            return answer

    def _slot(self, question: Hashable) -> _Slot:
        """Return the place of a question, now the latest; the oldest beyond the limit goes."""
        with self._lock:
            slot = self._slots.setdefault(question, _Slot())
            self._slots.move_to_end(question)
            while len(self._slots) > _KEPT:
                self._slots.popitem(last=False)
            return slot
