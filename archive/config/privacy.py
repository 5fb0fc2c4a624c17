"""Whether a file may contain a secret: only its owner may be able to read or write it.

All functions judge the `stat` of an open file, by its mode bits and owner; access control lists do
not count, except as far as the mode shows them. `path` is only for the text. An error names the
command that mends it.
"""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_to_others(path: Path, status: os.stat_result) -> str | None:
    """Return an error, with the command to run, if other users can access a file; else None.

    The owner is not compared: another user's file of mode 600 can only be opened by root.
    """
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return f"other users can read or write {path}; run `chmod 600 {shlex.quote(str(path))}`"
    return None


def not_private(path: Path, status: os.stat_result) -> str | None:
    """Return an error, with the command to run, unless a file is the user's own and private.

    It is stricter than `open_to_others`: the owner of a configuration can change what it names.
    """
    if status.st_uid != os.geteuid():
        mend = f"chown {os.geteuid()} {shlex.quote(str(path))}"
        return f"{path} belongs to another user; run `{mend}`"
    return open_to_others(path, status)


def writable_by_all(path: Path, status: os.stat_result) -> str | None:
    """Return an error, with the command to run, if every user can write to a file; else None.

    The file's group may write: several administrators can share a configuration.
    """
    if stat.S_IMODE(status.st_mode) & stat.S_IWOTH:
        return f"every user can write to this file; run `chmod o-w {shlex.quote(str(path))}`"
    return None


def written_by_others(path: Path, status: os.stat_result) -> str | None:
    """Return an error, with the command to run, if another user than root can change a file; else None.

    It is for files that name commands: their author acts as the user who reads them.
    """
    quoted = shlex.quote(str(path))
    if status.st_uid not in (0, os.geteuid()):
        mend = f"run `chown {os.geteuid()} {quoted}`"
        return f"the file names a command, but belongs to another user; {mend}"
    if stat.S_IMODE(status.st_mode) & stat.S_IWGRP and not _own_group(status):
        return f"the file names a command, but a group can write to it; run `chmod g-w {quoted}`"
    return None


def _own_group(status: os.stat_result) -> bool:
    """Whether a file's group has no other members than its owner, as the private groups of users.

    Many Linux distributions give each user a group of the same name and a umask of 002. Users come
    from `pwd` and `grp`, so also from directories that the system is set up to list.
    """
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    # A group does not list users whose primary group it is.
    others = any(user.pw_gid == status.st_gid for user in pwd.getpwall() if user != owner)
    return owner.pw_gid == status.st_gid and not (set(group.gr_mem) - {owner.pw_name} or others)
