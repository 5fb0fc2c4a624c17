"""Files that are replaced as a whole: a reader finds the old content or the new, never a part."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archive.private_files import PRIVATE, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def atomic_write(target: Path, mode: int = PRIVATE, *, durable: bool = False) -> Iterator[Path]:
    """Yield an empty file in the folder of `target`; it takes that name when the block ends.

    The file has the permissions `mode`, whatever the umask; written by root, it has the owner of the
    `target` that it replaces, or of the folder. With `durable` it is written to the disk first, so
    that it outlasts a loss of power. If the block raises, `target` stays as it is and the new file is
    removed. Raises OSError.
    """
    written = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(create(written, mode, target if target.exists() else None))
    try:
        yield written
        if durable:
            _sync(written)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)
    if durable:
        with suppress(OSError):  # not every file system can synchronise a folder
            _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
