"""Suggestions for mistyped names: "did you mean ...?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names that still fit into an error; there may be hundreds.
_SHOWN = 20


def did_you_mean(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """Return ` (did you mean "NAME"?)` with up to `most` similar names; nothing if none is similar.

    `cutoff` is the similarity that a name must have, from 0 to 1, as difflib measures it.
    """
    from difflib import get_close_matches  # which only mistakes need

    close = [quoted(one) for one in get_close_matches(name, list(known), most, cutoff)]
    if not close:
        return ""
    *others, last = close
    return f" (did you mean {', '.join(others)}{' or ' if others else ''}{last}?)"


def suggestion(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """Return what follows an unknown name in an error: similar names, else the known ones."""
    names = list(known)
    similar = did_you_mean(name, names, most, cutoff)
    if similar or not names:
        return similar
    more = ", ..." if len(names) > _SHOWN else ""
    return f" (known: {', '.join(names[:_SHOWN])}{more})"
