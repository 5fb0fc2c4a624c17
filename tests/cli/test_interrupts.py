"""Interrupts at moments when Python cannot raise them."""

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
    """An object that raises or calls something when its last reference goes."""

    def __init__(self, error: type[BaseException] | None = None) -> None:
        self._error = error

    def __del__(self) -> None:
        if self._error:
            raise self._error
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Let SIGINT raise, as in a process that was not started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Collect the exceptions that Python reports as ignored."""
    kinds: list[type[BaseException]] = []

    def note(unraisable: UnraisableHookArgs) -> None:
        kinds.append(unraisable.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", note)
    return kinds


def test_interrupt_in_a_finalizer_is_lost_without_the_guard(
    reported: list[type[BaseException]],
) -> None:
    LetGo()
    time.sleep(0.01)
    assert reported == [KeyboardInterrupt]


def test_interrupt_in_a_finalizer_is_raised_with_the_guard(
    reported: list[type[BaseException]],
) -> None:
    def wait() -> None:
        with repeat_lost_interrupts():
            LetGo()
            time.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        wait()
    assert reported == []


def test_other_errors_in_finalizers_are_reported_as_before(
    reported: list[type[BaseException]],
) -> None:
    with repeat_lost_interrupts():
        LetGo(ValueError)
    assert reported == [ValueError]


def test_reporting_is_restored_afterwards(reported: list[type[BaseException]]) -> None:
    hook = sys.unraisablehook
    with repeat_lost_interrupts():
        assert sys.unraisablehook is not hook
    assert sys.unraisablehook is hook
    assert reported == []
