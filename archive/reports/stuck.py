"""Jobs that are open for longer than any ever was, or of which nothing is heard any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import statistics
from archive.reports.core import job_order, sql
from archive.reports.core.report import JOBS, Listing
from archive.reports.core.sql import P95
from archive.statuses import OPEN
from archive.store import seen_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Where backups take seconds, one of minutes is no job that hangs.
LEAST_SECONDS = 3_600
COLUMNS = (
    Column("appliance"),
    Column("key"),
    Column("status"),
    Column("type"),
    Column("start_time", Kind.INSTANT),
    Column("age_seconds", Kind.SECONDS),
    Column("longest_seconds", Kind.SECONDS),
    Column("p95_seconds", Kind.SECONDS),
    Column("last_seen", Kind.INSTANT),
    Column("stuck", Kind.FLAG),
    Column("reason"),
)


class StuckRow(NamedTuple):
    """An open job. `age_seconds` is told at `now`, and NULL of a job that is to begin later.

    The longest and the p95 are of the appliance's succeeded jobs. `stuck` is NULL where nobody can
    tell: nothing to compare with, or nothing heard since the job was still young.
    """

    appliance: str
    key: str
    status: str
    type: str | None
    start_time: str | None
    age_seconds: int | None
    longest_seconds: int | None
    p95_seconds: int | None
    last_seen: str
    stuck: bool | None
    reason: str


class Open(NamedTuple):
    """An open job: when it began and was last seen, and when its appliance last answered."""

    began: str
    last_seen: str
    answered: str


def judge(job: Open, now: str, longest: int | None) -> tuple[bool | None, str]:
    """Say whether a job is stuck, and why; `longest` is what a success took at most, in seconds."""
    if job.last_seen < job.answered:
        return True, "its appliance does not tell of it any more"
    if job.began > now:
        return None, "it says that it starts later than now"
    if longest is None:
        return None, "no backup has succeeded that it could be compared with"
    limit = max(longest, LEAST_SECONDS)
    if _seconds(job.began, job.last_seen) > limit:
        return True, "it was open for longer than any success took"
    if _seconds(job.began, now) > limit:
        return None, "it may have ended: nothing was heard of it since it was young"
    return False, "it is open no longer than others were"


def _seconds(since: str, until: str) -> int:
    """Return how many whole seconds lie between two instants."""
    between = timestamps.to_datetime(until) - timestamps.to_datetime(since)
    return between.days * 86_400 + between.seconds


def _select(connection: Connection, scope: Scope) -> Iterator[StuckRow]:
    found: list[StuckRow] = []
    for batch in job_order.batches(connection, scope):
        jobs = job_order.rows(connection, _open(scope, batch), batch)
        having = {number: name for number, name in batch.items() if jobs[number]}
        taken = job_order.rows(connection, _durations(having), having) if having else {}
        for number, name in having.items():
            durations = [row[1] for row in taken[number]]
            found += (_row(name, job, durations, scope.now) for job in jobs[number])
    found.sort(key=lambda row: (row.age_seconds is None, -(row.age_seconds or 0), row[:2]))
    return iter(found)


def _row(name: str, job: Sequence[Any], durations: Sequence[int], now: str) -> StuckRow:
    """Return the row of an open job; durations are in ascending order."""
    _, key, status, kind, start_time, first_seen, last_seen, answered = job
    told = Open(job_order.began(start_time, key, first_seen), last_seen, answered)
    longest = durations[-1] if durations else None
    return StuckRow(
        name,
        key,
        status,
        kind,
        start_time,
        None if told.began > now else _seconds(told.began, now),
        longest,
        statistics.percentile(durations, P95) if durations else None,
        last_seen,
        *judge(told, now, longest),
    )


def _open(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the open jobs of a batch of appliances."""
    job, latest, appliance = tables.job, tables.latest_import, tables.appliance
    told = {column.key: column for column in seen_documents.job_columns()}
    source = seen_documents.joined().join(appliance, job.c.appliance_id == appliance.c.id)
    return (
        sa.select(
            job.c.appliance_id,
            job.c.key,
            job.c.status,
            job.c.type,
            job.c.start_time,
            job.c.first_seen,
            told["last_seen"],
            # Of an archive that was filled from an export there is no latest import.
            sa.func.coalesce(latest.c.seen_at, appliance.c.last_seen, type_=latest.c.seen_at.type),
        )
        .select_from(source)
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status.in_(OPEN),
            *sql.conditions(scope, None),
        )
    )


def _durations(batch: dict[int, str]) -> sa.Select[Any]:
    """Return how long the succeeded jobs of a batch of appliances took, the shortest first."""
    job = tables.job
    return (
        sa.select(job.c.appliance_id, job.c.duration_seconds)
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job.c.duration_seconds >= 0,
        )
        .order_by(job.c.duration_seconds)
    )


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection
    yield f"Ages are those of {scope.now[:19]}Z. A job is compared with all successes of its appliance."


REPORT = Listing(
    "stuck",
    "Which backups are open, and for longer than any ever took, or not told of any more?",
    COLUMNS,
    _select,
    JOBS | {"now"},
    explain=_explain,
)
