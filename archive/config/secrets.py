"""Passwords, read from the source that the configuration names; never in an error or a log."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from archive import extras
from archive.errors import ConfigurationError

if TYPE_CHECKING:
    from archive.config.settings import Entry, Secret

# The folder of a systemd unit's credentials; only the unit can read it.
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
# Enough for a password manager that asks a server, and an end for one that waits for a terminal.
_COMMAND_SECONDS = 30
# Characters of a command's own error message that an error repeats.
_SHOWN = 500
# Bytes of a password file; more is another file.
_LONGEST = 1 << 16
# A tab can be typed.
_CONTROL = re.compile("[\0-\x08\n-\x1f\x7f-\x9f]")


def reveal(entry: Entry, fleet_path: Path) -> str:
    """Return the password of an appliance; raises as `password` does.

    `fleet_path` is the path of the configuration, for errors and relative paths.
    """
    return password(entry.secret, entry.user, fleet_path)


def password(secret: Secret, user: str, fleet_path: Path, what: str = "password") -> str:
    """Return the password of a user; a command may take up to 30 seconds.

    `what` names another kind of secret in errors. Relative paths start in the folder of the systemd
    unit's credentials; without one, in the configuration's folder. Raises ConfigurationError if
    there is no password, or if other users can read it.

    It is read anew at each call, and never stored. Leading and trailing blanks belong to a
    password; one end of line does not.
    """
    folder = fleet_path.absolute().parent
    try:
        return _usable(_password(secret, user, folder))
    except UnicodeError:  # its text would contain the password
        reason = "not valid UTF-8"
    except _NoPasswordError as error:
        reason = str(error)
    # The error names no appliance: several may share a secret, which is read once.
    raise ConfigurationError(f"{fleet_path}: no {what} from {secret.origin}: {reason}")


class _NoPasswordError(Exception):
    """There is no password; the text says why.

    It must not contain a password, since it becomes part of a ConfigurationError.
    """


def _usable(password: str) -> str:
    """Return a password. Raises _NoPasswordError for one that nobody has, UnicodeError.

    Tried against vCenter it would only lock the account. The environment's undecodable bytes are lone
    surrogates (PEP 383), which only encoding reveals.
    """
    if not password:
        raise _NoPasswordError("empty")
    password.encode()
    if password.startswith("\N{BYTE ORDER MARK}"):
        raise _NoPasswordError("it starts with a byte-order mark; save it as UTF-8 without one")
    if _CONTROL.search(password):
        raise _NoPasswordError(
            "it contains a control character, such as an end of line or a zero byte; save it as one line"
            " in UTF-8"
        )
    return password


def _password(secret: Secret, user: str, folder: Path) -> str:
    """Return a password from the one source that is set, unchecked; raises _NoPasswordError."""
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
    """Return the value of an environment variable. Raises _NoPasswordError if it is not set."""
    if name not in os.environ:
        raise _NoPasswordError("the variable is not set")
    return os.environ[name]


def _from_file(file: Path, folder: Path) -> str:
    """Return the only line of a file, without its end of line.

    A file among the unit's credentials may have any mode: systemd keeps the folder closed to
    others. Raises _NoPasswordError, UnicodeError.
    """
    from archive.config import privacy

    # An absolute path replaces the folder, whichever it is.
    credentials = os.environ.get(_CREDENTIALS)
    path = Path(credentials or folder) / file
    try:
        with path.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read(_LONGEST + 1)
    except OSError as error:
        raise _NoPasswordError(f"{path} cannot be read: {error.strerror or error}") from error
    # A link may lead out of the folder; then the mode of the file itself counts.
    kept = credentials and path.resolve().is_relative_to(Path(credentials).resolve())
    if not kept and (complaint := privacy.open_to_others(path, status)):
        raise _NoPasswordError(complaint)
    if len(content) > _LONGEST:
        raise _NoPasswordError(f"{path} has more than {_LONGEST:,} bytes; it is another file")
    text = content.decode()
    line, _, rest = text.replace("\r\n", "\n").partition("\n")
    if rest.strip("\n"):
        raise _NoPasswordError(f"{path} has more than one line; it may have no other")
    return line


def _from_command(command: tuple[str, ...], folder: Path) -> str:
    """Return the first line that a command prints, run in `folder`, without its end of line.

    Raises _NoPasswordError if it fails, cannot be run, or takes too long; then it is killed.
    """
    import subprocess
    import tempfile

    # Not pipes: a helper that the command leaves behind, such as an agent, would hold them open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(  # noqa: S603 - the configuration's own command, without a shell
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _NoPasswordError(f"not finished after {_COMMAND_SECONDS} seconds") from None
        except OSError as error:
            raise _NoPasswordError(f"cannot be run: {error.strerror or error}") from error
        out.seek(0)
        err.seek(0)
        if not done.returncode:
            return out.readline().removesuffix(b"\n").removesuffix(b"\r").decode()
        said = " ".join(err.read().decode(errors="replace").split())[:_SHOWN]
    raise _NoPasswordError(f"failed with exit code {done.returncode}{said and f': {said}'}")


def _from_keyring(service: str, user: str) -> str:
    """Return the password that the desktop's or the system's keyring has for a service and a user.

    Raises _NoPasswordError without the package `keyring`, without an entry, or if it is locked.
    """
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
        raise _NoPasswordError(f"keyring error: {error}") from error
    if password is None:
        raise _NoPasswordError(f"no entry for {user}; run `keyring set {service} {user}`")
    return password
