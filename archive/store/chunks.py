"""Long sequences in parts: how many values one query looks up."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
# Below the number of parameters that every supported SQLite accepts (999 before 3.32).
IN_QUERY = 500


def chunks(items: Iterable[T], size: int = IN_QUERY) -> Iterator[list[T]]:
    """Yield the items in order, in lists of `size`; the last one may be shorter.

    Items are read as they are needed; without any there is no list.
    """
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
