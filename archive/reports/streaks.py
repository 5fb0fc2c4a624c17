"""Consecutive failures of each appliance: now, at worst, and how long recovery took.

Only the statuses SUCCEEDED and FAILED count; a job in progress neither ends a streak nor adds to
one. Jobs are in the order of `core.job_order`: by day, then by start.

For all jobs up to now, the stored standing of each appliance has the answer; a scope with other
limits is folded anew from the jobs. `archive.judgement.streaks` has the rules for both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import FIRST_DAY, iso
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement.streaks import Finished, Streaks, fold
from archive.render.units import moment
from archive.reports.core import filters, job_order, judged_stored
from archive.reports.core.report import JOBS, Listing
from archive.statuses import FINISHED
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("consecutive_failures", Kind.COUNT),
    Column("since_time", Kind.INSTANT, expendable=2),
    Column("last_success", expendable=9),
    Column("last_success_time", Kind.INSTANT, expendable=3),
    Column("worst_consecutive_failures", Kind.COUNT, expendable=4),
    Column("worst_since_time", Kind.INSTANT, expendable=8),
    Column("recoveries", Kind.COUNT, expendable=5),
    Column("recovery_mean_seconds", Kind.SECONDS, expendable=6),
    Column("recovery_worst_seconds", Kind.SECONDS, expendable=7),
    Column("last_seen", Kind.INSTANT, expendable=8),
)


class StreaksRow(NamedTuple):
    """The consecutive failures of an appliance. `since_time` is NULL if its latest job succeeded.

    Only finished jobs count. Of two equally long worst streaks, the later one is shown.
    `last_success` is the key of the latest success, `last_seen` the time of the last import.

    Instants are fixed-width UTC texts, recoveries are in seconds. An appliance without finished
    jobs in scope has no row.
    """

    appliance: str
    consecutive_failures: int
    since_time: str | None
    last_success: str | None
    last_success_time: str | None
    worst_consecutive_failures: int
    worst_since_time: str | None
    recoveries: int
    recovery_mean_seconds: int | None
    recovery_worst_seconds: int | None
    last_seen: str


def select(connection: Connection, scope: Scope) -> Iterator[StreaksRow]:
    """Yield the rows of the report, most consecutive failures first."""
    is_stored = _is_stored(connection, scope)
    found = _stored(connection, scope) if is_stored else _anew(connection, scope)
    return iter(sorted(found, key=_worst_first))


def _worst_first(row: StreaksRow) -> tuple[int, int, str]:
    """Return the sort key: most consecutive failures first, then the worst, then by name."""
    return -row.consecutive_failures, -row.worst_consecutive_failures, row.appliance


def _anew(connection: Connection, scope: Scope) -> Iterator[StreaksRow]:
    """Yield the rows from the finished jobs in scope."""
    for batch in job_order.batches(connection, scope):
        for number, rows in job_order.rows(connection, _finished(scope, batch), batch).items():
            if rows:
                folded = fold(Streaks(), map(_job, rows))
                success = next((row for row in reversed(rows) if row.status != "FAILED"), None)
                # Every row of an appliance has its last import, so any will do.
                yield _row(batch[number], folded, success, rows[0].last_seen)


def _is_stored(connection: Connection, scope: Scope) -> bool:
    """Return whether the scope has all jobs, so that the stored streaks answer it."""
    today = settings.calendar(connection).day(scope.now)
    is_whole = scope.since is None and (scope.until is None or scope.until >= today)
    filtered = scope.types or scope.locations or scope.builds
    return is_whole and not filtered and judged_stored.answers(connection, scope)


def _stored(connection: Connection, scope: Scope, *, ongoing: bool = False) -> Iterator[StreaksRow]:
    """Yield the rows from the stored standing of each appliance, or of those that fail now."""
    appliance, stored, job = tables.appliance, tables.appliance_standing, tables.job
    query = (
        sa.select(
            *stored.columns,
            appliance.c.name,
            appliance.c.last_seen,
            *(job.c[name] for name in _JOB),
        )
        .join_from(stored, appliance, appliance.c.id == stored.c.appliance_id)
        .outerjoin(
            job, (job.c.appliance_id == stored.c.appliance_id) & (job.c.id == stored.c.success_id)
        )
        # Without a finished job there is nothing to tell.
        .where(stored.c.finished_id.is_not(None))
    )
    if ongoing:
        query = query.where(stored.c.consecutive_failures > 0)
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(filters.of_appliances(appliance.c.id, ids))
    for row in connection.execute(query):
        folded = Streaks(
            row.consecutive_failures,
            row.failing_since_time,
            row.worst_consecutive_failures,
            row.worst_since_time,
            row.recoveries,
            row.recovery_seconds,
            row.recovery_worst_seconds,
        )
        yield _row(row.name, folded, None if row.key is None else row, row.last_seen)


def _row(name: str, folded: Streaks, success: Any, last_seen: str) -> StreaksRow:
    """Return a row of the report; `success` is the row of the last success, None without one."""
    return StreaksRow(
        name,
        folded.failures,
        folded.since,
        success and success.key,
        success and job_order.began(success.start_time, success.key, success.first_seen),
        folded.worst,
        folded.worst_since,
        folded.recoveries,
        folded.recovery_seconds // folded.recoveries if folded.recoveries else None,
        folded.recovery_worst_seconds if folded.recoveries else None,
        last_seen,
    )


_JOB = ("key", "start_time", "first_seen")


def ongoing(connection: Connection, scope: Scope) -> list[StreaksRow]:
    """Return the rows of the appliances whose latest finished job in scope failed.

    This is faster than `select`, because it reads the jobs of these appliances only.
    """
    if _is_stored(connection, scope):
        return sorted(_stored(connection, scope, ongoing=True), key=_worst_first)
    names = failing(connection, scope, 1)
    if not names:
        return []
    return list(select(connection, replace(scope, appliances=(), named=names)))


def failing(connection: Connection, scope: Scope, number: int) -> frozenset[str]:
    """Return the names of the appliances whose latest finished jobs in scope, so many, all failed.

    The query looks up these jobs of each appliance, the next one only if the one before failed.
    """
    appliance, job = tables.appliance, tables.job
    latest = (
        sa.select(job.c.status)
        .where(
            job.c.appliance_id == appliance.c.id,
            job.c.status.in_(FINISHED),
            job.c.day >= sa.literal(iso(FIRST_DAY), job.c.day.type),
            job_order.not_later(scope),
            *filters.of_jobs(scope, None),
        )
        .order_by(*(column.desc() for column in job_order.order(job)))
        .limit(1)
    )
    statuses = [latest.offset(place).scalar_subquery() for place in range(number)]
    query = sa.select(appliance.c.name).where(*(status == "FAILED" for status in statuses))
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(filters.of_appliances(appliance.c.id, ids))
    return frozenset(connection.execute(query).scalars())


def _job(job: sa.Row[Any]) -> Finished:
    """Return a finished job as the judgement wants it.

    An undocumented status is never read here: `_finished` selects the two that are final.
    """
    began = job_order.began(job.start_time, job.key, job.first_seen)
    return Finished(job.status == "FAILED", began, job.end_time)


def _finished(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the finished jobs of a batch of appliances in order."""
    job, appliance = tables.job, tables.appliance
    return (
        sa.select(
            job.c.appliance_id,
            appliance.c.last_seen,
            job.c.status,
            *(job.c[name] for name in _JOB),
            job.c.end_time,
        )
        .join_from(job, appliance, appliance.c.id == job.c.appliance_id)
        .where(
            filters.of_appliances(job.c.appliance_id, batch),
            job.c.status.in_(FINISHED),
            job.c.day >= sa.literal(iso(FIRST_DAY), job.c.day.type),
            job_order.not_later(scope),
            *filters.of_jobs(scope, None),
        )
        .order_by(job.c.appliance_id, *job_order.order(job))
    )


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield which jobs do not count, and what a recovery is."""
    after = moment(scope.now, settings.calendar(connection).zone)
    yield (
        f"Jobs in progress, and jobs that start after {after}, do not count. A recovery"
        " lasts from the start of the first failure to the end of the next success."
    )


REPORT = Listing(
    "streaks",
    "How many consecutive backups have failed, now and at worst, and how long did recovery take?",
    COLUMNS,
    select,
    JOBS - {"statuses"} | {"now"},
    explain=_explain,
    charts=(Bars(("appliance",), ("consecutive_failures",), "worst_consecutive_failures"),),
)
