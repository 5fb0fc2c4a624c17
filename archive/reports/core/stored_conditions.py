"""What makes an expected backup one of a scope, as conditions of the stored judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.calendar import FIRST_DAY, iso
from archive.db import tables
from archive.judgement.expected import CHANGED, NO_DATA
from archive.reports.core import filters
from archive.store import settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
_ROWS_AT_A_TIME = 1000


def streamed(connection: Connection, query: sa.Select[Any]) -> sa.CursorResult[Any]:
    """Return the rows of a query, of which the driver holds few at a time."""
    return connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})


def outcome() -> sa.ColumnElement[str]:
    """Return the outcome; one that no import could show is that there is no data."""
    return sa.func.coalesce(_TABLE.c.outcome, NO_DATA).label("outcome")


def within(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the days and appliances of a scope.

    Databases read an index by day for a period with two ends.
    """
    return [
        _TABLE.c.day >= _day(max(iso(FIRST_DAY), scope.since or "")),
        *until(connection, scope),
    ]


def until(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the last day and the appliances of a scope."""
    today = settings.calendar(connection).day(scope.now)
    found = [_TABLE.c.day <= _day(min(today, scope.until or today))]
    ids = scope.appliance_ids(connection)
    if ids is not None:
        found.append(filters.of_appliances(_TABLE.c.appliance_id, ids))
    return found


def before_today(connection: Connection, scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that a backup was due before the scope's current day."""
    return _TABLE.c.day < _day(settings.calendar(connection).day(scope.now))


def _day(text: str) -> sa.BindParameter[str]:
    return sa.literal(text, _TABLE.c.day.type)


def known(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an expected backup is due, and what became of it is known."""
    return [
        _TABLE.c.due_time <= scope.now,
        sa.or_(_TABLE.c.outcome != CHANGED, sa.and_(_TABLE.c.outcome.is_(None), is_missing(scope))),
    ]


def is_missing(scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that an import is missing: what has no outcome is not open any more."""
    return _STANDING.c.import_due_time < scope.now
