from __future__ import annotations

import io
import sys

import pytest

from archive.render.progress import progress


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(("total", "shown"), [(10, " 50%"), (None, "Reading")])
def test_progress_is_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, total: int | None, shown: str
) -> None:
    """A terminal shows what is done and, if the end is known, how much of it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("Reading", total) as advance:
        advance(5)
    assert shown in terminal.getvalue()


def test_progress_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A log or a pipe gets nothing."""
    with progress("Reading", 10) as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")
