"""New files: only their owner can access them, and after a run by root the usual user still can."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Files of an archive contain user names, targets and perhaps passwords.
PRIVATE = 0o600
# A link that somebody else has put there is not followed, and no command inherits the file.
_OURS = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path, mode: int = PRIVATE, like: Path | None = None) -> int:
    """Create a file with exactly these permissions, whatever the umask; return its descriptor.

    Created by root, it gets owner and group of `like`, by default of its folder, as SQLite does it for
    the files beside a database. Created by another user, it gets the group of `like`; where that is
    not allowed, no group can access it. Raises FileExistsError, OSError.
    """
    # No moment with wider permissions, or with another owner's file.
    descriptor = os.open(path, _OURS | os.O_EXCL | os.O_RDWR, PRIVATE & mode)
    try:
        os.fchmod(descriptor, _give_away(descriptor, path.parent, like, mode))
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def open_beside(path: Path, like: Path) -> int:
    """Open a file for reading and writing, created with the owner and permissions of `like`.

    Raises OSError.

    It is for lock files: every user who can open `like` must be able to lock.
    """
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            pass
        try:
            return create(path, stat.S_IMODE(like.stat().st_mode), like)
        except FileExistsError:  # another process was faster
            continue


def make_folder(path: Path) -> None:
    """Create a folder, and those above it, for its owner alone unless it exists. Raises OSError.

    An existing folder keeps its mode. Created by root, it gets the owner of the folder above.
    """
    try:
        path.mkdir(0o700)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(0o700)
    except FileExistsError:
        if path.is_dir():
            return
        raise
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _give_away(descriptor: int, folder: Path, like: Path | None, mode: int) -> int:
    """Set the owner of a new file; return the mode that it may have."""
    owner = (folder if like is None else like).stat()
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    elif like is not None and os.fstat(descriptor).st_gid != owner.st_gid:
        try:
            os.fchown(descriptor, -1, owner.st_gid)
        except PermissionError:
            return mode & ~stat.S_IRWXG
    return mode
