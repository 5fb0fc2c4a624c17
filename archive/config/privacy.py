"""Which files may hold a secret: those that nobody but their owner can read or write."""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_to_others(path: Path, status: os.stat_result) -> str | None:
    """Return a sentence if others can read or write a file, with what mends it; else None."""
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return f"others can read or write {path}; run `chmod 600 {shlex.quote(str(path))}`"
    return None


def not_private(path: Path, status: os.stat_result) -> str | None:
    """Return a sentence unless a file is the user's own and closed to others; else None."""
    if status.st_uid != os.geteuid():
        mend = f"chown {os.geteuid()} {shlex.quote(str(path))}"
        return f"{path} belongs to another user; run `{mend}`"
    return open_to_others(path, status)


def writable_by_all(path: Path, status: os.stat_result) -> str | None:
    """Return a sentence if everyone can write to a file, with what mends it; else None."""
    if stat.S_IMODE(status.st_mode) & stat.S_IWOTH:
        return f"everyone can write to it; run `chmod o-w {shlex.quote(str(path))}`"
    return None
