"""Stuck jobs: in progress for longer than any success took, or gone from the appliance's job list.

Only jobs whose status is one of `OPEN` are looked at. They are compared with all successes of the
appliance, on whatever day and of whatever type. Nothing is stored: every run judges anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import standing, statistics
from archive.render.units import moment
from archive.reports.core import filters, job_order
from archive.reports.core.report import JOBS, Listing
from archive.reports.core.sql import P95
from archive.statuses import OPEN
from archive.store import seen_documents, settings
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Jobs shorter than this are never stuck, even where backups usually take seconds.
LEAST_SECONDS = 3_600
# The durations of so many appliances are held in memory.
_AT_A_TIME = 20
COLUMNS = (
    Column("appliance"),
    Column("key", expendable=3),
    Column("status", expendable=2),
    Column("type", expendable=6),
    Column("start_time", Kind.INSTANT, expendable=5),
    Column("age_seconds", Kind.SECONDS),
    Column("longest_seconds", Kind.SECONDS, expendable=7),
    Column("p95_seconds", Kind.SECONDS, expendable=8),
    Column("last_seen", Kind.INSTANT, expendable=9),
    Column("stuck", Kind.FLAG),
    Column("reason"),
)


class StuckRow(NamedTuple):
    """A job in progress. `age_seconds` is as of `now`, and NULL for a job that starts later.

    `longest_seconds` and `p95_seconds` are those of the appliance's succeeded jobs. `stuck` is NULL
    if it cannot be judged: there is no success to compare with, or no recent import.
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
    """A job in progress: when it began and was last seen, and the last import of its appliance.

    These are fixed-width UTC instants. `is_retired` is of the appliance.
    """

    began: str
    last_seen: str
    last_import: str
    is_retired: bool = False


def judge(job: Open, now: str, longest: int | None) -> tuple[bool | None, str]:
    """Return whether a job is stuck, and why; `longest` is the longest success in seconds.

    None for the first: it cannot be judged. What the last import was too early to show is no proof.
    """
    if job.is_retired:
        return None, "the appliance is retired"
    # Whatever became of it, no import will show its end any more.
    if job.last_seen < job.last_import:
        return True, "the appliance no longer lists the job"
    if job.began > now:
        return None, "the job starts in the future"
    if longest is None:
        return None, "no success to compare with"
    limit = max(longest, LEAST_SECONDS)
    if standing.seconds_between(job.began, job.last_seen) > limit:
        return True, "in progress for longer than any success took"
    if standing.seconds_between(job.began, now) > limit:
        return None, "the job may have ended: no recent import"
    return False, "not longer than past successes"


def select(connection: Connection, scope: Scope) -> Iterator[StuckRow]:
    """Yield the rows of the report, oldest first."""
    return iter(_rows(connection, connection.execute(_open(connection, scope)), scope.now))


def stuck(connection: Connection, scope: Scope) -> list[StuckRow]:
    """Return the stuck jobs alone, on whatever day they began, oldest first.

    Of other jobs, as run in every night, no durations are read.
    """
    found = connection.execute(_open(connection, replace(scope, since=None, until=None)))
    # If no success took any time, a job is stuck as soon as any can be.
    can_be = [job for job in found if judge(_state(job, scope.now), scope.now, 0)[0]]
    return [row for row in _rows(connection, can_be, scope.now) if row.stuck]


def _rows(connection: Connection, found: Iterable[sa.Row[Any]], now: str) -> list[StuckRow]:
    """Return the rows of jobs in progress, oldest first."""
    jobs: dict[int, list[sa.Row[Any]]] = {}
    for job in found:
        jobs.setdefault(job.appliance_id, []).append(job)
    rows: list[StuckRow] = []
    for batch in chunks(jobs, _AT_A_TIME):
        taken = job_order.rows(connection, _durations(batch), dict.fromkeys(batch, ""))
        for number in batch:
            durations = [row.duration_seconds for row in taken[number]]
            rows += (_row(job, durations, now) for job in jobs[number])
    return sorted(rows, key=_oldest_first)


def _oldest_first(row: StuckRow) -> tuple[bool, int, str, str]:
    """Return the sort key: the oldest first, jobs of the future last."""
    return row.age_seconds is None, -(row.age_seconds or 0), row.appliance, row.key


def _row(job: sa.Row[Any], durations: Sequence[int], now: str) -> StuckRow:
    """Return the row of a job in progress; durations are in ascending order."""
    state = _state(job, now)
    began = state.began
    longest = durations[-1] if durations else None
    return StuckRow(
        job.name,
        job.key,
        job.status,
        job.type,
        job.start_time,
        None if began > now else standing.seconds_between(began, now),
        longest,
        statistics.percentile(durations, P95) if durations else None,
        job.last_seen,
        *judge(state, now, longest),
    )


def _state(job: sa.Row[Any], now: str) -> Open:
    """Return what a job in progress is judged by, besides the successes."""
    return Open(
        job_order.began(job.start_time, job.key, job.first_seen),
        job.last_seen,
        job.last_import,
        job.retired_at is not None and job.retired_at <= now,
    )


def _open(connection: Connection, scope: Scope) -> sa.Select[Any]:
    """Return the jobs in progress in scope.

    `last_seen` is the latest import that had the job, `last_import` that of any answer of its
    appliance.
    """
    job, latest, appliance = tables.job, tables.latest_import, tables.appliance
    seen = {column.key: column for column in seen_documents.job_columns()}
    source = seen_documents.joined().join(appliance, job.c.appliance_id == appliance.c.id)
    return (
        sa.select(
            job.c.appliance_id,
            appliance.c.name,
            appliance.c.retired_at,
            job.c.key,
            job.c.status,
            job.c.type,
            job.c.start_time,
            job.c.first_seen,
            seen["last_seen"],
            # An archive that was filled from an export has no latest import.
            sa.func.coalesce(
                latest.c.seen_at, appliance.c.last_seen, type_=latest.c.seen_at.type
            ).label("last_import"),
        )
        .select_from(source)
        .where(
            filters.not_finished(),
            job.c.status.in_(OPEN),
            *filters.of_jobs(scope, scope.appliance_ids(connection)),
        )
    )


def _durations(batch: Sequence[int]) -> sa.Select[Any]:
    """Return the durations of the succeeded jobs of a batch of appliances, shortest first."""
    job = tables.job
    return (
        sa.select(job.c.appliance_id, job.c.duration_seconds)
        .where(
            filters.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job.c.duration_seconds >= 0,
        )
        .order_by(job.c.duration_seconds)
    )


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what jobs are compared with."""
    zone = settings.calendar(connection).zone
    yield (
        f"Ages are as of {moment(scope.now, zone)}. Jobs are compared with all successes of their"
        " appliance."
    )


REPORT = Listing(
    "stuck",
    "Which jobs in progress run longer than any success took, or have vanished?",
    COLUMNS,
    select,
    JOBS | {"now"},
    explain=_explain,
)
