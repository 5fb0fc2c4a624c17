"""A hint for users who run the command through the wrapper `deploy/command/archive`.

Through the wrapper the command runs as the user of the service, who may not read the files of the
one who calls it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The calling user, if the wrapper changed the user; sudo sets SUDO_USER instead.
CALLER = "ARCHIVE_CALLER"


def hint(error: BaseException) -> str:
    """Return a hint to add to a permission error if the command runs as another user.

    Empty without one. Permission errors are often about a file that the calling user could read.
    """
    caller = os.environ.get(CALLER) or os.environ.get("SUDO_USER")
    if not caller or not any(isinstance(cause, PermissionError) for cause in _causes(error)):
        return ""
    user = os.environ.get("USER", "")
    return (
        f'\nThe command runs as user "{user}", not as "{caller}".'
        " Use a folder of that user, or redirect with > or <."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that led to it, as Python shows them in a traceback."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
