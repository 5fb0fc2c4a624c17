"""One object in full: labelled values, with their parts indented below."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.render.units import text as printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO


class Item(NamedTuple):
    """A labelled value with items below it.

    An empty value is left out; the label then stands alone, such as above its parts.
    """

    label: str
    value: str = ""
    below: Sequence[Item] = ()


def write(items: Iterable[Item], out: TextIO, depth: int = 0) -> None:
    """Write one item per line, with the values of a level aligned.

    Each level is indented by two characters more. Control characters are escaped.
    """
    items = list(items)
    width = max((len(printable(item.label)) for item in items if item.value), default=0)
    for item in items:
        label = printable(item.label)
        line = f"{label.ljust(width)}  {printable(item.value)}" if item.value else label
        out.write("  " * depth + line.rstrip() + "\n")
        write(item.below, out, depth + 1)
