"""Failures in a row: now, at worst, and how long it took to recover from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import job_order, sql
from archive.reports.core.report import JOBS, Listing
from archive.statuses import FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("streak", Kind.COUNT),
    Column("since_time", Kind.INSTANT),
    Column("last_good"),
    Column("last_good_time", Kind.INSTANT),
    Column("worst_streak", Kind.COUNT),
    Column("worst_since_time", Kind.INSTANT),
    Column("recoveries", Kind.COUNT),
    Column("recovery_mean_seconds", Kind.SECONDS),
    Column("recovery_worst_seconds", Kind.SECONDS),
    Column("last_seen", Kind.INSTANT),
)


class StreaksRow(NamedTuple):
    """`since_time` is NULL where the latest finished job succeeded.

    Of two worst streaks the later one is told. `last_good` is the key of the latest success, and
    `last_seen` when the archive last heard from the appliance.
    """

    appliance: str
    streak: int
    since_time: str | None
    last_good: str | None
    last_good_time: str | None
    worst_streak: int
    worst_since_time: str | None
    recoveries: int
    recovery_mean_seconds: int | None
    recovery_worst_seconds: int | None
    last_seen: str


class Turn(NamedTuple):
    """A finished job beside one of another outcome, or the first or last; `place` counts all finished.

    `end` is never before it began.
    """

    failed: bool
    place: int
    key: str
    began: str
    end: str


class Streaks(NamedTuple):
    """What a history comes to: the current streak and what was before it, the worst, recoveries."""

    now: int
    since: str | None
    good: str | None
    good_since: str | None
    worst: int
    worst_since: str | None
    recoveries: int
    mean: int | None
    longest: int | None


def fold(turns: Sequence[Turn]) -> Streaks:
    """Return the streaks of an appliance's turns, one at least, in their order."""
    first: Turn | None = None  # of the failures that last
    good: Turn | None = None
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
        now, first, good = 0, None, turn
    return Streaks(
        now,
        first and first.began,
        good and good.key,
        good and good.began,
        worst,
        worst_since,
        len(recoveries),
        sum(recoveries) // len(recoveries) if recoveries else None,
        max(recoveries, default=None),
    )


def _seconds(since: str, until: str) -> int:
    took = timestamps.to_datetime(until) - timestamps.to_datetime(since)
    # A job that does not say when it started may stand before one that did.
    return max(took.days * 86_400 + took.seconds, 0)


def select(connection: Connection, scope: Scope) -> Iterator[StreaksRow]:
    """Yield the rows of the report, the longest streak of now first."""
    found: list[StreaksRow] = []
    for batch in job_order.batches(connection, scope):
        for number, rows in job_order.rows(connection, _turns(scope, batch), batch).items():
            if rows:
                told = fold([_turn(*row[2:]) for row in rows])
                found.append(StreaksRow(batch[number], *told, rows[0][1]))
    found.sort(key=lambda row: (-row.streak, -row.worst_streak, row.appliance))
    return iter(found)


def failing(connection: Connection, scope: Scope) -> frozenset[str]:
    """Return the names of the appliances whose latest finished job of a scope failed.

    It walks the appliances, not the jobs.
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


def _turn(
    status: str, place: int, start_time: str | None, key: str, first_seen: str, end: str | None
) -> Turn:
    began = job_order.began(start_time, key, first_seen)
    return Turn(status == "FAILED", place, key, began, max(end or "", began))


def _turns(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the finished jobs of a batch of appliances where the outcome changes."""
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
        "Open jobs, and jobs that say they start after "
        f"{scope.now[:19]}Z, are passed over. A recovery is from the start of a streak's first"
        " failure to the end of the next success."
    )


REPORT = Listing(
    "streaks",
    "How many backups in a row have failed, how many at worst, and how long did it take to recover?",
    COLUMNS,
    select,
    JOBS - {"statuses"} | {"now"},
    explain=_explain,
    charts=(Bars(("appliance",), ("streak",), "worst_streak"),),
)
