"""The configuration file: find it and read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.errors import ConfigurationError

if TYPE_CHECKING:
    from archive.config.entries import Fleet

VARIABLE = "ARCHIVE_CONFIG"
_NAME = "archive.toml"
SYSTEM = Path("/etc/archive") / _NAME


def users_own() -> Path:
    """Return the path of the user's own configuration."""
    import platformdirs

    return Path(platformdirs.user_config_dir("archive", appauthor=False)) / _NAME


def find(config: str | None) -> Path | None:
    """Return the path of the configuration; None if there is none.

    The first of these counts: `config`, the environment, the user's own file, the system's file. The
    current folder is never searched: a configuration names commands to run, and anybody may have
    written a file there. Raises ConfigurationError if a named file does not exist.
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
    """Return the configuration as `find` does; if there is none, the path at which to create it."""
    named = config if config is not None else os.environ.get(VARIABLE) or None
    if named is not None:
        return Path(named).expanduser()
    return find(None) or users_own()


def read(path: Path, meant: Path | None = None) -> Fleet:
    """Read a configuration; for a copy that will replace it, `meant` is the final path.

    Raises ConfigurationError with all errors, one a line.
    """
    from archive.config import sections

    shown = (meant or path).absolute()
    document, unsafe = _load(path, shown)
    return sections.fleet(document, shown, unsafe)


def database(path: Path) -> str | None:
    """Return the configuration's database in the form of `--database`; None if it names none.

    Other keys are not checked. Raises ConfigurationError if the file or this key is wrong.
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


def _load(path: Path, shown: Path) -> tuple[dict[str, Any], str | None]:
    """Return a file's TOML, and why the file must not contain secrets, or None if it may."""
    import tomllib

    from archive.config import privacy

    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise _unreadable(shown, error) from error
    if complaint := privacy.writable_by_all(shown, status):
        raise ConfigurationError(f"{shown}: {complaint}")
    try:
        document = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{shown}: not valid UTF-8 (line {line})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{shown}: invalid TOML: {error}") from error
    if _names_command(document) and (complaint := privacy.written_by_others(shown, status)):
        raise ConfigurationError(f"{shown}: {complaint}")
    return document, privacy.not_private(shown, status)


def _names_command(value: Any) -> bool:
    """Whether a configuration, or a part of it, has a command to run."""
    if isinstance(value, list):
        return any(map(_names_command, value))
    if isinstance(value, dict):
        return "command" in value or any(map(_names_command, value.values()))
    return False


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    reason = error.strerror or error
    return ConfigurationError(
        f"{path}: cannot be read: {reason}; use --config to name another file"
    )
