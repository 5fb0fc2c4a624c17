"""What a server serves: an archive, its reports and their parameters, and the limits of an answer.

It is all that the server knows of its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection, Engine

    from archive.reports import Report, Scope
    from archive.serve.parameters import Parameter


@dataclass(frozen=True)
class Limits:
    """The greatest time of an answer in seconds, and number of rows: as data, and on a page.

    `page_seconds` is for the page and the metrics, which are made once for all readers.
    """

    seconds: float = 30
    rows: int = 100_000
    rows_shown: int = 1000
    page_seconds: float = 300


class Scopes(Protocol):
    """The scopes that the configuration and the parameters of an address describe."""

    def whole(self, connection: Connection) -> Scope:
        """Return the scope of the page and the metrics. Raises ConfigurationError."""

    def tags(self) -> Mapping[str, Mapping[str, str]]:
        """Return the tags of appliances, by name. Raises ConfigurationError."""

    def asked(
        self, connection: Connection, report: Report, values: Mapping[str, Any]
    ) -> tuple[Scope, dict[str, Any]]:
        """Return the scope that values by argument describe, and the values that it does not show.

        Raises UsageError, ConfigurationError.
        """


@dataclass(frozen=True)
class Site:
    """A served archive: `place` names it, without passwords.

    `engine` is for reports, `patient` for the page and the metrics; neither can write. `token` is what
    readers must send, None if nothing. `root_path` is what a proxy leaves out of paths, such as
    `/backups`, or empty. `say` writes a line to the log.
    """

    engine: Engine
    patient: Engine
    place: str
    title: str
    parameters: tuple[Parameter, ...]
    scopes: Scopes
    say: Callable[[str], None]
    token: str | None = field(default=None, repr=False)
    root_path: str = ""
    limits: Limits = field(default_factory=Limits)

    def supported(self, report: Report) -> tuple[Parameter, ...]:
        """Return the parameters of a report."""
        from archive.reports.core import scope

        names = scope.options(report)
        return tuple(one for one in self.parameters if one.name in names)
