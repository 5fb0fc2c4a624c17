"""Names of appliances: which are valid, and suggestions for mistyped ones."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from archive.errors import UsageError
from archive.suggestions import did_you_mean
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

# Characters, of the column; the longest host name in the DNS has 253.
NAME_LENGTH = 255
# As `fnmatch` has them; without them a glob is compared with names.
_WILDCARDS = re.compile(r"[*?\[\]]")
# Before a glob: all others.
EXCLUDING = "!"
# So many names are shown for one that is unknown.
_SHOWN = 5


def identity(name: str) -> str:
    """Return a name in the form that the archive stores: names of hosts have no case.

    `VC01.example.com`, `vc01.example.com` and `vc01.example.com.` are one appliance.
    """
    folded = name.lower()
    return folded[:-1] if folded.endswith(".") and not folded.endswith("..") else folded


def split_globs(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the globs that choose appliances, and those that leave them out: they begin with `!`."""
    chosen = [pattern for pattern in patterns if not pattern.startswith(EXCLUDING)]
    left_out = [
        pattern.removeprefix(EXCLUDING) for pattern in patterns if pattern.startswith(EXCLUDING)
    ]
    return chosen, left_out


def is_match(name: str, glob: str) -> bool:
    """Return whether a stored name is the one that a glob names, or one that it matches."""
    wanted = identity(glob)
    return name == wanted or fnmatchcase(name, wanted)


def check_name(name: str) -> str:
    """Return the identity of an appliance. Raises UsageError for an empty, long or unprintable name."""
    usable = bool(identity(name)) and len(identity(name)) <= NAME_LENGTH
    if not usable or len(name) > NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise UsageError(
            f"invalid appliance name {name!r}: use 1 to {NAME_LENGTH} printable characters, without"
            " spaces around them"
        )
    return identity(name)


def unmatched(glob: str, names: Sequence[str], place: str) -> str:
    """Return an error for a glob that matches none of the names; `place` is the archive or the file."""
    if not names:
        return f"no appliance matches {quoted(glob)}: {place} has no appliances yet"
    hint = did_you_mean(_WILDCARDS.sub("", glob), names, _SHOWN, cutoff=0.5)
    if not hint:
        more = ", ..." if len(names) > _SHOWN else ""
        hint = f" (known: {', '.join(sorted(names)[:_SHOWN])}{more})"
    return f"no appliance matches {quoted(glob)}{hint}"
