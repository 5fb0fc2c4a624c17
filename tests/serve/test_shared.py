from __future__ import annotations

import threading

import pytest

from archive.serve.shared import _KEPT, _LARGEST, Shared


class Source:
    """What answers are made of."""

    def __init__(self) -> None:
        self.mark = 1
        self.made = 0
        self.shared = Shared(lambda: self.mark, longest=15)

    def make(self) -> bytes:
        """Return a number that grows."""
        self.made += 1
        return b"%d" % self.made

    def ask(self, question: str = "rpo") -> bytes:
        """Return the answer to a question."""
        return self.shared.get(question, self.make)


def test_answer_is_used_again_until_the_archive_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or until ages have grown."""
    now = [100.0]
    monkeypatch.setattr("archive.serve.shared.time.monotonic", lambda: now[0])
    source = Source()
    assert [source.ask(), source.ask("trends")] == [b"1", b"2"]
    now[0] += 14
    assert [source.ask(), source.ask("trends")] == [b"1", b"2"]
    source.mark = 2
    assert [source.ask(), source.ask()] == [b"3", b"3"]
    now[0] += 16
    assert source.ask() == b"4"


def test_failure_is_not_kept() -> None:
    source = Source()

    def fail() -> bytes:
        raise ValueError("no archive")

    with pytest.raises(ValueError, match="no archive"):
        source.shared.get("rpo", fail)
    assert source.ask() == b"1"


def test_memory_is_limited() -> None:
    """Large answers are not kept, nor are those that nobody asked for lately."""
    source = Source()
    large = bytes(_LARGEST + 1)
    assert source.shared.get("large", lambda: large) == large
    assert source.shared.get("large", lambda: b"small") == b"small"
    assert source.ask("first") == b"1"
    for number in range(_KEPT):
        source.ask(f"{number}")
    assert source.ask("first") == b"%d" % (_KEPT + 2)


def test_readers_of_a_moment_share_one_run() -> None:
    """Even while the archive changes all the time; those who ask later get a later answer."""
    going, proceed = threading.Event(), threading.Event()
    marks = iter(range(1000))
    shared = Shared(lambda: next(marks), longest=15)
    made: list[int] = []
    answers: list[bytes] = []

    def make() -> bytes:
        made.append(1)
        going.set()
        assert proceed.wait(30)
        return b"%d" % len(made)

    def read() -> None:
        answers.append(shared.get("rpo", make))

    first = threading.Thread(target=read)
    first.start()
    assert going.wait(30)
    others = [threading.Thread(target=read) for _ in range(10)]
    for other in others:
        other.start()
    while len(answers) + sum(other.is_alive() for other in others) < 10:
        pass
    proceed.set()
    for thread in (first, *others):
        thread.join()
    assert answers[0] == b"1"
    assert set(answers[1:]) <= {b"2", b"3"}
    assert len(made) <= 3
