from __future__ import annotations

import io
import sys

import pytest

from archive.render.progress import progress


class Terminal(io.StringIO):
    """A text stream that pretends to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(("total", "shown"), [(10, " 50%"), (None, "Reading")])
def test_progress_is_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, total: int | None, shown: str
) -> None:
    """A terminal shows the amount done and, if the total is known, the percentage."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("Reading", total) as advance:
        advance(5)
    assert shown in terminal.getvalue()


def test_no_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A log or a pipe gets nothing."""
    with progress("Reading", 10) as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")
