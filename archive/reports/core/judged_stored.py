"""Read the stored judgement of the appliances in scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.calendar import ordinal
from archive.db import tables
from archive.judgement.expected import MET
from archive.judgement.rpo import Rpo
from archive.reports.core import filters, job_order, stored_conditions
from archive.reports.core.judged import Expectation, Judged, Standing
from archive.reports.core.remembered import remembered
from archive.store import judged_backups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_TABLE, _STANDING = tables.expected_backup, tables.appliance_standing
# Columns that are read as they are; the outcome depends on whether an import is missing.
_OWN = ("appliance_id", "day", "due_time", "basis", "attempts", "job_id")


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
    last = newest(connection)
    return last is None or last <= scope.now


def newest(connection: Connection) -> str | None:
    """Return the later instant of the newest import and the start of the newest judged job.

    Of any appliance, in scope or not; None without an import.
    """
    return remembered(connection, "newest", lambda: _newest(connection))


def _newest(connection: Connection) -> str | None:
    job = tables.job
    # An outer join: of an inner one, SQLite would read all jobs first.
    started = sa.select(sa.func.max(job.c.start_time)).select_from(
        _STANDING.outerjoin(
            job,
            (job.c.appliance_id == _STANDING.c.appliance_id) & (job.c.id == _STANDING.c.attempt_id),
        )
    )
    imported = sa.select(sa.func.max(tables.appliance.c.last_seen))
    found = [connection.execute(query).scalar_one() for query in (imported, started)]
    return max((one for one in found if one is not None), default=None)


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
    query = _query(
        connection, scope, *chosen, stored_conditions.outcome(), *columns, with_job=bool(columns)
    )
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
    own = (_TABLE.c.day, _TABLE.c.due_time, _TABLE.c.basis, stored_conditions.outcome())
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
    columns = (_TABLE.c.appliance_id, _TABLE.c.day, stored_conditions.outcome())
    query = _query(connection, scope, *columns, with_job=False).order_by(None)
    yield from stored_conditions.streamed(connection, query)


def _query(
    connection: Connection, scope: Scope, *columns: sa.ColumnElement[Any], with_job: bool
) -> sa.Select[Any]:
    """Return the SELECT of the expected backups in scope, by appliance and due time."""
    job = tables.job
    query = (
        sa.select(*columns)
        .join_from(_TABLE, _STANDING, _TABLE.c.appliance_id == _STANDING.c.appliance_id)
        .where(*stored_conditions.within(connection, scope), *stored_conditions.known(scope))
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
