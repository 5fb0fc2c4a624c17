"""Backup targets, and which of them are no longer used."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import sql
from archive.reports.core.report import JOBS, Listing
from archive.reports.core.sql import P95, SIZE
from archive.statuses import FINISHED
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.reports.core.scope import Scope

USED, STOPPED, UNKNOWN = "used", "stopped", "unknown"


class LocationRow(NamedTuple):
    """One target: a location's URL without its password, None for jobs without a location.

    `size_total_bytes` is the sum of the succeeded jobs. `idle_days` are the days since its last day
    with a job. `usual_gap_days` is the 95th percentile of the gaps between its days with jobs. Days
    after now are ignored. All three, with `state`, are None without a target; the gap also if jobs
    ran on one day only.
    """

    location: str | None
    state: str | None
    jobs: int
    finished: int
    succeeded: int
    failed: int
    success_rate: float | None
    size_total_bytes: int | None
    appliances: int
    first_day: str
    last_day: str
    idle_days: int | None
    usual_gap_days: int | None


def state(gap: int | None, idle: int, reported: int) -> str:
    """Return whether a target is still used.

    `idle` are the days from its last job until now, `reported` those until the last import of any
    appliance that has used it. Nothing is known about the time after that import.
    """
    if gap is None:
        return UNKNOWN
    if idle <= gap:
        return USED
    return STOPPED if reported > gap else UNKNOWN


def _rows(connection: Connection, scope: Scope) -> Iterator[LocationRow]:
    ids = scope.appliance_ids(connection)
    calendar = settings.calendar(connection)
    past = tables.job.c.day <= sa.literal(calendar.day(scope.now), tables.job.c.day.type)
    gaps = dict(map(tuple, connection.execute(_gaps(scope, ids, past))))
    return sql.streamed(
        connection, _totals(scope, ids, past), lambda found: _row(found, gaps, calendar, scope)
    )


def _row(
    found: sa.Row[Any], gaps: dict[str | None, int | None], calendar: Calendar, scope: Scope
) -> LocationRow:
    url, finished, succeeded = found.location, int(found.finished), int(found.succeeded)
    now = scope.now
    gap = idle = judged = None
    if url is not None:
        gap, judged = gaps.get(url), UNKNOWN
        if found.used_day is not None:
            idle = _days(found.used_day, calendar.day(now))
            reported = _days(found.used_day, calendar.day(min(found.last_import, now)))
            judged = state(gap, idle, reported)
    return LocationRow(
        url,
        judged,
        int(found.jobs),
        finished,
        succeeded,
        finished - succeeded,
        sql.rate(succeeded, finished) if sql.has_rate(scope) else None,
        sql.joined(found, SIZE),
        found.appliances,
        found.first_day,
        found.last_day,
        idle,
        gap,
    )


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def _totals(scope: Scope, ids: sql.Ids, past: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the SELECT of the targets; jobs are counted by appliance first, so few rows are joined.

    `past` is the condition that the day of a job is not after now.
    """
    job, appliance, location = tables.job, tables.appliance, tables.location
    finished, succeeded = job.c.status.in_(FINISHED), job.c.status == "SUCCEEDED"
    pairs = (
        sa.select(
            job.c.appliance_id,
            job.c.location_id,
            sa.func.count().label("jobs"),
            sa.func.count().filter(finished).label("finished"),
            sa.func.count().filter(succeeded).label("succeeded"),
            *sql.total(job, SIZE),
            sa.func.min(job.c.day).label("first_day"),
            sa.func.max(job.c.day).label("last_day"),
            sa.func.max(job.c.day).filter(past).label("used_day"),
        )
        .where(*sql.conditions(scope, ids, each=True))
        .group_by(job.c.appliance_id, job.c.location_id)
        .subquery("pairs")
    )
    url = location.c.masked_url
    summed = ("jobs", "finished", "succeeded", f"{SIZE}_high", f"{SIZE}_low")
    return (
        sa.select(
            url.label("location"),
            *(sa.func.sum(pairs.c[name]).label(name) for name in summed),
            sa.func.count(pairs.c.appliance_id.distinct()).label("appliances"),
            sa.func.min(pairs.c.first_day).label("first_day"),
            sa.func.max(pairs.c.last_day).label("last_day"),
            sa.func.max(pairs.c.used_day).label("used_day"),
            sa.func.max(appliance.c.last_seen).label("last_import"),
        )
        .select_from(
            pairs.join(appliance, pairs.c.appliance_id == appliance.c.id).outerjoin(
                location, pairs.c.location_id == location.c.id
            )
        )
        .group_by(url)
        .order_by(url.asc().nulls_last())
    )


def _gaps(scope: Scope, ids: sql.Ids, past: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the SELECT of each target's usual gap."""
    job, location, calendar = tables.job, tables.location, tables.calendar
    pairs = (
        sa.select(job.c.location_id, job.c.day)
        .where(*sql.conditions(scope, ids, each=True), past)
        .distinct()
        .subquery("pairs")
    )
    used = (
        sa.select(location.c.masked_url.label("url"), calendar.c.ordinal)
        .select_from(
            pairs.join(location, pairs.c.location_id == location.c.id).join(
                calendar, pairs.c.day == calendar.c.day
            )
        )
        .distinct()
        .subquery("used")
    )
    before = sa.func.lag(used.c.ordinal).over(partition_by=used.c.url, order_by=used.c.ordinal)
    gaps = sa.select(used.c.url, (used.c.ordinal - before).label("gap")).subquery("gaps")
    rank = sa.func.row_number().over(
        partition_by=gaps.c.url, order_by=gaps.c.gap.asc().nulls_last()
    )
    number = sa.func.count(gaps.c.gap).over(partition_by=gaps.c.url)
    ranked = sa.select(gaps.c.url, gaps.c.gap, rank.label("place"), number.label("number"))
    ranks = ranked.subquery("ranked")
    wanted = ranks.c.place == (ranks.c.number * P95 + 99) // 100
    return sa.select(ranks.c.url, ranks.c.gap).where(wanted)


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    calendar = settings.calendar(connection)
    yield (
        f"As of {calendar.day(scope.now)}; days start at {calendar.day_start} {calendar.zone}. A target"
        " is stopped if it was idle for longer than its usual gap, and an appliance that used it has"
        " reported since."
    )


REPORT = Listing(
    "locations",
    "Which targets hold backups, and which are no longer used?",
    (
        Column("location"),
        Column("state"),
        Column("jobs", Kind.COUNT),
        Column("finished", Kind.COUNT),
        Column("succeeded", Kind.COUNT),
        Column("failed", Kind.COUNT),
        Column("success_rate", Kind.RATIO),
        Column("size_total_bytes", Kind.BYTES),
        Column("appliances", Kind.COUNT),
        Column("first_day", Kind.DAY),
        Column("last_day", Kind.DAY),
        Column("idle_days", Kind.COUNT),
        Column("usual_gap_days", Kind.COUNT),
    ),
    _rows,
    JOBS | {"now"},
    explain=_notes,
)
