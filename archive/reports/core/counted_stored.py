"""Count the stored expected backups in scope."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.judgement.expected import CHANGED, MET, NO_DATA
from archive.reports.core.stored_conditions import (
    before_today,
    is_missing,
    known,
    outcome,
    streamed,
    until,
    within,
)
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
# The condition of the index of backups that were not met.
_NOT_MET = sa.text("(expected_backup.outcome IS NULL OR expected_backup.outcome <> 'met')")


class Counted(NamedTuple):
    """A number of expected backups of an appliance, or of a day, with an outcome."""

    of: Any
    outcome: str
    backups: int


def by_appliance(connection: Connection, scope: Scope) -> Iterator[Counted]:
    """Yield the numbers of expected backups of each appliance id in scope, by outcome."""
    of = _TABLE.c.appliance_id
    number = sa.func.count().label("backups")
    earlier = before_today(connection, scope)
    not_met = (
        sa.select(of.label("of"), _TABLE.c.outcome, number)
        .where(_NOT_MET, earlier, *within(connection, scope))
        .group_by(of, _TABLE.c.outcome)
    )
    # To count those that were met would read the outcome of each.
    met: Counter[int] = Counter()
    for row in streamed(connection, not_met):
        met[row.of] -= row.backups
        if row.outcome is not None and row.outcome != CHANGED:
            yield Counted(row.of, row.outcome, row.backups)
    days = within(connection, scope) if scope.since else until(connection, scope)
    every = sa.select(of.label("of"), number).where(earlier, *days).group_by(of)
    for row in streamed(connection, every):
        if backups := met[row.of] + row.backups:
            yield Counted(row.of, MET, backups)
    yield from _unsettled(connection, scope, of)


def by_day(connection: Connection, scope: Scope) -> Iterator[Counted]:
    """Yield the numbers of expected backups of each day in scope, by outcome."""
    of, found = _TABLE.c.day, _TABLE.c.outcome
    # An index has them in this order.
    settled = (
        sa.select(of.label("of"), found, sa.func.count().label("backups"))
        .where(
            *within(connection, scope),
            found.is_not(None),
            found != CHANGED,
            before_today(connection, scope),
        )
        .group_by(of, found)
    )
    for row in streamed(connection, settled):
        yield Counted(row.of, row.outcome, row.backups)
    yield from _unsettled(connection, scope, of)


def _unsettled(connection: Connection, scope: Scope, of: sa.Column[Any]) -> Iterator[Counted]:
    """Count what depends on the time: what is without an outcome, and the backups of today."""
    number = sa.func.count().label("backups")
    joined = _TABLE.c.appliance_id == _STANDING.c.appliance_id
    # An index has all that this needs of them.
    without = (
        sa.select(of.label("of"), number)
        .join_from(_TABLE, _STANDING, joined)
        .where(
            _NOT_MET,
            _TABLE.c.outcome.is_(None),
            before_today(connection, scope),
            *within(connection, scope),
            is_missing(scope),
        )
        .group_by(of)
    )
    for row in streamed(connection, without):
        yield Counted(row.of, NO_DATA, row.backups)
    today = settings.calendar(connection).day(scope.now)
    if scope.until is not None and scope.until < today:
        return
    # Of two lower bounds of a day, SQLite uses the first.
    of_today = replace(scope, since=max(scope.since or today, today))
    rest = (
        sa.select(of.label("of"), outcome(), number)
        .join_from(_TABLE, _STANDING, joined)
        .where(*known(scope), *within(connection, of_today))
        .group_by(of, sa.text("outcome"))
    )
    for row in streamed(connection, rest):
        yield Counted(row.of, row.outcome, row.backups)
