"""What the wrapper on the PATH (`deploy/command/archive`) tells the command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Who called it, where the wrapper has changed the user; sudo has a variable of its own.
CALLER = "ARCHIVE_CALLER"


def hint(error: BaseException) -> str:
    """Return what to add to an error: the missing permission is not the caller's own."""
    caller = os.environ.get(CALLER) or os.environ.get("SUDO_USER")
    if not caller or not any(isinstance(cause, PermissionError) for cause in _causes(error)):
        return ""
    user = os.environ.get("USER", "")
    return (
        f'\nThe command runs as user "{user}", not as "{caller}".'
        " Use a folder of that user, or redirect with > or <."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
