"""Rows of the stored judgement: read, and collected to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.judgement.expected import DID_NOT_RUN, Expected
from archive.judgement.local_time import seconds
from archive.store.dimension_keys import References, forget_years

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
_ROW = tuple[Any, ...]
# What changes when an expected backup is judged again; its key never does.
_VALUES = ("due_time", "basis", "grace_seconds", "outcome", "job_id", "attempts")


class StoredBackup(NamedTuple):
    """A row of `expected_backup` without its appliance.

    `day` is an ISO date, `number` counts from 1 within a day, `due_time` is a fixed-width UTC
    instant. `outcome` is None as long as no import could show it.
    """

    day: str
    number: int
    due_time: str
    basis: str
    grace_seconds: int
    outcome: str | None
    job_id: int | None
    attempts: int

    def judged(self) -> Expected:
        """Return it as the judgement has it."""
        return Expected(
            seconds(self.due_time),
            self.basis,
            self.grace_seconds,
            None if self.outcome == DID_NOT_RUN else self.outcome,
            self.job_id,
            self.attempts,
        )


class Standing(NamedTuple):
    """A row of `appliance_standing`."""

    appliance_id: int
    pending_from: str | None
    success_id: int | None
    attempt_id: int | None
    finished_id: int | None
    consecutive_failures: int
    failing_since_time: str | None
    worst_consecutive_failures: int
    worst_since_time: str | None
    recoveries: int
    recovery_seconds: int
    recovery_worst_seconds: int
    rpo_seconds: int | None
    rpo_from: str
    overdue_since_time: str | None
    next_due_time: str | None
    usual_import_seconds: int | None
    import_due_time: str | None


# So few rows take less time with others in one statement than in a bulk insert.
_FEW = 10
_KEY = ("appliance_id", "day", "number")


class Changes:
    """Rows to write, collected for several appliances."""

    def __init__(self) -> None:
        self.deleted: list[dict[str, Any]] = []
        self.changed: list[_ROW] = []
        self.new: list[_ROW] = []
        self.standings: list[_ROW] = []

    def compare(
        self, appliance_id: int, stored: Sequence[StoredBackup], rows: Sequence[StoredBackup]
    ) -> None:
        """Add what differs between an appliance's stored rows and those as they are judged."""
        known = {(row.day, row.number): row for row in stored}
        for row in rows:
            before = known.pop((row.day, row.number), None)
            if before is None:
                self.new.append((appliance_id, *row))
            elif before != row:
                self.changed.append((appliance_id, *row))
        self.deleted += [
            {"of_appliance_id": appliance_id, "of_day": day, "of_number": number}
            for day, number in known
        ]

    def write(self, connection: Connection) -> None:
        """Write the rows.

        Deleted rows go first: a new one may have the key of one of them.
        """
        days = {row[1] for row in (*self.new, *self.changed)}
        References().learn_days(connection, days)
        if self.deleted:
            connection.execute(
                sa.delete(_TABLE).where(
                    *(_TABLE.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)
                ),
                self.deleted,
            )
            forget_years(connection, {row["of_day"] for row in self.deleted} - days)
        if len(self.new) <= _FEW:
            db.upsert(connection, _TABLE, [*self.changed, *self.new], _VALUES)
        else:
            db.upsert(connection, _TABLE, self.changed, _VALUES)
            db.insert(connection, _TABLE, self.new)
        db.upsert(connection, _STANDING, self.standings, Standing._fields[1:])
