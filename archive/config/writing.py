"""An appliance added to a configuration, whose other lines stay as they are."""

from __future__ import annotations

import os
import stat
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import Array

from archive.atomic_write import atomic_write
from archive.config import sections
from archive.config.file import read
from archive.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archive.config.entries import Entry

_PRIVATE = 0o600


def add(path: Path, values: Mapping[str, Any]) -> Entry:
    """Append an `[[appliance]]` with these keys to a configuration, and return what it then means.

    The values are those of the file: texts, booleans, arrays, and maps for `secret` and `tags`. A
    file that is not there is made, for its owner alone. It is replaced as a whole, with the mode and
    the owner that it had, once its successor has been written and reads well.

    Raises UsageError for a name that is there already; ConfigurationError, with nothing changed, if
    the file is wrong, would become so, or cannot be written.
    """
    target = path.resolve()  # a link stays one
    there = target.exists()
    try:
        return _replace(path, target, _with(path, values), there=there)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: it cannot be written: {error.strerror or error}"
        ) from error


def draft(path: Path, values: Mapping[str, Any]) -> Entry:
    """Return what an appliance would mean if it were added; nothing is written.

    Raises as `add` does.
    """
    document = tomllib.loads(_with(path, values))
    return sections.fleet(document, path.absolute(), None).entries[-1]


def _with(path: Path, values: Mapping[str, Any]) -> str:
    """Return the text of a configuration with one appliance more."""
    if not path.exists():
        return _appended("", values)
    name = values.get("name")
    if any(str(name).casefold() == entry.name.casefold() for entry in read(path).entries):
        raise UsageError(f"{path} has an appliance {name} already")
    text = path.read_bytes().decode()
    _check_form(path, text)
    return _appended(text, values)


def _check_form(path: Path, text: str) -> None:
    if isinstance(tomlkit.parse(text).get("appliance"), Array):
        raise ConfigurationError(
            f"{path}: appliance: nothing can be added to an array in brackets; write each appliance"
            " below an [[appliance]] of its own"
        )


def _appended(text: str, values: Mapping[str, Any]) -> str:
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
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target, _PRIVATE, durable=True) as written:
        if there:
            before = target.stat()
            os.chown(written, before.st_uid, before.st_gid)
            written.chmod(stat.S_IMODE(before.st_mode))
        written.write_bytes(text.encode())
        return read(written, meant=path).entries[-1]
