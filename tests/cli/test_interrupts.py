"""Interrupts that come where Python cannot raise them."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from archive.cli.interrupts import repeat_lost_interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sys import UnraisableHookArgs


class LetGo:
    """Does as it is told when nothing refers to it any more."""

    def __init__(self, error: type[BaseException] | None = None) -> None:
        self._error = error

    def __del__(self) -> None:
        if self._error:
            raise self._error
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Have SIGINT raise, as in a process that has not been started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Return what is reported as ignored."""
    kinds: list[type[BaseException]] = []

    def note(unraisable: UnraisableHookArgs) -> None:
        kinds.append(unraisable.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", note)
    return kinds


def test_without_it_an_interrupt_while_letting_go_is_lost(
    reported: list[type[BaseException]],
) -> None:
    LetGo()
    time.sleep(0.01)
    assert reported == [KeyboardInterrupt]


def test_with_it_the_interrupt_comes(reported: list[type[BaseException]]) -> None:
    def wait() -> None:
        with repeat_lost_interrupts():
            LetGo()
            time.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        wait()
    assert reported == []


def test_any_other_error_is_reported_as_before(reported: list[type[BaseException]]) -> None:
    with repeat_lost_interrupts():
        LetGo(ValueError)
    assert reported == [ValueError]


def test_afterwards_all_is_reported_as_before(reported: list[type[BaseException]]) -> None:
    hook = sys.unraisablehook
    with repeat_lost_interrupts():
        assert sys.unraisablehook is not hook
    assert sys.unraisablehook is hook
    assert reported == []
