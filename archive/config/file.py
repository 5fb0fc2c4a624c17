"""The configuration file: where it is looked for, and what it says."""

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
    """Return where a user's own configuration is looked for."""
    import platformdirs

    return Path(platformdirs.user_config_dir("archive", appauthor=False)) / _NAME


def find(config: str | None) -> Path | None:
    """Return the configuration: the one that is named, else the environment's, the user's, the system's.

    None if there is none. Never one in the current folder, which could be anybody's: a configuration
    names commands that are run. Raises ConfigurationError if the one that is named is not there.
    """
    for named, by in ((config, "--config"), (os.environ.get(VARIABLE) or None, f"${VARIABLE}")):
        if named is not None:
            path = Path(named).expanduser()
            if not path.exists():
                raise ConfigurationError(f"{path}: there is no such file; {by} names it")
            return path
    for path in (users_own(), SYSTEM):
        # Not to be allowed to look is no reason to go on without: another archive would be meant.
        try:
            if path.is_file():
                return path
        except OSError as error:
            raise _unreadable(path, error) from error
    return None


def place(config: str | None) -> Path:
    """Return the configuration as `find` does, or where it is to be made if it is not there."""
    named = config if config is not None else os.environ.get(VARIABLE) or None
    if named is not None:
        return Path(named).expanduser()
    return find(None) or users_own()


def read(path: Path, meant: Path | None = None) -> Fleet:
    """Return what a configuration says; of a copy of it, `meant` is where it will be.

    Raises ConfigurationError with all that is wrong with it, a line each.
    """
    from archive.config import sections

    shown = (meant or path).absolute()
    document, unsafe = _load(path, shown)
    return sections.fleet(document, shown, unsafe)


def database(path: Path) -> str | None:
    """Return the database that a configuration names, as `--database` takes it; else None.

    Nothing else is looked at. Raises ConfigurationError if that much cannot be read.
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
    """Return the TOML of a file, and why the file may hold no secret, if it may not."""
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
        return tomllib.loads(content.decode()), privacy.not_private(shown, status)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{shown}: it is not text in UTF-8 (at line {line})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{shown}: it is not TOML: {error}") from error


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    reason = error.strerror or error
    return ConfigurationError(f"{path}: it cannot be read: {reason}; --config names another one")
