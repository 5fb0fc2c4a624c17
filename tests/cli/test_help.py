"""Every help text is shown as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer.main
from rich.markup import render

from archive.cli.app import app
from tests.support.command import archive

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield names, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, *names, name)


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_no_help_text_loses_words_to_markup(names: tuple[str, ...]) -> None:
    """`[defaults]` would be taken for markup, unless it is written with a backslash."""
    command = ALL[names]
    texts = [command.help, command.epilog, *(getattr(one, "help", None) for one in command.params)]
    for text in filter(None, texts):
        assert render(text).plain == text.replace("\\[", "["), text


@pytest.mark.parametrize(
    ("verb", "shown"),
    [
        (("fleet", "add"), "here or in [defaults]"),
        (("mail",), "The section [mail] of"),
        (("collect",), "--dry-run"),
    ],
)
def test_help_shows_sections_and_no_type_of_flags(verb: tuple[str, ...], shown: str) -> None:
    text = archive(*verb, "--help").out
    assert shown in " ".join(text.replace("│", " ").split())
    assert "bool" not in text
