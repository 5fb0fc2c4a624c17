"""Backup targets, and which of them are no longer used.

Counts and sums come from month totals. Each of their rows has a bit for every day with a job, so
the days of use of a target come from them, too.

Targets are URLs without their password: locations that differ in that alone are one target.
"""

from __future__ import annotations

from calendar import monthrange
from operator import sub
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.calendar import ordinal
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import statistics
from archive.reports.core import from_months, sql
from archive.reports.core.report import JOBS, Listing
from archive.reports.core.sql import P95, SIZE
from archive.statuses import FINISHED
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.reports.core.scope import Scope

_LOCATION = tables.location.c
# The states of a target.
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

    `gap` is in days, as the others are; None if it is not known.
    """
    if gap is None:
        return UNKNOWN
    if idle <= gap:
        return USED
    return STOPPED if reported > gap else UNKNOWN


def _rows(connection: Connection, scope: Scope) -> Iterator[LocationRow]:
    """Yield the targets ordered by URL, jobs without a target last.

    Filters apply to the counts and to the days of use alike.
    """
    totals = from_months.select(scope, scope.appliance_ids(connection))
    calendar = settings.calendar(connection)
    used = _days_of_use(connection, totals, calendar.day(scope.now))
    for found in connection.execute(_counted(totals)):
        row = _row(found, used.get(found.location, []), calendar, scope.now)
        yield row if sql.has_rate(scope) else sql.without_rate(row)


def _row(found: sa.Row[Any], used: list[int], calendar: Calendar, now: str) -> LocationRow:
    """Return the row of a target; `used` are the days with jobs until now, in order."""
    url, finished, succeeded = found.location, int(found.finished), int(found.succeeded)
    gap = idle = judged = None
    if url is not None:
        gap, judged = usual_gap(used), UNKNOWN
        if used:
            idle = ordinal(calendar.day(now)) - used[-1]
            reported = ordinal(calendar.day(min(found.last_import, now))) - used[-1]
            judged = state(gap, idle, reported)
    return LocationRow(
        url,
        judged,
        int(found.jobs),
        finished,
        succeeded,
        finished - succeeded,
        sql.rate(succeeded, finished),
        sql.joined(found, SIZE),
        found.appliances,
        found.first_day,
        found.last_day,
        idle,
        gap,
    )


def usual_gap(used: list[int]) -> int | None:
    """Return the gap between days of use (ordinals, in order) that 95 % of the gaps do not exceed.

    None with fewer than two days.

    It is a nearest rank, so always a gap that occurred.
    """
    gaps = sorted(map(sub, used[1:], used))
    return statistics.percentile(gaps, P95) if gaps else None


def _counted(totals: sa.Subquery) -> sa.Select[Any]:
    """Return the SELECT of the targets; jobs are counted by appliance first, so few rows are joined."""
    appliance, location = tables.appliance, tables.location
    jobs, status = totals.c.jobs, totals.c.status
    # Rows without a size are left out, so that the sum is NULL if there is none at all.
    known = sa.and_(status == "SUCCEEDED", totals.c.sized > 0)
    pairs = (
        sa.select(
            totals.c.appliance_id,
            totals.c.location_id,
            sa.func.sum(jobs).label("jobs"),
            _sum(jobs, status.in_(FINISHED)).label("finished"),
            _sum(jobs, status == "SUCCEEDED").label("succeeded"),
            sa.func.sum(totals.c.size_high).filter(known).label(f"{SIZE}_high"),
            sa.func.sum(totals.c.size_low).filter(known).label(f"{SIZE}_low"),
            sa.func.min(totals.c.first_day).label("first_day"),
            sa.func.max(totals.c.last_day).label("last_day"),
        )
        .group_by(totals.c.appliance_id, totals.c.location_id)
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


def _sum(jobs: sa.ColumnElement[int], condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """Return the number of jobs under a condition, 0 without any."""
    return sa.func.coalesce(sa.func.sum(jobs).filter(condition), 0)


def _days_of_use(connection: Connection, totals: sa.Subquery, today: str) -> dict[str, list[int]]:
    """Return the days (ordinals) until today with jobs of each target, in order, by URL."""
    number, month, days = totals.c.location_id, totals.c.month, totals.c.days
    bits: dict[tuple[int, str], int] = {
        (row.location_id, row.month): row.days
        for row in connection.execute(
            sa.select(number, month, sa.func.max(days).label("days"))
            .where(number.is_not(None))
            .group_by(number, month)
        )
    }
    # Mostly one appliance has used the target on each day of a month; other months are put together.
    partial = {label for (_, label), known in bits.items() if known != _whole(label)}
    query = sa.select(number, month, days).where(number.is_not(None), month.in_(partial))
    for row in connection.execute(query.distinct()) if partial else ():
        # Each appliance has a bit for each of its days; together they are the days of the target.
        bits[row.location_id, row.month] |= row.days
    urls = dict(map(tuple, connection.execute(sa.select(_LOCATION.id, _LOCATION.masked_url))))
    last = ordinal(today)
    found: dict[str, set[int]] = {}
    for (location_id, label), known in bits.items():
        first = ordinal(f"{label}-01")
        # Locations that differ in their password alone have one masked URL, and are one target.
        found.setdefault(urls[location_id], set()).update(
            day
            for place in range(known.bit_length())
            if known >> place & 1 and (day := first + place) <= last
        )
    return {url: sorted(days) for url, days in found.items()}


def _whole(month: str) -> int:
    """Return the bits of all days of a month."""
    return (1 << monthrange(int(month[:4]), int(month[5:]))[1]) - 1


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield the calendar of the days, and when a target counts as stopped."""
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
        Column("jobs", Kind.COUNT, expendable=9),
        Column("finished", Kind.COUNT, expendable=7),
        Column("succeeded", Kind.COUNT, expendable=8),
        Column("failed", Kind.COUNT, expendable=3),
        Column("success_rate", Kind.RATIO),
        Column("size_total_bytes", Kind.BYTES, expendable=4),
        Column("appliances", Kind.COUNT, expendable=3),
        Column("first_day", Kind.DAY, expendable=9),
        Column("last_day", Kind.DAY, expendable=4),
        Column("idle_days", Kind.COUNT, expendable=5),
        Column("usual_gap_days", Kind.COUNT, expendable=8),
    ),
    _rows,
    JOBS | {"now"},
    explain=_notes,
)
