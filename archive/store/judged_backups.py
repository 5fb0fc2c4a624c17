"""The stored judgement: expected backups with their outcomes, and how each appliance stands.

The transaction that changes what an appliance is judged by judges it anew, from the first instant on
that could differ. `verify` judges everything again and compares; `rebuild` writes it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.calendar import ordinal
from archive.db import tables
from archive.judgement import rpo
from archive.judgement.local_time import instant, seconds
from archive.store import appliance_history, judged_appliances, settings, stored_backups
from archive.store.appliance_judge import ApplianceJudge
from archive.store.chunks import chunks
from archive.store.dimension_keys import References
from archive.store.import_intervals import usual_intervals
from archive.store.judgement_rows import Changes, Standing
from archive.store.wrong_rows import WrongRow, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.store.appliance_history import Jobs, Window
    from archive.store.judged_appliances import Appliance

_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
_ROW = tuple[Any, ...]
# Appliances whose rows are read together, and from how long ago on, so that few enough are held.
_READ_TOGETHER, _RECENT_DAYS = 50, 30
# Appliances that are judged anew together: all their rows are held, twice where they are compared.
_ANEW_TOGETHER = 10
# Enough that each statement writes many.
_ROWS_AT_A_TIME = 10_000
_STANDINGS = sa.select(_STANDING).where(
    _STANDING.c.appliance_id.in_(sa.bindparam("ids", expanding=True))
)
_STANDING_OF_ONE = db.Prepared(
    sa.select(_STANDING).where(_STANDING.c.appliance_id == sa.bindparam("id"))
)


class ChangedAppliances:
    """The appliances of an import, and from when on they have to be judged anew."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._since: dict[int, int | None] = {}

    def see(self, ids: Iterable[int]) -> None:
        """Note that appliances were imported, changed or not."""
        for appliance_id in ids:
            self._since.setdefault(appliance_id, None)

    def change(self, appliance_id: int, since: int) -> None:
        """Note that what an appliance is judged by has changed, from when on (seconds)."""
        known = self._since.get(appliance_id)
        self._since[appliance_id] = since if known is None else min(known, since)

    def take_over(self, connection: Connection, other: ChangedAppliances) -> None:
        """Add the appliances that another one has noted, if the archive still has them."""
        appliance = tables.appliance.c.id
        for chunk in chunks(other._since):
            for number in connection.execute(
                sa.select(appliance).where(appliance.in_(chunk))
            ).scalars():
                self.see([number])
                since = other._since[number]
                if since is not None:
                    self.change(number, since)

    def judge(self, connection: Connection) -> None:
        """Judge the appliances, whose locks the caller holds, before the lock of the totals is taken.

        A holder of that lock must not wait for another one.
        """
        judge(connection, self._calendar, self._since)
        self._since = {}

    def judge_later(self, connection: Connection, seen_at: str) -> None:
        """Record which appliances are not judged yet, at the end of a transaction before the last.

        An import seen at an instant can also show that something did not run until then.
        """
        last = seconds(seen_at)
        set_pending(
            connection,
            {number: last if since is None else since for number, since in self._since.items()},
        )


def judge(connection: Connection, calendar: Calendar, changed: Mapping[int, int | None]) -> None:
    """Judge appliances, which the caller has locked, from when on (seconds) they have changed.

    None: they were imported without any change. An appliance that has not been judged yet, or has
    jobs pending from an earlier transaction, is judged from there.

    Memory holds the rows of one appliance, or some ten thousand.
    """
    for chunk in chunks(changed):
        changes = Changes()
        standings = _standings(connection, chunk)
        known = list(judged_appliances.appliances(connection, calendar, chunk))
        usual = usual_intervals(connection, {one.id: one.last_seen for one in known})
        for some in chunks(known, _READ_TOGETHER):
            for one, judge_one, jobs in _begun(connection, calendar, some, standings, changed):
                judge_one.run(jobs, usual.get(one.id), changes)
                if len(changes.new) >= _ROWS_AT_A_TIME:
                    changes.write(connection)
                    changes = Changes()
        changes.write(connection)


def _begun(
    connection: Connection,
    calendar: Calendar,
    some: Sequence[Appliance],
    standings: Mapping[int, Standing],
    changed: Mapping[int, int | None],
) -> Iterator[tuple[Appliance, ApplianceJudge, Jobs | None]]:
    """Yield appliances with their judges and the jobs to judge by, which are read together.

    Where jobs of long ago are needed, they are read as their appliance is judged.
    """
    latest = stored_backups.latest(connection, [one.id for one in some if one.id in standings])
    judges: list[tuple[Appliance, ApplianceJudge, Window | None]] = []
    windows: list[Window] = []
    for one in some:
        before, since = standings.get(one.id), changed[one.id]
        # An import in parts was interrupted: what it left is judged with the next.
        if before is not None and before.pending_from is not None:
            pending = seconds(before.pending_from)
            since = pending if since is None else min(pending, since)
        judge_one = ApplianceJudge(connection, calendar, one, before)
        window = judge_one.begin(since, latest.get(one.id))
        judges.append((one, judge_one, window))
        if window is not None and window.first_day >= ordinal(one.last_seen[:10]) - _RECENT_DAYS:
            windows.append(window)
    read = dict(zip(windows, appliance_history.of_each(connection, windows), strict=True))
    for one, judge_one, window in judges:
        jobs = None
        if window is not None:
            jobs = read.pop(window, None) or appliance_history.of_each(connection, [window])[0]
        yield one, judge_one, jobs


def judge_pending(connection: Connection) -> None:
    """Judge the appliances whose latest jobs are not judged yet; no load may run meanwhile."""
    query = sa.select(_STANDING.c.appliance_id).where(_STANDING.c.pending_from.is_not(None))
    ids = connection.execute(query).scalars().all()
    judge(connection, settings.calendar(connection), dict.fromkeys(ids))


def set_pending(connection: Connection, changed: Mapping[int, int]) -> None:
    """Record from when on (seconds) appliances have jobs that are not judged yet.

    Until they are judged, reports judge anew instead of reading what is stored.
    """
    known = _standings(connection, changed)
    table = tables.appliance
    new = {
        number
        for chunk in chunks([number for number in changed if number not in known])
        for number in connection.execute(
            sa.select(table.c.id).where(table.c.id.in_(chunk))
        ).scalars()
    }
    rows = []
    for appliance_id, since in changed.items():
        before = known.get(appliance_id)
        earliest = instant(since)
        if before is None:
            # An appliance may have been forgotten since it was imported.
            if appliance_id in new:
                rows.append(_standing_row(appliance_id, earliest))
        elif before.pending_from is None or earliest < before.pending_from:
            rows.append((appliance_id, earliest, *tuple(before)[2:]))
    db.upsert(connection, _STANDING, rows, ["pending_from"])


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """Delete what is stored of appliances, which the caller has locked.

    They are judged from their beginning the next time. What was expected before the jobs that are left
    can show it stays.
    """
    pruned = tables.pruned_appliance
    settled = sa.exists().where(
        pruned.c.appliance_id == _TABLE.c.appliance_id,
        pruned.c.judged_from_time > _TABLE.c.due_time,
    )
    for chunk in chunks(ids):
        connection.execute(sa.delete(_TABLE).where(_TABLE.c.appliance_id.in_(chunk), ~settled))
        connection.execute(sa.delete(_STANDING).where(_STANDING.c.appliance_id.in_(chunk)))


def pending(connection: Connection) -> int:
    """Return the number of appliances whose latest jobs are not judged yet."""
    query = sa.select(sa.func.count()).select_from(_STANDING)
    return int(connection.execute(query.where(_STANDING.c.pending_from.is_not(None))).scalar_one())


def rebuild(connection: Connection) -> int:
    """Judge everything again, and return how many rows were wrong."""
    calendar = settings.calendar(connection)
    wrong = 0
    for chunk in chunks(_ids(connection), _ANEW_TOGETHER):
        rows, standings = _anew(connection, calendar, chunk)
        wrong += len(_differences(connection, chunk, rows, standings))
        for table, written in ((_TABLE, rows), (_STANDING, standings)):
            connection.execute(sa.delete(table).where(table.c.appliance_id.in_(chunk)))
            if table is _TABLE:
                # Views join the calendar, so that every day must be in it.
                References().learn_days(connection, {row[1] for row in written})
            db.insert(connection, table, written)
    return wrong


def differences(connection: Connection) -> list[WrongRow]:
    """Return the stored rows that differ from judging everything again."""
    calendar = settings.calendar(connection)
    return [
        wrong
        for chunk in chunks(_ids(connection), _ANEW_TOGETHER)
        for wrong in _differences(connection, chunk, *_anew(connection, calendar, chunk))
    ]


def _ids(connection: Connection) -> Sequence[int]:
    return connection.execute(sa.select(tables.appliance.c.id)).scalars().all()


def _anew(
    connection: Connection, calendar: Calendar, ids: Sequence[int]
) -> tuple[list[_ROW], list[_ROW]]:
    """Return what `expected_backup` and `appliance_standing` should have for appliances."""
    changes = Changes()
    known = list(judged_appliances.appliances(connection, calendar, ids))
    usual = usual_intervals(connection, {one.id: one.last_seen for one in known})
    for one in known:
        ApplianceJudge(connection, calendar, one, None).run_anew(usual.get(one.id), changes)
    return changes.new, changes.standings


def _differences(
    connection: Connection, ids: Sequence[int], rows: Sequence[_ROW], standings: Sequence[_ROW]
) -> list[WrongRow]:
    """Return the stored rows of appliances that are wrong, missing or not needed."""
    wrong: list[WrongRow] = []
    for table, found in ((_TABLE, rows), (_STANDING, standings)):
        query = sa.select(table).where(table.c.appliance_id.in_(ids))
        wrong += compare(table, connection.execute(query), found)
    return wrong


def _standings(connection: Connection, ids: Sequence[int] | Mapping[int, Any]) -> dict[int, Any]:
    """Return the stored standings by appliance id."""
    if len(ids) == 1:
        rows = _STANDING_OF_ONE.rows(connection, {"id": next(iter(ids))})
        return {row[0]: Standing._make(row) for row in rows}
    return {
        row[0]: Standing._make(row)
        for chunk in chunks(ids)
        for row in connection.execute(_STANDINGS, {"ids": chunk})
    }


def _standing_row(appliance_id: int, pending_from: str) -> _ROW:
    """Return the row of an appliance that has not been judged yet."""
    nothing = (0, None, 0, None, 0, 0, 0, None, rpo.NOTHING)
    return (appliance_id, pending_from, None, None, None, *nothing, None, None, None, None)
