"""The place of an answer: in memory and, when it becomes long, in a temporary file."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from archive.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes of an answer held in memory; a longer one continues in a temporary file.
IN_MEMORY = 4 << 20


def spool() -> tempfile.SpooledTemporaryFile[bytes]:
    """Return an empty place for an answer, which the caller must close."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY)


def discard(answer: IO[bytes]) -> None:
    """Close an answer that is of no use; what it still has to write may fail, too."""
    with suppress(OSError):
        answer.close()


@contextmanager
def writing() -> Iterator[None]:
    """Raise ApplianceError if the block cannot write an answer: the network is not to blame.

    No retry helps: the same answer would not fit either.
    """
    try:
        yield
    except OSError as error:
        raise ApplianceError(
            f"cannot keep the answer in {tempfile.gettempdir()}: {error.strerror or error}",
            "free space there, or set TMPDIR to another folder",
        ) from error
