"""What reports get to know of expected backups and appliances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.judgement.rpo import Rpo


class Expectation(NamedTuple):
    """An expected backup, due on a day (ordinal) at an instant, and its outcome: MET or one of MISSED.

    `job` has the values that were asked for, of the success that met it, else of the last of the
    `attempts` without success.

    `due` is a fixed-width UTC instant; `basis` is `schedule`, `cadence` or `learned`. `job` is None
    without any attempt.
    """

    day: int
    due: str
    basis: str
    outcome: str
    job: Sequence[Any] | None
    attempts: int


class Judged(NamedTuple):
    """An appliance and its expected backups in scope, by due time."""

    appliance: str
    expectations: list[Expectation]


class Standing(NamedTuple):
    """An appliance as its last import shows it: its RPO, since when it is overdue, when it is next due.

    `import_due` is when another import is missing.

    Instants are fixed-width UTC texts; `overdue_since`, `next_due` and `retired_at` are None if
    they do not apply, `usual_import_seconds` with too few imports.
    """

    id: int
    name: str
    first_seen: str
    last_seen: str
    rpo: Rpo
    overdue_since: str | None
    next_due: str | None
    usual_import_seconds: int | None
    import_due: str
    retired_at: str | None

    def is_retired(self, now: str) -> bool:
        """Return whether it has been retired."""
        return self.retired_at is not None and self.retired_at <= now

    def is_reporting(self, now: str) -> bool:
        """Return whether no import is missing."""
        return self.is_retired(now) or self.import_due >= now
