"""How much of a period each appliance was within its RPO.

The database returns the ends of an appliance's successes in one text; only those beside which a gap
may be make a difference.

Nothing counts after the last import of an appliance, since nothing is known of that time.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter, sub
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.calendar import FIRST_DAY, iso, ordinal, start
from archive.db import tables
from archive.judgement import standing
from archive.judgement.standing import Span
from archive.reports.core import filters
from archive.reports.core.current import JOB, times
from archive.store import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.calendar import Calendar
    from archive.reports.core.current import Current
    from archive.reports.core.scope import Scope

# Without a first day, the rates cover this many days.
_DAYS = 30
# Successes are found by the day of their start. One that took longer than this counts only if it is the
# last.
_LONGEST_JOB_DAYS = 7
# Of days of 24 hours: the days before a period are only a margin.
_SECONDS_A_DAY = 24 * 60 * 60
# A row has all ends of an appliance.
_ROWS_AT_A_TIME = 100


class Period(NamedTuple):
    """A range of days (ordinals, both included) and its instants."""

    first: int
    last: int
    span: Span


class Shares(NamedTuple):
    """The shares of a period's time and days within the RPO; None without any, or without an RPO."""

    of_time: float | None
    of_days: float | None


def period(calendar: Calendar, scope: Scope) -> Period:
    """Return the period that a scope asks for, up to today.

    Without a first day it is the last 30 days; a last day in the future is today.
    """
    today = ordinal(calendar.day(scope.now))
    last = today if scope.until is None else min(today, ordinal(scope.until))
    first = last - _DAYS + 1 if scope.since is None else ordinal(scope.since)
    first = max(FIRST_DAY, first)
    return Period(first, last, Span(start(calendar, first), start(calendar, last + 1)))


def shares(
    connection: Connection, scope: Scope, found: Sequence[Current]
) -> Iterator[tuple[Current, Shares]]:
    """Yield appliances that were imported with the shares of the period in scope."""
    calendar = settings.calendar(connection)
    asked = period(calendar, scope)
    limits = {
        one.id: one.rpo.seconds
        for one in found
        if one.id is not None and one.rpo.seconds is not None
    }
    runs = _runs(connection, scope, asked, limits)
    first_ends = _first_ends(connection, scope, asked)
    for one in found:
        if one.id is None or one.first_seen is None or one.last_seen is None:
            continue
        own = runs.get(one.id, [])
        if one.success is not None:
            own.append(_alone(one.success.end_time))
        begun = first_ends.get(one.id) or one.first_seen
        span = Span(max(asked.span.first, begun), min(asked.span.until, one.last_seen, scope.now))
        yield one, Shares(*standing.shares(calendar, own, one.rpo.seconds, span))


def _alone(end: str) -> Span:
    """Return the run of a single success."""
    return Span(end, end)


def _runs(
    connection: Connection, scope: Scope, asked: Period, limits: Mapping[int, int]
) -> dict[int, list[Span]]:
    """Return the runs of successes by appliance id; `limits` has the RPO of each in seconds."""
    if not limits:
        return {}
    ids = scope.appliance_ids(connection)
    longest = max(limits.values())
    found: dict[int, list[Span]] = {}
    without_start: list[int] = []
    hours = _Hours()
    for row in _run(connection, _ends(scope, asked, longest, ids)):
        number = row.appliance_id
        if row.successes != row.started:
            without_start.append(number)
        elif row.ends is not None and number in limits:
            found[number] = _split(sorted(row.ends.split(" ")), limits[number], hours)
    if without_start:
        # The best known start of these jobs is in their keys, which SQL does not read.
        query = _successes(scope, asked, longest, without_start)
        for number, rows in groupby(
            _run(connection, query.order_by("appliance_id")), attrgetter("appliance_id")
        ):
            read = (times(scope.now, *(getattr(row, name) for name in JOB)) for row in rows)
            found[number] = [_alone(one[1]) for one in read if one is not None]
    return found


class _Hours(dict[str, int]):
    """The hours of instants, counted from the first day, by the texts of day and hour."""

    def __missing__(self, text: str) -> int:
        self[text] = hour = 24 * ordinal(text[:10]) + int(text[11:])
        return hour


def _split(ends: Sequence[str], limit: int, hours: _Hours) -> list[Span]:
    """Return the runs of successes, by their ends in order, that have no gap as long as a limit.

    Between runs the gap may be up to an hour shorter.
    """
    at = [hours[end[:13]] for end in ends]
    least = limit // 3600
    last = [place for place, gap in enumerate(map(sub, at[1:], at)) if gap >= least]
    firsts = [0, *(place + 1 for place in last)]
    return [
        Span(ends[first], ends[until])
        for first, until in zip(firsts, [*last, len(ends) - 1], strict=True)
    ]


def _run(connection: Connection, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    """Yield the rows of a query while they are fetched."""
    yield from connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})


def _ends(scope: Scope, asked: Period, longest: int, ids: filters.Ids) -> sa.Select[Any]:
    """Return a row for each appliance: its successes that matter to a period, and their ends in a text.

    With them are the numbers of all, and of those whose start is known. The number of rows, not that of
    jobs, is what reading them takes.
    """
    job = tables.job
    start_time, end_time = job.c.start_time, job.c.end_time
    ended = sa.case((end_time > start_time, end_time), else_=start_time)
    of = tables.appliance.c.id
    return (
        _successes(scope, asked, longest, ids)
        .with_only_columns(
            of.label("appliance_id"),
            sa.func.count(job.c.key).label("successes"),
            sa.func.count(start_time).label("started"),
            db.JoinedInstants(ended).label("ends"),
        )
        .group_by(of)
        .order_by(of)
    )


def _successes(scope: Scope, asked: Period, longest: int, ids: filters.Ids) -> sa.Select[Any]:
    """Return the successes that matter to a period. An appliance without any has one row of NULL."""
    appliance, job = tables.appliance, tables.job
    # A success before the period may cover its beginning.
    first = asked.first - longest // _SECONDS_A_DAY - 1 - _LONGEST_JOB_DAYS
    theirs = sa.and_(
        job.c.appliance_id == appliance.c.id,
        job.c.status == "SUCCEEDED",
        job.c.day >= sa.literal(iso(max(FIRST_DAY, first)), job.c.day.type),
        job.c.day <= sa.literal(iso(asked.last), job.c.day.type),
        sa.or_(job.c.start_time.is_(None), job.c.start_time <= scope.now),
    )
    # An outer join, since SQLite would look up each job of these days by its day otherwise.
    query = sa.select(
        appliance.c.id.label("appliance_id"), *(job.c[name] for name in JOB)
    ).outerjoin_from(appliance, job, theirs)
    return query if ids is None else query.where(filters.of_appliances(appliance.c.id, ids))


def _first_ends(connection: Connection, scope: Scope, asked: Period) -> dict[int, str]:
    """Return the end of the first job of each appliance, by its id: whatever is before the period, if so."""
    job, appliance = tables.job, tables.appliance
    own = job.alias("own")
    day = sa.select(sa.func.min(own.c.day, type_=own.c.day.type)).where(
        own.c.appliance_id == appliance.c.id,
        own.c.day >= sa.literal(iso(FIRST_DAY), own.c.day.type),
    )
    first = sa.select(appliance.c.id, day.scalar_subquery().label("day")).subquery("first")
    since = sa.literal(iso(max(FIRST_DAY, asked.first - _LONGEST_JOB_DAYS - 1)), job.c.day.type)
    of_that_day = sa.and_(
        job.c.appliance_id == first.c.id, job.c.day == first.c.day, first.c.day >= since
    )
    query = (
        sa.select(first.c.id.label("appliance_id"), *(job.c[name] for name in JOB))
        # Outer joins, since SQLite would read all jobs first.
        .outerjoin_from(first, job, of_that_day)
        .where(first.c.day.is_not(None))
        .order_by(first.c.id, job.c.start_time.nulls_last(), job.c.key)
    )
    found: dict[int, str] = {}
    for row in _run(connection, query):
        if row.key is None:
            found[row.appliance_id] = asked.span.first
            continue
        read = times(scope.now, *(getattr(row, name) for name in JOB))
        if read is not None:
            found.setdefault(row.appliance_id, read[1])
    return found
