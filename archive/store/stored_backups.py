"""The stored expected backups of an appliance from which judging it again starts.

Judging starts as late as it may: an import of one new job reads and writes a few rows, however long
the history.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.judgement import expected, rpo
from archive.judgement.due_times import CADENCE
from archive.judgement.local_time import DAY, HOUR, instant, seconds
from archive.store.judgement_rows import StoredBackup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

# A job can meet a backup that was due so long before it started.
REACH = 7 * DAY
# So many of the latest rows are read with any change: those that show the RPO, and some ahead.
_LEAST, _MORE = rpo.LATEST + 12, 2 * rpo.LATEST
_TABLE = tables.expected_backup
_OWN = (
    sa.select(*(_TABLE.c[name] for name in StoredBackup._fields))
    .where(_TABLE.c.appliance_id == sa.bindparam("appliance", type_=sa.BigInteger))
    .order_by(_TABLE.c.day.desc(), _TABLE.c.number.desc())
)
_LATEST, _LATEST_MORE = db.Prepared(_OWN.limit(_LEAST)), db.Prepared(_OWN.limit(_MORE))
_SINCE = db.Prepared(_OWN.where(_TABLE.c.day >= sa.bindparam("first", type_=_TABLE.c.day.type)))

_BEFORE = db.Prepared(
    _OWN.where(_TABLE.c.due_time < sa.bindparam("until", type_=_TABLE.c.due_time.type))
)


def latest(connection: Connection, appliance_ids: Sequence[int]) -> dict[int, list[StoredBackup]]:
    """Return the latest rows of appliances, in order of time, by appliance id.

    They are as many as most changes of an appliance need; `extended` adds others.
    """
    found = _LATEST.rows_of_each(connection, [{"appliance": number} for number in appliance_ids])
    return dict(zip(appliance_ids, map(_in_order, found), strict=True))


def before(connection: Connection, appliance_id: int, until: str) -> list[StoredBackup]:
    """Return the rows that were due before an instant, in order of time."""
    return _read(connection, _BEFORE, appliance_id, until=until)


def extended(
    connection: Connection,
    appliance_id: int,
    stored: list[StoredBackup],
    first: int,
    changed_day: str,
) -> list[StoredBackup]:
    """Return the latest rows, and older ones that the standing and changes of habit need.

    `first` is the instant from which on backups are judged. What is due before may be explained by a
    change of habit, from the ISO day `changed_day` on.
    """
    if len(stored) < _LEAST:
        return stored
    if bisect_left(stored, instant(first), key=lambda row: row.due_time) < rpo.LATEST:
        stored = _read(connection, _LATEST_MORE, appliance_id)
    if stored[0].due_time < instant(first - expected.CHANGES_WITHIN):
        return stored
    older = _read(connection, _SINCE, appliance_id, first=changed_day)
    return [row for row in older if row.due_time < stored[0].due_time] + stored


def reached(since: int, stored: Sequence[StoredBackup]) -> int:
    """Return from when on expected backups can differ if jobs do that started at `since` or later.

    That is from the due time before: a success meets the last one whose window was open. Habits may
    move due times by an hour. Instants are in seconds.
    """
    first = since - REACH
    lately = stored[bisect_left(stored, instant(first), key=lambda row: row.due_time) :]
    if len({row.basis for row in lately}) > 1:  # the one of the same basis may be farther away
        return first
    for row in reversed(lately):
        at = seconds(row.due_time)
        if at + (row.grace_seconds if row.basis == CADENCE else HOUR) <= since:
            return at
    return first


def _read(
    connection: Connection, query: db.Prepared, appliance_id: int, **bounds: str
) -> list[StoredBackup]:
    """Return the rows of a query, which has the latest first, in order of time."""
    return _in_order(query.rows(connection, {"appliance": appliance_id, **bounds}))


def _in_order(rows: Sequence[tuple[Any, ...]]) -> list[StoredBackup]:
    """Return rows that have the latest first in order of time."""
    return [*map(StoredBackup._make, reversed(rows))]
