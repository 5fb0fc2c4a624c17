"""The names of appliances: what can be one, and what was probably meant by another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_LENGTH = 255
_WILDCARDS = re.compile(r"[*?\[\]]")
_SHOWN = 5


def check_name(name: str) -> str:
    """Return a usable appliance name. Raises UsageError for an empty, long or unprintable one."""
    if not name or len(name) > NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise UsageError(
            f"{name!r} cannot be an appliance's name: it must have 1 to {NAME_LENGTH} printable"
            " characters and no space around it"
        )
    return name


def unmatched(glob: str, names: Sequence[str], place: str) -> str:
    """Return a sentence about a glob that none of the names matches; `place` is what has them."""
    from difflib import get_close_matches

    if not names:
        return f"no appliance matches {glob!r}: {place} has none yet"
    close = get_close_matches(_WILDCARDS.sub("", glob), names, n=_SHOWN, cutoff=0.5)
    if close:
        return f"no appliance matches {glob!r}; close to it: {', '.join(close)}"
    more = ", ..." if len(names) > _SHOWN else ""
    return f"no appliance matches {glob!r}; there are: {', '.join(sorted(names)[:_SHOWN])}{more}"
