"""Passwords, from where the configuration says they are. They stand in no error and no log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archive import extras
from archive.errors import ConfigurationError

if TYPE_CHECKING:
    from archive.config.entries import Entry, Secret

# The folder of a systemd unit's credentials, which nobody but the unit can read.
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_COMMAND_SECONDS = 30
_SHOWN = 500


def reveal(entry: Entry, fleet_path: Path) -> str:
    """Return the password of an appliance; raises as `password` does."""
    return password(entry.secret, entry.user, fleet_path)


def password(secret: Secret, user: str, fleet_path: Path) -> str:
    """Return the password of a user; it may take a command's 30 seconds.

    Relative paths begin in the folder of a systemd unit's credentials, else beside the
    configuration. Raises ConfigurationError if there is no password, or others can read it.
    """
    folder = fleet_path.absolute().parent
    try:
        return _usable(_password(secret, user, folder))
    except UnicodeError:  # the error would have the password in it
        reason = "it is not text in UTF-8"
    except _NoPasswordError as error:
        reason = str(error)
    # Of no appliance: several may have the same secret, which is then read once.
    raise ConfigurationError(f"{fleet_path}: no password from {secret.origin}: {reason}")


class _NoPasswordError(Exception):
    """Why there is no password."""


def _usable(password: str) -> str:
    if not password:
        raise _NoPasswordError("it is empty")
    password.encode()
    return password


def _password(secret: Secret, user: str, folder: Path) -> str:
    if secret.environment is not None:
        return _from_environment(secret.environment)
    if secret.file is not None:
        return _from_file(secret.file, folder)
    if secret.command is not None:
        return _from_command(secret.command, folder)
    if secret.keyring is not None:
        return _from_keyring(secret.keyring, user)
    return secret.value or ""


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise _NoPasswordError("this variable is not set")
    return os.environ[name]


def _from_file(file: Path, folder: Path) -> str:
    from archive.config import privacy

    credentials = os.environ.get(_CREDENTIALS)
    path = Path(credentials or folder) / file
    try:
        with path.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read()
    except OSError as error:
        raise _NoPasswordError(f"{path} cannot be read: {error.strerror or error}") from error
    kept = credentials and path.resolve().is_relative_to(Path(credentials).resolve())
    if not kept and (complaint := privacy.open_to_others(path, status)):
        raise _NoPasswordError(complaint)
    return content.decode().removesuffix("\n").removesuffix("\r")


def _from_command(command: tuple[str, ...], folder: Path) -> str:
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the configuration's own command, without a shell
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:  # it has what was printed
        reason = f"it was not done after {_COMMAND_SECONDS} seconds"
    except OSError as error:
        reason = f"it cannot be run: {error.strerror or error}"
    else:
        if not done.returncode:
            return done.stdout.partition(b"\n")[0].removesuffix(b"\r").decode()
        said = " ".join(done.stderr.decode(errors="replace").split())[:_SHOWN]
        reason = f"it failed with exit code {done.returncode}{said and f': {said}'}"
    raise _NoPasswordError(reason)


def _from_keyring(service: str, user: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise _NoPasswordError(
            f'a keyring needs the extra "keyring"; {extras.advice("keyring")}'
        ) from error
    try:
        password = keyring.get_password(service, user)
    except KeyringError as error:
        raise _NoPasswordError(f"the keyring refused: {error}") from error
    if password is None:
        mend = f"keyring set {service} {user}"
        raise _NoPasswordError(f"it has none for {user}; run `{mend}`")
    return password
