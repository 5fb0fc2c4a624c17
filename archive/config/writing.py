"""Add an appliance to a configuration and leave its other lines as they are.

The new table is appended as text: comments, order and layout of the existing lines stay byte for
byte. The file as a whole is parsed before and after.
"""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import Array

from archive.appliance_names import identity
from archive.atomic_write import atomic_write
from archive.config import sections
from archive.config.file import read
from archive.errors import ConfigurationError, UsageError
from archive.private_files import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from archive.config.settings import Entry


def add(path: Path, values: Mapping[str, Any]) -> Entry:
    """Append an `[[appliance]]` with these keys to a configuration, and return its entry.

    The values are as in the file: strings, booleans, arrays, and maps for `secret` and `tags`. A
    missing file is created for its owner alone. An existing file keeps its mode and owner; it is
    replaced as a whole, after the new content has been read back without errors.

    Raises UsageError for a name that exists already; ConfigurationError, with nothing changed, if
    the file has errors, would have errors, or cannot be written.

    Keys have the order of `values`. The folder of a missing file is created. The write is durable:
    after a crash the file is the old or the new one.
    """
    target = path.resolve()  # a link stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent):
            return _replace(path, target, _with(path, values), there=target.exists())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process adds to a file of this folder, and keep others from it in the block.

    Otherwise the one that writes last would undo what the others added. On a file system without locks
    there is no waiting. Raises OSError for a folder that cannot be opened.
    """
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which also ends the lock


def draft(path: Path, values: Mapping[str, Any]) -> Entry:
    """Return the entry that `add` would return; write nothing.

    Whether the file may contain a password is left to `add`. Raises as `add` does.
    """
    document = tomllib.loads(_with(path, values))
    return sections.fleet(document, path.absolute(), None).entries[-1]


def require_writable(path: Path) -> None:
    """Raise ConfigurationError if `add` could not write the file; change nothing.

    Only an attempt shows it: permissions do not tell of read-only file systems, nor of full ones.
    """
    folder = next(each for each in path.resolve().parents if each.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from error


def _with(path: Path, values: Mapping[str, Any]) -> str:
    """Return the text of a configuration with the appliance added.

    Raises UsageError for a name that exists.
    """
    if not path.exists():
        return _appended("", values)
    name = str(values.get("name"))
    if identity(name) in {identity(entry.name) for entry in read(path).entries}:
        raise UsageError(f"{path}: appliance {name} already exists")
    # Bytes, so that line ends stay as they are.
    text = path.read_bytes().decode()
    _check_form(path, text)
    return _appended(text, values)


def _check_form(path: Path, text: str) -> None:
    """Raise ConfigurationError for `appliance = [...]`: TOML forbids to extend it by a table."""
    if isinstance(tomlkit.parse(text).get("appliance"), Array):
        raise ConfigurationError(
            f"{path}: appliance: cannot add to an array in brackets; write each appliance as a table"
            " under its own [[appliance]]"
        )


def _appended(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with an `[[appliance]]` after it, separated by an empty line.

    Maps are written inline, as people write them: `secret = { file = "vc01" }`.
    """
    table = tomlkit.table()
    for key, value in values.items():
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update(value)
            table.add(key, inline)
        else:
            table.add(key, value)
    appliances = tomlkit.aot()
    appliances.append(table)
    addition = tomlkit.dumps({"appliance": appliances})
    if not text:
        return addition
    end = "" if text.endswith("\n") else "\n"
    return f"{text}{end}\n{addition}"


def _replace(path: Path, target: Path, text: str, *, there: bool) -> Entry:
    """Write the text beside the target, read it back, then put it in the target's place.

    An error of the new content leaves the old file, since it is raised before the replacement.
    """
    mode = stat.S_IMODE(target.stat().st_mode) if there else PRIVATE
    with atomic_write(target, mode, durable=True) as written:
        written.write_bytes(text.encode())
        return read(written, meant=path).entries[-1]
