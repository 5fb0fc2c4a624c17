"""Fit a text into a width in terminal cells: filled up, cut or folded into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def padded(text: str, width: int, *, numeric: bool) -> str:
    """Return a text filled up to a width with spaces, on the left of numbers."""
    from rich.cells import cell_len

    space = " " * (width - cell_len(text))
    return space + text if numeric else text + space


def fitted_lines(text: str, width: int, *, shortened: bool) -> list[str]:
    """Return the lines of a text: one that ends in … if it is too long and `shortened`."""
    from rich.cells import cell_len, chop_cells

    if shortened and cell_len(text) > width:
        return [f"{chop_cells(text, width - 1)[0].rstrip()}…"]
    return list(folded(text, width)) or [""]


def folded(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text folded to a width: between words, or within a longer word."""
    from rich.cells import cell_len, chop_cells

    while cell_len(text) > width:
        line = chop_cells(text, width)[0]
        space = text.rfind(" ", 1, len(line) + 1)
        end = space if space > 0 else len(line)
        yield text[:end]
        text = text[end:].lstrip(" ")
    if text:
        yield text
