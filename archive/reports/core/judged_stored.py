"""Read the stored judgement of the appliances in scope."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import FIRST_DAY, iso, ordinal
from archive.db import tables
from archive.judgement.expected import CHANGED, MET, NO_DATA
from archive.judgement.rpo import Rpo
from archive.reports.core import filters, job_order
from archive.reports.core.judged import Expectation, Judged, Standing
from archive.reports.core.remembered import remembered
from archive.store import judged_backups, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
# Columns that are read as they are; the outcome depends on whether an import is missing.
_OWN = ("appliance_id", "day", "due_time", "basis", "attempts", "job_id")
_ROWS_AT_A_TIME = 1000
# The condition of the index of backups that were not met.
_NOT_MET = sa.text("(expected_backup.outcome IS NULL OR expected_backup.outcome <> 'met')")


class Counted(NamedTuple):
    """A number of expected backups of an appliance, or of a day, with an outcome."""

    of: Any
    outcome: str
    backups: int


def answers(connection: Connection, scope: Scope) -> bool:
    """Return whether the stored judgement is the one as of the scope's `now`.

    It is not if an import is in progress, if the configuration has other cadences than those
    recorded, or if something was imported or started after `now`.
    """
    asked = ("answers", scope.now, scope.cadences)
    return remembered(connection, asked, lambda: _answer(connection, scope))


def _answer(connection: Connection, scope: Scope) -> bool:
    """Return whether the stored judgement is the one as of `now`, asking the database each time."""
    if judged_backups.pending(connection) or not _are_recorded(connection, scope):
        return False
    # Of any appliance, in scope or not.
    last = connection.execute(sa.select(sa.func.max(tables.appliance.c.last_seen))).scalar_one()
    if last is not None and last > scope.now:
        return False
    job = tables.job
    # Whether the latest job of any appliance starts later than this.
    # No join, since SQLite would read all jobs first.
    started = (
        sa.select(job.c.start_time)
        .where(job.c.appliance_id == _STANDING.c.appliance_id, job.c.id == _STANDING.c.attempt_id)
        .scalar_subquery()
    )
    ahead = sa.select(_STANDING.c.appliance_id).where(started > scope.now).limit(1)
    return connection.execute(ahead).first() is None


def _are_recorded(connection: Connection, scope: Scope) -> bool:
    """Return whether the cadences of the configuration are those that the archive judges by."""
    # No configuration, or one without cadences: the recorded ones count.
    if not scope.cadences:
        return True
    table = tables.appliance
    found = connection.execute(sa.select(table.c.name, table.c.cadence_seconds))
    recorded = {row.name: row.cadence_seconds for row in found}
    return all(recorded.get(name, cadence) == cadence for name, cadence in scope.cadences)


def judged(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any], missed: bool = False
) -> Iterator[Judged]:
    """Yield appliances in scope by name, each with its expected backups: all, or those missed.

    `columns` are selected for the job of each.
    """
    chosen = [_TABLE.c[name] for name in _OWN]
    query = _query(connection, scope, *chosen, _outcome(), *columns, with_job=bool(columns))
    if missed:
        query = query.where(sa.or_(_TABLE.c.outcome.is_(None), _TABLE.c.outcome != MET))
    for batch in job_order.batches(connection, scope):
        rows = job_order.rows(connection, _of(query, batch), batch)
        for number, name in batch.items():
            yield Judged(name, list(map(_expectation, rows[number])))


def rows(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any]
) -> Iterator[Sequence[Any]]:
    """Yield the expected backups in scope by name and due time, as rows of the database.

    A row has the name, the due day (ISO), the due time, the basis, the outcome, and `columns` of the
    job, which are NULL without one. Auditors ask for millions: nothing is made of a row.
    """
    name = tables.appliance.c.name
    own = (_TABLE.c.day, _TABLE.c.due_time, _TABLE.c.basis, _outcome())
    query = _query(connection, scope, name, *own, *columns, with_job=True).join(
        tables.appliance, tables.appliance.c.id == _TABLE.c.appliance_id
    )
    for batch in job_order.batches(connection, scope):
        found: dict[str, list[Sequence[Any]]] = {name: [] for name in batch.values()}
        for row in connection.execute(_of(query, batch)).all():
            found[row[0]].append(row)
        for theirs in found.values():
            yield from theirs


def outcomes(connection: Connection, scope: Scope) -> Iterator[Sequence[Any]]:
    """Yield the appliance (id), due day (ISO) and outcome of the expected backups in scope."""
    columns = (_TABLE.c.appliance_id, _TABLE.c.day, _outcome())
    query = _query(connection, scope, *columns, with_job=False).order_by(None)
    yield from _streamed(connection, query)


def _query(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any], with_job: bool
) -> sa.Select[Any]:
    """Return the SELECT of the expected backups in scope, by appliance and due time."""
    job = tables.job
    query = (
        sa.select(*columns)
        .join_from(_TABLE, _STANDING, _TABLE.c.appliance_id == _STANDING.c.appliance_id)
        .where(*_within(connection, scope), *_known(scope))
        .order_by(_TABLE.c.appliance_id, _TABLE.c.day, _TABLE.c.number)
    )
    if not with_job:
        return query
    return query.outerjoin(
        job, (job.c.appliance_id == _TABLE.c.appliance_id) & (job.c.id == _TABLE.c.job_id)
    )


def _of(query: sa.Select[Any], batch: Iterable[int]) -> sa.Select[Any]:
    return query.where(filters.of_appliances(_TABLE.c.appliance_id, batch))


def _expectation(row: Sequence[Any]) -> Expectation:
    """Return the typed row of a row of `judged`."""
    # By place, which takes a tenth of the time: auditors ask for millions.
    _, day, due, basis, attempts, job_id, outcome, *job = row
    return Expectation(ordinal(day), due, basis, outcome, None if job_id is None else job, attempts)


def by_appliance(connection: Connection, scope: Scope) -> Iterator[Counted]:
    """Yield the numbers of expected backups of each appliance id in scope, by outcome."""
    of = _TABLE.c.appliance_id
    number = sa.func.count().label("backups")
    before_today = _before_today(connection, scope)
    not_met = (
        sa.select(of.label("of"), _TABLE.c.outcome, number)
        .where(_NOT_MET, before_today, *_within(connection, scope))
        .group_by(of, _TABLE.c.outcome)
    )
    # To count those that were met would read the outcome of each.
    met: Counter[int] = Counter()
    for row in _streamed(connection, not_met):
        met[row.of] -= row.backups
        if row.outcome is not None and row.outcome != CHANGED:
            yield Counted(row.of, row.outcome, row.backups)
    days = _within(connection, scope) if scope.since else _until(connection, scope)
    every = sa.select(of.label("of"), number).where(before_today, *days).group_by(of)
    for row in _streamed(connection, every):
        if backups := met[row.of] + row.backups:
            yield Counted(row.of, MET, backups)
    yield from _unsettled(connection, scope, of)


def by_day(connection: Connection, scope: Scope) -> Iterator[Counted]:
    """Yield the numbers of expected backups of each day in scope, by outcome."""
    of, outcome = _TABLE.c.day, _TABLE.c.outcome
    # An index has them in this order.
    settled = (
        sa.select(of.label("of"), outcome, sa.func.count().label("backups"))
        .where(
            *_within(connection, scope),
            outcome.is_not(None),
            outcome != CHANGED,
            _before_today(connection, scope),
        )
        .group_by(of, outcome)
    )
    for row in _streamed(connection, settled):
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
            _before_today(connection, scope),
            *_within(connection, scope),
            _is_missing(scope),
        )
        .group_by(of)
    )
    for row in _streamed(connection, without):
        yield Counted(row.of, NO_DATA, row.backups)
    today = settings.calendar(connection).day(scope.now)
    if scope.until is not None and scope.until < today:
        return
    # Of two lower bounds of a day, SQLite uses the first.
    of_today = replace(scope, since=max(scope.since or today, today))
    rest = (
        sa.select(of.label("of"), _outcome(), number)
        .join_from(_TABLE, _STANDING, joined)
        .where(*_known(scope), *_within(connection, of_today))
        .group_by(of, sa.text("outcome"))
    )
    for row in _streamed(connection, rest):
        yield Counted(row.of, row.outcome, row.backups)


def _before_today(connection: Connection, scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that a backup was due before the scope's current day."""
    return _TABLE.c.day < _day(settings.calendar(connection).day(scope.now))


def _streamed(connection: Connection, query: sa.Select[Any]) -> sa.CursorResult[Any]:
    return connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})


def _outcome() -> sa.ColumnElement[str]:
    """Return the outcome; one that no import could show is that there is no data."""
    return sa.func.coalesce(_TABLE.c.outcome, NO_DATA).label("outcome")


def _within(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the days and appliances of a scope.

    Databases read an index by day for a period with two ends.
    """
    return [
        _TABLE.c.day >= _day(max(iso(FIRST_DAY), scope.since or "")),
        *_until(connection, scope),
    ]


def _until(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the last day and the appliances of a scope."""
    today = settings.calendar(connection).day(scope.now)
    found = [_TABLE.c.day <= _day(min(today, scope.until or today))]
    ids = scope.appliance_ids(connection)
    if ids is not None:
        found.append(filters.of_appliances(_TABLE.c.appliance_id, ids))
    return found


def _day(text: str) -> sa.BindParameter[str]:
    return sa.literal(text, _TABLE.c.day.type)


def _known(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an expected backup is due, and what became of it is known."""
    return [
        _TABLE.c.due_time <= scope.now,
        sa.or_(
            _TABLE.c.outcome != CHANGED, sa.and_(_TABLE.c.outcome.is_(None), _is_missing(scope))
        ),
    ]


def _is_missing(scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that an import is missing: what has no outcome is not open any more."""
    return _STANDING.c.import_due_time < scope.now


def standings(connection: Connection, scope: Scope) -> Iterator[Standing]:
    """Yield how each appliance in scope stands as of its last import, ordered by name.

    The number of queries does not depend on the number of appliances.
    """
    appliance = tables.appliance
    query = sa.select(
        appliance.c.id,
        appliance.c.name,
        appliance.c.first_seen,
        appliance.c.last_seen,
        _STANDING.c.rpo_seconds,
        _STANDING.c.rpo_from,
        _STANDING.c.overdue_since_time,
        _STANDING.c.next_due_time,
        _STANDING.c.usual_import_seconds,
        _STANDING.c.import_due_time,
        appliance.c.retired_at,
    ).join_from(appliance, _STANDING, _STANDING.c.appliance_id == appliance.c.id)
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(filters.of_appliances(appliance.c.id, ids))
    for row in connection.execute(query.order_by(appliance.c.name)):
        yield Standing(
            row.id,
            row.name,
            row.first_seen,
            row.last_seen,
            Rpo(row.rpo_seconds, row.rpo_from),
            row.overdue_since_time,
            row.next_due_time,
            row.usual_import_seconds,
            row.import_due_time,
            row.retired_at,
        )
