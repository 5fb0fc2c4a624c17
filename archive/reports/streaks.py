"""Failures in a row: now, at worst, and how long it took to recover from them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import instants, tables
from archive.columns import Column, Kind
from archive.reports import parts, walk
from archive.reports.report import JOBS, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope

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


class Failed(NamedTuple):
    """When a failed job began, and the number and the end of the first success after it, if any."""

    began: str
    success: int | None
    success_end: str | None


class Streaks(NamedTuple):
    """What a history of failures comes to; durations in seconds."""

    now: int
    since: str | None
    worst: int
    worst_since: str | None
    recoveries: int
    mean: int | None
    longest: int | None


def fold(history: Sequence[Failed]) -> Streaks:
    """Return the streaks of an appliance's failed jobs, which are in their order.

    Failures belong to one streak if the same success is the first after them.
    """
    now, since, worst, worst_since = 0, None, 0, None
    recoveries: list[int] = []
    for success, streak in groupby(history, key=lambda failed: failed.success):
        failures = list(streak)
        first = failures[0]
        if len(failures) >= worst:
            worst, worst_since = len(failures), first.began
        if success is None:
            now, since = len(failures), first.began
        elif first.success_end is not None:
            took = instants.to_datetime(first.success_end) - instants.to_datetime(first.began)
            recoveries.append(max(took.days * 86_400 + took.seconds, 0))
    return Streaks(
        now,
        since,
        worst,
        worst_since,
        len(recoveries),
        sum(recoveries) // len(recoveries) if recoveries else None,
        max(recoveries, default=None),
    )


def _select(connection: Connection, scope: Scope) -> Iterator[StreaksRow]:
    found: list[StreaksRow] = []
    for batch in walk.batches(connection, scope):
        failed = walk.rows(connection, _failures(scope, batch), batch)
        for number, last_seen, key, *times in connection.execute(_successes(scope, batch)):
            history = [_failed(row) for row in failed[number]]
            if not history and key is None:
                continue
            told = fold(history)
            good = None if key is None else walk.began(times[0], key, times[1])
            found.append(
                StreaksRow(batch[number], told.now, told.since, key, good, *told[2:], last_seen)
            )
    found.sort(key=lambda row: (-row.streak, -row.worst_streak, row.appliance))
    return iter(found)


def _failed(row: Sequence[Any]) -> Failed:
    """Return a failed job; a success that does not say when it ended, or says nonsense, ended at once."""
    _, start_time, key, first_seen, success, *start, end = row
    began = walk.began(start_time, key, first_seen)
    if success is None:
        return Failed(began, None, None)
    return Failed(began, success, max(end or "", walk.began(*start)))


def _failures(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the failed jobs of a batch of appliances, each with the success that follows."""
    job = tables.job
    failed = (
        sa.select(
            job.c.appliance_id,
            job.c.start_time,
            job.c.key,
            job.c.first_seen,
            job.c.day,
            walk.place(job).label("place"),
        )
        .where(walk.among(job.c.appliance_id, batch), *_finished(scope, "FAILED"))
        .subquery("failed")
    )
    later = sa.or_(
        walk.place(job) > failed.c.place,
        sa.and_(walk.place(job) == failed.c.place, job.c.key > failed.c.key),
    )
    following = (
        sa.select(job.c.id)
        .where(
            job.c.appliance_id == failed.c.appliance_id,
            job.c.day >= failed.c.day,  # which the index knows
            sa.or_(job.c.day > failed.c.day, later),
            *_finished(scope, "SUCCEEDED"),
        )
        .order_by(*walk.order(job))
        .limit(1)
        .scalar_subquery()
    )
    success = tables.job.alias("success")
    reached = sa.and_(success.c.appliance_id == failed.c.appliance_id, success.c.id == following)
    return (
        sa.select(
            failed.c.appliance_id,
            failed.c.start_time,
            failed.c.key,
            failed.c.first_seen,
            success.c.id,
            success.c.start_time,
            success.c.key,
            success.c.first_seen,
            success.c.end_time,
        )
        .select_from(failed.outerjoin(success, reached))
        .order_by(failed.c.appliance_id, failed.c.day, failed.c.place, failed.c.key)
    )


def _successes(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the appliances of a batch, each with its latest success if it has one."""
    job, appliance = tables.job, tables.appliance
    newest = (
        sa.select(job.c.id)
        .where(job.c.appliance_id == appliance.c.id, *_finished(scope, "SUCCEEDED"))
        .order_by(*(column.desc() for column in walk.order(job)))
        .limit(1)
        .scalar_subquery()
    )
    good = tables.job.alias("good")
    reached = sa.and_(good.c.appliance_id == appliance.c.id, good.c.id == newest)
    return (
        sa.select(
            appliance.c.id,
            appliance.c.last_seen,
            good.c.key,
            good.c.start_time,
            good.c.first_seen,
        )
        .select_from(appliance.outerjoin(good, reached))
        .where(walk.among(appliance.c.id, batch))
    )


def _finished(scope: Scope, status: str) -> list[sa.ColumnElement[bool]]:
    conditions = parts.conditions(scope, None)
    return [tables.job.c.status == status, *conditions, walk.not_later(scope)]


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
    _select,
    JOBS - {"statuses"},
    explain=_explain,
)
