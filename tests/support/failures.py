"""Failures on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.store import loader

if TYPE_CHECKING:
    import pytest


def failing_load(patch: pytest.MonkeyPatch, batch: int, error: BaseException) -> None:
    """Make the loading of one batch fail."""
    original, calls = loader.Loader.load, iter(range(100))

    def fail(*arguments: Any) -> None:
        if next(calls) == batch:
            raise error
        original(*arguments)

    patch.setattr(loader.Loader, "load", fail)
