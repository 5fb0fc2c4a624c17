"""Exact counts and sums from the totals of appliances and months, for periods of whole months.

The days of a period that are no whole month are read from the jobs.
"""

from __future__ import annotations

from calendar import monthrange
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.db import tables
from archive.reports.core import filters, sql
from archive.statuses import FINISHED, OPEN
from archive.store import appliance_months
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.reports.core.scope import Scope

# The columns of `appliance_month` for a measure: the number of its values, and the name of its sum.
_COLUMNS = {sql.SIZE: ("sized", "size"), sql.DURATION: ("timed", "duration")}
# Stand for no limit: the first and the last day that dates have.
_FIRST, _LAST = "0001-01-01", "9999-12-31"


class Parts(NamedTuple):
    """A range of days as its whole months (first and last), and the days before and after these."""

    first: str
    last: str
    rest: tuple[tuple[str, str], ...]


def parts(scope: Scope) -> Parts | None:
    """Return the parts of the days in scope; None if they contain no whole month."""
    since, until = scope.since or _FIRST, scope.until or _LAST
    rest = []
    first, last = _number(since), _number(until)
    # A month that the range only touches is read from the jobs.
    if since[8:] != "01":
        rest.append((since, _last_day(since[:7])))
        first += 1
    if until != _last_day(until[:7]):
        rest.append((f"{until[:7]}-01", until))
        last -= 1
    return Parts(_month(first), _month(last), tuple(rest)) if first <= last else None


def suffice(scope: Scope) -> bool:
    """Return whether month totals can answer for a scope, or for most of its days."""
    return scope.period not in ("day", "week") and parts(scope) is not None


def select(scope: Scope, appliances: filters.Ids) -> sa.Subquery:
    """Return the totals of the jobs in scope, with the columns of `appliance_month` but `seq`.

    A period that has no whole month is counted from the jobs alone.
    """
    table, job = tables.appliance_month, tables.job
    found = parts(scope)
    if found is None:
        return appliance_months.counted(*filters.of_jobs(scope, appliances)).subquery("totals")
    columns = [column for column in table.c if column.key != "seq"]
    conditions = [*filters.of_table(table, scope, appliances), *filters.of_types(table, scope)]
    if found.first != _FIRST[:7]:
        conditions.append(table.c.month >= found.first)
    if found.last != _LAST[:7]:
        conditions.append(table.c.month <= found.last)
    whole = sa.select(*columns).where(*conditions)
    if not found.rest:
        return whole.subquery("totals")
    days = sa.or_(*(job.c.day.between(*days) for days in found.rest))
    rest = appliance_months.counted(
        *filters.of_table(job, scope, appliances), *filters.of_types(job, scope), days
    )
    return sa.union_all(whole, rest).subquery("totals")


def appliances(scope: Scope, ids: filters.Ids) -> sa.Select[Any]:
    """Return a SELECT of the number of appliances with jobs in scope, which must have both days.

    The totals know the days of each month with jobs.
    """
    table = tables.appliance_month
    first, last = scope.since or _FIRST, scope.until or _LAST
    within = [
        sa.and_(table.c.month == month, table.c.days.bitwise_and(_bits(month, first, last)) != 0)
        for month in {first[:7], last[:7]}
    ]
    between = sa.and_(table.c.month > first[:7], table.c.month < last[:7])
    return sa.select(sa.func.count(table.c.appliance_id.distinct())).where(
        sa.or_(*within, between),
        *filters.of_table(table, scope, ids),
        *filters.of_types(table, scope),
    )


def _bits(month: str, first: str, last: str) -> int:
    """Return the days of a month that are in a range, as bits."""
    since = int(first[8:]) if first[:7] == month else 1
    until = int(last[8:]) if last[:7] == month else 31
    return (1 << until) - (1 << (since - 1))


def summary(scope: Scope, appliances: filters.Ids, measures: Sequence[str] = ()) -> sa.Select[Any]:
    """Return a SELECT with one row for each period and group, with counts and the sums of measures.

    The columns are those of `sql.counts` and `sql.total`, and `jobs` and `appliances`.
    """
    totals = select(scope, appliances)
    # Totals are first added up by appliance, which is their order: few rows are left to join and sort.
    pairs = _pairs(totals, scope, measures)
    month, source = _periods(pairs, scope.period)
    keys = [month.label("period")]
    if scope.by is not None:
        source, label = _labelled(source, pairs, scope.by)
        keys.append(label.label("grouped"))
    summed = [one for one in pairs.c if one.key not in ("appliance_id", "month", "grouping")]
    columns: list[sa.ColumnElement[Any]] = [
        *keys,
        *(sa.cast(sa.func.sum(one), sa.BigInteger).label(one.key) for one in summed),
        sa.func.count(pairs.c.appliance_id.distinct()).label("appliances"),
    ]
    return (
        sa.select(*columns)
        .select_from(source)
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )


def _pairs(totals: sa.FromClause, scope: Scope, measures: Sequence[str]) -> sa.CTE:
    """Return the totals by appliance, month and `grouping`: the type or the id of the group.

    They are made before they are joined: Citus refuses a join with a union.
    """
    keys: list[sa.ColumnElement[Any]] = [totals.c.appliance_id, totals.c.month]
    group = {"type": "type", "build": "build_id", "location": "location_id"}.get(scope.by or "")
    if group is not None:
        keys.append(totals.c[group].label("grouping"))
    status, jobs = totals.c.status, totals.c.jobs

    def number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(jobs).filter(condition), 0)

    columns: list[sa.ColumnElement[Any]] = [
        sa.func.sum(jobs).label("jobs"),
        number(status.in_(FINISHED)).label("finished"),
        number(status == "SUCCEEDED").label("succeeded"),
        number(status == "FAILED").label("failed"),
        number(status.in_(OPEN)).label("open"),
        number(status.not_in(FINISHED + OPEN)).label("other"),
    ]
    for measure in measures:
        values, name = _COLUMNS[measure]
        # Rows without a value are left out, so that the sum is NULL if there is none at all.
        known = sa.and_(status == "SUCCEEDED", totals.c[values] > 0)
        columns += [
            sa.func.sum(totals.c[f"{name}_{half}"]).filter(known).label(f"{measure}_{half}")
            for half in ("high", "low")
        ]
    pairs = sa.select(*keys, *columns).group_by(*keys).cte("pairs")
    return pairs.prefix_with("MATERIALIZED")


def _periods(pairs: sa.CTE, period: str) -> tuple[sa.ColumnElement[str], sa.FromClause]:
    """Return the label of the period, and the totals joined with it."""
    if period == "month":
        return pairs.c.month, pairs
    calendar = tables.calendar
    months = (
        sa.select(calendar.c.month, calendar.c[period].label("period"))
        .distinct()
        .subquery("months")
    )
    return months.c.period, pairs.join(months, pairs.c.month == months.c.month)


def _labelled(
    source: sa.FromClause, pairs: sa.CTE, by: str
) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    """Return the totals joined with the group's table, and the group's label."""
    appliance, build, location = tables.appliance, tables.build, tables.location
    if by == "appliance":
        return source.join(appliance, pairs.c.appliance_id == appliance.c.id), appliance.c.name
    if by == "build":
        return source.outerjoin(build, pairs.c.grouping == build.c.id), build_label()
    if by == "location":
        source = source.outerjoin(location, pairs.c.grouping == location.c.id)
        return source, location.c.masked_url
    return source, pairs.c.grouping


def _last_day(month: str) -> str:
    """Return the last day (ISO) of a month such as `2026-02`."""
    return f"{month}-{monthrange(int(month[:4]), int(month[5:]))[1]}"


def _number(day: str) -> int:
    """Return the running number of the month of a day."""
    return 12 * int(day[:4]) + int(day[5:7]) - 1


def _month(number: int) -> str:
    """Return the month of its running number, such as `2026-02`."""
    return f"{number // 12:04}-{number % 12 + 1:02}"
