"""What a configuration says, checked and complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archive.calendar import Calendar

HTTPS = 443
# How a connection to a mail server is protected, each with the port that is usual for it.
STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITY = {STARTTLS: 587, TLS: 465, NONE: 25}


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How an appliance's certificate is judged.

    `ca_file` is a PEM bundle that takes the place of the system's store; `pin` is the SHA-256 of the
    certificate's DER form, 32 bytes, and then nothing else is checked. If `verify` is false nothing
    is checked at all, and whoever connects warns of it.
    """

    ca_file: Path | None = None
    pin: bytes | None = None
    verify: bool = True


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Where a password comes from: exactly one of these is set, or ValueError is raised.

    `value` is the password itself, and no representation shows it.
    """

    environment: str | None = None
    file: Path | None = None
    command: tuple[str, ...] | None = None
    keyring: str | None = None
    value: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        ways = (self.environment, self.file, self.command, self.keyring, self.value)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("a secret comes from exactly one place")

    @property
    def origin(self) -> str:
        """The kind and the name of the place, as it may be shown; of a command its first word."""
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
    """One appliance. `host` is a name or an address, of IPv6 without brackets; times are seconds.

    `cadence_seconds` is how often a backup is expected, None if nobody has said.
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
    tags: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True

    @property
    def address(self) -> str:
        """Host and port as one writes them: IPv6 in brackets, the port of HTTPS left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS else f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """How mail is sent: `security` is STARTTLS, TLS or NONE, the last without user and secret.

    `server` is a name or an address, of IPv6 without brackets. `ca_file` is a PEM bundle that takes
    the place of the system's store. `user` and `secret` are both there, or neither is.
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
        """Host and port as one writes them: IPv6 in brackets."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        return f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A whole configuration; what it does not say is None, or as here.

    `path` is absolute. `database` is what `--database` takes; the path of a SQLite file in it is
    absolute. `concurrency` is how many appliances may be asked at the same time.
    """

    path: Path
    database: str | None = None
    calendar: Calendar | None = None
    concurrency: int = 16
    mail: Mail | None = None
    entries: tuple[Entry, ...] = ()
