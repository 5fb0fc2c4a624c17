"""How each appliance stands now: its last success and attempt, its RPO and its state.

Several reports, metrics and `archive check` take it from here, so that no two of them show
different last successes. Where the stored judgement answers, the two jobs are those that it names;
as of an earlier time they are looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import FIRST_DAY, iso
from archive.db import tables
from archive.judgement import standing
from archive.judgement.rpo import NOTHING, SET, Rpo
from archive.judgement.standing import NO_RECENT_DATA, RETIRED, Age
from archive.reports.core import (
    expected_backups,
    filters,
    job_order,
    judged_stored,
    never_imported,
    sql,
)
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.judged import Standing
    from archive.reports.core.scope import Scope


class Success(NamedTuple):
    """The last success of an appliance: its key, its start and end, its bytes and its seconds.

    Instants are fixed-width UTC texts. The end is as `times` returns it.
    """

    key: str
    start_time: str
    end_time: str
    size_bytes: int | None
    duration_seconds: int | None


class Current(NamedTuple):
    """An appliance as of now; `id`, `first_seen` and `last_seen` are None if it was never imported.

    `next_due_time` and `next_due` are those of `standing.NextDue`. Its state is one of `standing.STATES`. `age_seconds` counts from the end of the last success.
    """

    id: int | None
    appliance: str
    state: str
    rpo: Rpo
    age_seconds: int | None
    success: Success | None
    attempt_start_time: str | None
    attempt_status: str | None
    overdue_since_time: str | None
    next_due_time: str | None
    next_due: str | None
    first_seen: str | None
    last_seen: str | None


def current(connection: Connection, scope: Scope) -> Iterator[Current]:
    """Yield the appliances in scope by name, then those that collections asked in vain.

    The days of the scope do not matter. All is as of its `now`; with `--rpo` that is everybody's
    RPO.
    """
    latest = {row[0]: row for row in connection.execute(_latest(connection, scope))}
    for one in expected_backups.standings(connection, scope):
        yield _current(one, latest[one.id], scope)
    # They are in the log of collections alone.
    for name in never_imported.names(connection, scope):
        nothing = Rpo(scope.rpo_seconds, NOTHING if scope.rpo_seconds is None else SET)
        yield Current(None, name, NO_RECENT_DATA, nothing, *[None] * 9)


def _current(one: Standing, row: sa.Row[Any], scope: Scope) -> Current:
    """Return how an appliance stands; `row` is its row of `_latest`."""
    now = scope.now
    rpo = one.rpo if scope.rpo_seconds is None else Rpo(scope.rpo_seconds, SET)
    success, attempt = _success(row[_SUCCESS], now), times(now, *row[_ATTEMPT])
    end = None if success is None else success.end_time
    # Where backups are expected, a missed one decides, and not the age.
    age = Age(end, rpo.age_limit)
    state = (
        RETIRED
        if one.is_retired(now)
        else standing.state(age, one.overdue_since, one.last_seen, now, one.import_due)
    )
    return Current(
        one.id,
        one.name,
        state,
        rpo,
        None if end is None else standing.seconds_between(end, now),
        success,
        None if attempt is None else attempt[0],
        row[_STATUS],
        one.overdue_since,
        *standing.still_due(one.next_due, state, now),
        one.first_seen,
        one.last_seen,
    )


def _success(job: Sequence[Any], now: str) -> Success | None:
    """Return the last success from its columns; None without one, or if it is in the future."""
    key, start_time, end_time, made, size, duration = job
    found = times(now, key, start_time, end_time, made)
    return None if found is None else Success(key, *found, size, duration)


# The columns of a job that `times` takes.
JOB = ("key", "start_time", "end_time", "first_seen")
# The columns of both jobs in a row of `_latest`, after the id of the appliance.
_OF_SUCCESS, _OF_ATTEMPT = (*JOB, sql.SIZE, sql.DURATION), (*JOB, "status")
_SUCCESS = slice(1, 1 + len(_OF_SUCCESS))
_ATTEMPT = slice(_SUCCESS.stop, _SUCCESS.stop + len(JOB))
_STATUS = _ATTEMPT.stop


def times(
    now: str, key: str | None, start_time: str | None, end_time: str | None, made: str | None
) -> tuple[str, str] | None:
    """Return the start of a job, as well as it is known, and its end; None if it is in the future.

    The end is never before the start, and never after `now`.

    Both are fixed-width UTC texts. `made` is when the job was first seen, the last resort for a
    start.
    """
    if key is None or made is None:
        return None
    at = job_order.began(start_time, key, made)
    return None if at > now else (at, min(now, max(at, end_time or at)))


def _latest(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return a row for each appliance in scope: its last success and its last attempt.

    An appliance without such a job has NULL in its columns.
    """
    job = tables.job
    ids = scope.appliance_ids(connection)
    if judged_stored.answers(connection, scope):
        stored = tables.appliance_standing
        query = sa.select(
            stored.c.appliance_id.label("id"), stored.c.success_id, stored.c.attempt_id
        )
        if ids is not None:
            query = query.where(filters.of_appliances(stored.c.appliance_id, ids))
        found: sa.FromClause = query.subquery("found")
    else:
        found = _looked_up(settings.calendar(connection).day(scope.now), scope, ids)
    source = found
    columns: list[sa.ColumnElement[Any]] = [found.c.id]
    for which, names in (("success", _OF_SUCCESS), ("attempt", _OF_ATTEMPT)):
        one = job.alias(which)
        source = source.outerjoin(
            one, (one.c.appliance_id == found.c.id) & (one.c.id == found.c[f"{which}_id"])
        )
        columns += [one.c[name].label(f"{which}_{name}") for name in names]
    return sa.select(*columns).select_from(source)


def _looked_up(today: str, scope: Scope, ids: filters.Ids) -> sa.CTE:
    """Return the ids of both jobs as of an earlier time: a lookup each for each appliance."""
    appliance, job = tables.appliance, tables.job
    order = [one.desc() for one in job_order.order(job)]
    columns = []
    for which in ("success", "attempt"):
        query = sa.select(job.c.id).where(
            job.c.appliance_id == appliance.c.id,
            job.c.day.between(
                sa.literal(iso(FIRST_DAY), job.c.day.type), sa.literal(today, job.c.day.type)
            ),
            job_order.not_later(scope),
        )
        if which == "success":
            query = query.where(job.c.status == "SUCCEEDED")
        columns.append(query.order_by(*order).limit(1).scalar_subquery().label(f"{which}_id"))
    found = sa.select(appliance.c.id, *columns)
    if ids is not None:
        found = found.where(filters.of_appliances(appliance.c.id, ids))
    return found.cte("found")
