"""The configuration file: find it and read it.

A configuration may name commands that the reader's account runs, so its mode and owner are checked
on the open file, before its content counts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.errors import ConfigurationError

if TYPE_CHECKING:
    from archive.config.settings import Fleet

# The environment variable that names a configuration when `--config` does not.
VARIABLE = "ARCHIVE_CONFIG"
_NAME = "archive.toml"
# For the whole machine; the user's own comes first.
SYSTEM = Path("/etc/archive") / _NAME
# Characters; a shorter key could be guessed.
_KEY_LENGTH = 16


def users_own() -> Path:
    """Return the path of the user's own configuration: on Linux `~/.config/archive/archive.toml`.

    `$XDG_CONFIG_HOME` replaces `~/.config`.
    """
    import platformdirs

    return Path(platformdirs.user_config_dir("archive", appauthor=False)) / _NAME


def find(config: str | None) -> Path | None:
    """Return the path of the configuration; None if there is none.

    The first of these counts: `config`, the environment, the user's own file, the system's file. The
    current folder is never searched: a configuration names commands to run, and anybody may have
    written a file there. Raises ConfigurationError if a named file does not exist.

    A named file is returned even if it cannot be read; `read` then reports that. An empty variable
    counts as not set.
    """
    for named, by in ((config, "--config"), (os.environ.get(VARIABLE) or None, f"${VARIABLE}")):
        if named is not None:
            path = Path(named).expanduser()
            if not path.exists():
                raise ConfigurationError(f"{path}: no such file; check {by}")
            return path
    for path in (users_own(), SYSTEM):
        # An unreadable folder is an error: going on without it could select another archive.
        try:
            if path.is_file():
                return path
        except OSError as error:
            raise _unreadable(path, error) from error
    return None


def place(config: str | None) -> Path:
    """Return the configuration as `find` does; if there is none, the path at which to create it.

    A named file need not exist. Raises ConfigurationError if a place cannot be searched.
    """
    named = config if config is not None else os.environ.get(VARIABLE) or None
    if named is not None:
        return Path(named).expanduser()
    return find(None) or users_own()


def read(path: Path, meant: Path | None = None) -> Fleet:
    """Read a configuration; for a copy that will replace it, `meant` is the final path.

    Raises ConfigurationError with all errors, one a line.

    No password is fetched and no connection made. `meant` is the path that errors show and at which
    relative paths start.
    """
    from archive.config import sections

    shown = (meant or path).absolute()
    document, unsafe = _load(path, shown)
    return sections.fleet(document, shown, unsafe)


def database(path: Path) -> str | None:
    """Return the configuration's database in the form of `--database`; None if it names none.

    Other keys are not checked. Raises ConfigurationError if the file or this key is wrong.

    It serves the verbs that need a database and no appliance: a mistake in the section of an
    appliance must not keep them from working.
    """
    from archive.config import place

    shown = path.absolute()
    document, unsafe = _load(path, shown)
    if "database" not in document:
        return None
    try:
        return place.database(document["database"], shown.parent, unsafe)
    except ValueError as error:
        raise ConfigurationError(f"{shown}: database: {error}") from error


def evidence_key(path: Path, *, or_none: bool = False) -> str | None:
    """Return the key of the chain of evidence; None if the configuration names none.

    Other keys are not checked, as in `database`. Raises ConfigurationError if the file or this key is
    wrong, or if there is no key at its source. With `or_none`, a file that cannot be read as a whole
    names none.
    """
    from archive.config import secrets, values

    shown = path.absolute()
    try:
        document, unsafe = _load(path, shown)
    except ConfigurationError:
        if or_none:
            return None
        raise
    section = document.get("evidence")
    if not isinstance(section, dict) or "key" not in section:
        return None
    try:
        secret = values.secret(section["key"])
    except ValueError as error:
        raise ConfigurationError(f"{shown}: [evidence]: key: {error}") from error
    if unsafe and secret.value is not None:
        raise ConfigurationError(f"{shown}: [evidence]: key: the key is in this file, but {unsafe}")
    found = secrets.password(secret, "evidence", shown, "key")
    if len(found) < _KEY_LENGTH:
        raise ConfigurationError(
            f"{shown}: [evidence]: key: shorter than {_KEY_LENGTH} characters: make one with"
            " `openssl rand -hex 32`"
        )
    return found


def _load(path: Path, shown: Path) -> tuple[dict[str, Any], str | None]:
    """Return a file's TOML, and why the file must not contain secrets, or None if it may.

    Raises ConfigurationError for a file that is not TOML in UTF-8, that every user can write to, or
    that names a command and can be written to by another user.
    """
    from archive.config import privacy

    try:
        with path.open("rb") as file:
            # Of the open file, so that the file checked is the file read.
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise _unreadable(shown, error) from error
    if complaint := privacy.writable_by_all(shown, status):
        raise ConfigurationError(f"{shown}: {complaint}")
    try:
        document, names_command = _toml(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{shown}: not valid UTF-8 (line {line})") from error
    except ValueError as error:
        raise ConfigurationError(f"{shown}: invalid TOML: {error}") from error
    # Only then: a file without commands may be shared by a group.
    if names_command and (complaint := privacy.written_by_others(shown, status)):
        raise ConfigurationError(f"{shown}: {complaint}")
    return document, privacy.not_private(shown, status)


def _toml(text: str) -> tuple[dict[str, Any], bool]:
    """Return a document, and whether it names a command. Raises ValueError, with the reason."""
    import tomllib

    if text.startswith("\N{BYTE ORDER MARK}"):
        raise ValueError("it starts with a byte-order mark; save it as UTF-8 without one")
    try:
        document = tomllib.loads(text)
        return document, _names_command(document)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # Python's limit, without a line
        raise ValueError("a number has too many digits") from error
    except RecursionError as error:
        raise ValueError("tables or arrays are nested too deeply") from error


def _names_command(value: Any) -> bool:
    """Whether a configuration, or a part of it, has a command to run."""
    if isinstance(value, list):
        return any(map(_names_command, value))
    if isinstance(value, dict):
        return "command" in value or any(map(_names_command, value.values()))
    return False


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    """Return the error for a file that the operating system refuses to open."""
    reason = error.strerror or error
    return ConfigurationError(
        f"{path}: cannot be read: {reason}; use --config to name another file"
    )
