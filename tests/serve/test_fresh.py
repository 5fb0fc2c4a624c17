from __future__ import annotations

import threading
import time

import pytest

from archive.serve.fresh import Fresh


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for name in ("monotonic", "thread_time"):
            monkeypatch.setattr(f"archive.serve.fresh.time.{name}", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Source:
    """What a document is made of; making takes `seconds`."""

    def __init__(self, clock: Clock | None = None, seconds: float = 0) -> None:
        self.mark: object = 1
        self.made = 0
        self.error: Exception | None = None
        self._clock, self._seconds = clock, seconds

    def make(self) -> bytes:
        """Return a number that grows."""
        self.made += 1
        if self._clock is not None:
            self._clock.now += self._seconds
        if self.error is not None:
            raise self.error
        return b"%d" % self.made

    def fresh(self) -> Fresh:
        """Return the document."""
        return Fresh(self.make, lambda: self.mark, longest=300)


def test_document_is_made_again_when_the_archive_changes(clock: Clock) -> None:
    """Otherwise, and within a second, it is the same for everybody."""
    source = Source()
    document = source.fresh()
    assert [document.get().body for _ in range(3)] == [b"1"] * 3
    source.mark = 2
    assert document.get().body == b"1"
    clock.now += 2
    assert document.get().body == b"2"
    clock.now += 100
    assert document.get().body == b"2"


def test_document_is_made_again_as_ages_grow(clock: Clock) -> None:
    document = Source().fresh()
    document.get()
    clock.now += 301
    assert document.get().body == b"2"


def test_making_takes_at_most_a_tenth_of_the_time(clock: Clock) -> None:
    """An archive that changes all the time must not keep the server busy with its page.

    The first time does not count, as it includes loading the code: the next look is a second later.
    """
    source = Source(clock, seconds=5)
    document = source.fresh()
    made = []
    for number in range(100):
        source.mark = number
        document.get()
        made.append(source.made)
        clock.now += 1
    assert made[:2] == [1, 2]
    assert made[-1] == 3


def test_failure_is_no_old_document(clock: Clock) -> None:
    """It is repeated for a second, and then tried again."""
    source = Source()
    document = source.fresh()
    document.get()
    source.error, source.mark = ValueError("no archive"), 2
    clock.now += 2
    for _ in range(3):
        with pytest.raises(ValueError, match="no archive"):
            document.get()
    assert source.made == 2
    source.error = None
    clock.now += 2
    assert document.get().body == b"3"


def test_readers_get_the_document_before_while_a_new_one_is_made() -> None:
    """Only the first readers of all wait, and it is made once for them."""
    going, proceed = threading.Event(), threading.Event()
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        going.set()
        assert proceed.wait(30)
        return b"%d" % len(made)

    mark = [1]
    document = Fresh(make, lambda: mark[0], longest=300)
    bodies: list[bytes] = []

    def read() -> None:
        bodies.append(document.get().body)

    readers = [threading.Thread(target=read) for _ in range(5)]
    for reader in readers:
        reader.start()
    assert going.wait(30)
    proceed.set()
    for reader in readers:
        reader.join()
    assert (bodies, len(made)) == ([b"1"] * 5, 1)

    going.clear()
    proceed.clear()
    mark[0] = 2
    assert document._made is not None
    document._made.checks = time.monotonic()
    maker = threading.Thread(target=read)
    maker.start()
    assert going.wait(30)
    assert document.get().body == b"1"
    proceed.set()
    maker.join()
    assert document.get().body == b"2"
