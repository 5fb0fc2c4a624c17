"""The settings of a configuration, checked and complete.

All are immutable, so threads may share them. Every path is absolute except `Secret.file`, which
`secrets.password` resolves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archive.calendar import Calendar

# The port of an appliance without one in its `address`.
HTTPS = 443
# How a connection to a mail server is encrypted, each with its usual port.
STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITY = {STARTTLS: 587, TLS: 465, NONE: 25}


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How an appliance's certificate is checked.

    `ca_file` is a PEM bundle used instead of the system's store; `pin` is the SHA-256 of the
    certificate's DER form, 32 bytes, and then nothing else is checked. If `verify` is false nothing
    is checked at all, and every connecting command warns.

    `pin` and `ca_file` are never both set.
    """

    ca_file: Path | None = None
    pin: bytes | None = None
    verify: bool = True


@dataclass(frozen=True, kw_only=True)
class Secret:
    """The source of a password: exactly one field is set, otherwise ValueError is raised.

    `value` is the password itself; `repr` does not show it.

    `file` may be relative: where it starts is known only when the password is read. `command` is a
    program and its arguments, which run without a shell. `keyring` is the service; the user of the
    entry is the name in it.
    """

    environment: str | None = None
    file: Path | None = None
    command: tuple[str, ...] | None = None
    keyring: str | None = None
    value: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        ways = (self.environment, self.file, self.command, self.keyring, self.value)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("a secret has exactly one source")

    @property
    def origin(self) -> str:
        """The kind and name of the source, without secrets; of a command only its first word.

        It may be shown in errors. Arguments of a command are left out, since they may contain
        secrets.
        """
        if self.environment is not None:
            return f"environment {self.environment}"
        if self.file is not None:
            return f"file {self.file}"
        if self.command is not None:
            return f"command {self.command[0]}"
        if self.keyring is not None:
            return f"keyring {self.keyring}"
        return "configuration"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One appliance. `host` is a name or an address, IPv6 without brackets.

    Timeouts and `deadline` are in seconds: `connect_timeout` and `read_timeout` of one connection
    and one read, `deadline` of all requests of a collection. `cadence_seconds` is the expected time
    between backups and `rpo_seconds` the greatest allowed age of the last success, None if not
    configured. From the day `retired` (ISO date) on, no backup is expected. `name` has the form of
    `appliance_names.identity`. If not `enabled`, only the full name selects it.
    """

    name: str
    host: str
    port: int = HTTPS
    user: str
    secret: Secret
    trust: Trust = field(default_factory=Trust)
    connect_timeout: float = 10
    read_timeout: float = 60
    deadline: float = 300
    cadence_seconds: int | None = None
    rpo_seconds: int | None = None
    retired: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    # Appliances with the same one share a Single Sign-On, and so its lockout.
    sso: str | None = None

    @property
    def address(self) -> str:
        """Host and port as written in a URL: IPv6 in brackets, port 443 left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS else f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """How mail is sent: `security` is STARTTLS, TLS or NONE; NONE has no user and no secret.

    `server` is a name or an address, IPv6 without brackets. `ca_file` is a PEM bundle used instead of
    the system's store. `user` and `secret` are both set, or both None.
    """

    server: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...] = ()
    user: str | None = None
    secret: Secret | None = None
    ca_file: Path | None = None

    @property
    def address(self) -> str:
        """Host and port as written in a URL: IPv6 in brackets."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        return f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Where notifications go: `url` is the source of an Apprise URL, which contains secrets.

    `ca_file` is a PEM bundle used instead of the system's store.
    """

    name: str
    url: Secret
    ca_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A whole configuration; missing keys have these defaults.

    `path` is absolute. `database` has the form of `--database`, with an absolute path for a SQLite
    file. `concurrency` is how many appliances are queried at the same time. `token` is what the readers of
    `archive serve` must send, `evidence_key` signs the chain of evidence.
    """

    path: Path
    database: str | None = None
    calendar: Calendar | None = None
    concurrency: int = 16
    mail: Mail | None = None
    notified: tuple[Recipient, ...] = ()
    token: Secret | None = None
    evidence_key: Secret | None = None
    entries: tuple[Entry, ...] = ()
