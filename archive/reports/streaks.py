"""Consecutive failures of each appliance: now, at worst, and how long recovery took."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import standing
from archive.render.units import moment
from archive.reports.core import job_order, sql
from archive.reports.core.report import JOBS, Listing
from archive.statuses import FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("consecutive_failures", Kind.COUNT),
    Column("since_time", Kind.INSTANT),
    Column("last_success"),
    Column("last_success_time", Kind.INSTANT),
    Column("worst_consecutive_failures", Kind.COUNT),
    Column("worst_since_time", Kind.INSTANT),
    Column("recoveries", Kind.COUNT),
    Column("recovery_mean_seconds", Kind.SECONDS),
    Column("recovery_worst_seconds", Kind.SECONDS),
    Column("last_seen", Kind.INSTANT),
)


class StreaksRow(NamedTuple):
    """The consecutive failures of an appliance. `since_time` is NULL if its latest job succeeded.

    Only finished jobs count. Of two equally long worst streaks, the later one is shown.
    `last_success` is the key of the latest success, `last_seen` the time of the last import.
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


class Turn(NamedTuple):
    """A finished job next to one with another outcome, or the first or last finished job.

    `place` is its number among all finished jobs. `end` is never before `began`.
    """

    failed: bool
    place: int
    key: str
    began: str
    end: str


class Streaks(NamedTuple):
    """The current streak and the last success, the worst streak, and recoveries in seconds."""

    now: int
    since: str | None
    success: str | None
    success_began: str | None
    worst: int
    worst_since: str | None
    recoveries: int
    mean: int | None
    longest: int | None


def fold(turns: Sequence[Turn]) -> Streaks:
    """Return the streaks of an appliance from its turns (at least one), in their order."""
    first: Turn | None = None  # the first failure of the current streak
    success: Turn | None = None
    now, worst, worst_since = 0, 0, None
    recoveries: list[int] = []
    for turn in turns:
        if turn.failed:
            first = first or turn
            now = turn.place - first.place + 1
            if now >= worst:
                worst, worst_since = now, first.began
            continue
        if first is not None:
            recoveries.append(_seconds(first.began, turn.end))
        now, first, success = 0, None, turn
    return Streaks(
        now,
        first and first.began,
        success and success.key,
        success and success.began,
        worst,
        worst_since,
        len(recoveries),
        sum(recoveries) // len(recoveries) if recoveries else None,
        max(recoveries, default=None),
    )


def _seconds(since: str, until: str) -> int:
    # A job without a start time can be ordered before one that has ended earlier.
    return max(standing.seconds_between(since, until), 0)


def select(connection: Connection, scope: Scope) -> Iterator[StreaksRow]:
    """Yield the rows of the report, most consecutive failures first."""
    found: list[StreaksRow] = []
    for batch in job_order.batches(connection, scope):
        for number, rows in job_order.rows(connection, _turns(scope, batch), batch).items():
            if rows:
                streaks = fold(list(map(_turn, rows)))
                found.append(StreaksRow(batch[number], *streaks, rows[0].last_seen))
    found.sort(
        key=lambda row: (
            -row.consecutive_failures, -row.worst_consecutive_failures, row.appliance,
        )
    )  # fmt: skip
    return iter(found)


def ongoing(connection: Connection, scope: Scope) -> list[StreaksRow]:
    """Return the rows of the appliances whose latest finished job in scope failed.

    This is faster than `select`, because it reads the jobs of these appliances only.
    """
    failing = _failing(connection, scope)
    if not failing:
        return []
    return list(select(connection, replace(scope, appliances=(), named=failing)))


def _failing(connection: Connection, scope: Scope) -> frozenset[str]:
    """Return the names of the appliances whose latest finished job in scope failed.

    The query looks up one job for each appliance.
    """
    appliance, job = tables.appliance, tables.job
    latest = (
        sa.select(job.c.status)
        .where(
            job.c.appliance_id == appliance.c.id,
            job.c.status.in_(FINISHED),
            job_order.not_later(scope),
            *sql.conditions(scope, None),
        )
        .order_by(*(column.desc() for column in job_order.order(job)))
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(appliance.c.name).where(latest == "FAILED")
    ids = scope.appliance_ids(connection)
    if ids is not None:
        query = query.where(sql.of_appliances(appliance.c.id, ids))
    return frozenset(connection.execute(query).scalars())


def _turn(job: sa.Row[Any]) -> Turn:
    began = job_order.began(job.start_time, job.key, job.first_seen)
    end = max(job.end_time or "", began)
    return Turn(job.status == "FAILED", job.place, job.key, began, end)


def _turns(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the finished jobs of a batch of appliances at which the outcome changes."""
    job, appliance = tables.job, tables.appliance
    over: dict[str, Any] = {"partition_by": job.c.appliance_id, "order_by": job_order.order(job)}
    finished = (
        sa.select(
            job.c.appliance_id,
            job.c.status,
            job.c.start_time,
            job.c.key,
            job.c.first_seen,
            job.c.end_time,
            sa.func.row_number().over(**over).label("place"),
            sa.func.lag(job.c.status).over(**over).label("before"),
            sa.func.lead(job.c.status).over(**over).label("after"),
        )
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status.in_(FINISHED),
            job_order.not_later(scope),
            *sql.conditions(scope, None),
        )
        .subquery("finished")
    )
    status = finished.c.status
    ends = [
        sa.or_(beside.is_(None), beside != status)
        for beside in (finished.c.before, finished.c.after)
    ]
    return (
        sa.select(
            finished.c.appliance_id,
            appliance.c.last_seen,
            status,
            finished.c.place,
            finished.c.start_time,
            finished.c.key,
            finished.c.first_seen,
            finished.c.end_time,
        )
        .join_from(finished, appliance, appliance.c.id == finished.c.appliance_id)
        .where(sa.or_(*ends))
        .order_by(finished.c.appliance_id, finished.c.place)
    )


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection
    yield (
        f"Jobs in progress, and jobs that start after {moment(scope.now)}, do not count. A recovery"
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
