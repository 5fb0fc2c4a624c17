"""Parts of the SELECTs of reports: jobs in scope, counts, percentiles, totals.

Everything here gives the same result on SQLite and PostgreSQL, including the order of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from archive.db import halves, tables
from archive.reports.core import filters
from archive.statuses import FINISHED, OPEN
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

_Element = sa.ColumnElement[Any]
Row = TypeVar("Row")
SIZE, DURATION = "size_bytes", "duration_seconds"
MEDIAN, P95 = 50, 95
_ROWS_AT_A_TIME = 1000


def jobs(
    scope: Scope, appliances: filters.Ids, measures: Sequence[str] = (), *, ranked: bool = False
) -> sa.CTE:
    """Return the jobs in scope with `period`, `grouped` (if the scope groups) and their measures.

    With `ranked`, each measure also has its `_rank` among the jobs of the same row and status, and
    the `_number` of those jobs that have a value.
    """
    source, keys = by_period(scope)
    values = {measure: tables.job.c[measure] for measure in measures}
    ranks = measures if ranked else ()
    return scoped(source, keys, values, filters.of_jobs(scope, appliances, each=True), ranks)


def by_period(scope: Scope) -> tuple[sa.FromClause, list[sa.Label[Any]]]:
    """Return the FROM clause for jobs, with `period` and `grouped`; the calendar has the day of each."""
    job, calendar = tables.job, tables.calendar
    source = job.join(calendar, job.c.day == calendar.c.day)
    keys: list[sa.Label[Any]] = [calendar.c[scope.period].label("period")]
    if scope.by is not None:
        source, group = _grouped(source, scope.by)
        keys.append(group.label("grouped"))
    return source, keys


def scoped(
    source: sa.FromClause,
    keys: Sequence[sa.Label[Any]],
    measures: Mapping[str, _Element],
    conditions: Iterable[sa.ColumnElement[bool]],
    ranks: Collection[str] = (),
) -> sa.CTE:
    """Return jobs from a source that contains `job`, with keys, status, appliance and measures.

    Measures named in `ranks` also have their `_rank` and `_number` among the jobs with the same keys
    and status.
    """
    job = tables.job
    columns: list[_Element] = [*keys, job.c.status, job.c.appliance_id]
    alike = [*(key.element for key in keys), job.c.status]
    for measure, value in measures.items():
        columns.append(value.label(measure))
        if measure not in ranks:
            continue
        # Ranks, since SQLite need not have percentile functions; NULL behind all values.
        place = sa.func.row_number().over(partition_by=alike, order_by=value.asc().nulls_last())
        number = sa.func.count(value).over(partition_by=alike)
        columns += [place.label(f"{measure}_rank"), number.label(f"{measure}_number")]
    return sa.select(*columns).select_from(source).where(*conditions).cte("scoped")


def _grouped(source: sa.Join, by: str) -> tuple[sa.Join, _Element]:
    """Return the source joined with the group's table, and the label of the group."""
    job, appliance, build, location = tables.job, tables.appliance, tables.build, tables.location
    if by == "appliance":
        return source.join(appliance, job.c.appliance_id == appliance.c.id), appliance.c.name
    if by == "build":
        return source.outerjoin(build, job.c.build_id == build.c.id), build_label()
    if by == "location":
        source = source.outerjoin(location, job.c.location_id == location.c.id)
        return source, location.c.masked_url
    return source, job.c.type


def messages() -> sa.Join:
    """Return `message` joined with `message_content` and `message_template`."""
    message, content, template = tables.message, tables.message_content, tables.message_template
    of_message = sa.and_(
        message.c.appliance_id == content.c.appliance_id, message.c.content_id == content.c.id
    )
    return message.join(content, of_message).join(template, content.c.template_id == template.c.id)


def streamed(
    connection: Connection, query: sa.Select[Any], make: Callable[[sa.Row[Any]], Row]
) -> Iterator[Row]:
    """Run a query now and yield its rows through `make`; closing the generator releases the others."""
    found = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})

    def rows() -> Iterator[Row]:
        try:
            yield from map(make, found)
        finally:
            if not connection.closed:
                found.close()

    return rows()


def summary(scoped: sa.CTE, *columns: _Element) -> sa.Select[Any]:
    """Return a SELECT with one row for each period and group, in that order, NULL groups last."""
    keys = [scoped.c[name] for name in ("period", "grouped") if name in scoped.c]
    return (
        sa.select(*keys, *columns)
        .group_by(*keys)
        .order_by(*(key.asc().nulls_last() for key in keys))
    )


def counts(scoped: sa.CTE) -> list[_Element]:
    """Return the counts of jobs by outcome; finished, open and other add up to all jobs."""
    status = scoped.c.status
    return [
        _number(status.in_(FINISHED)).label("finished"),
        _number(status == "SUCCEEDED").label("succeeded"),
        _number(status == "FAILED").label("failed"),
        _number(status.in_(OPEN)).label("open"),
        _number(status.not_in(FINISHED + OPEN)).label("other"),
    ]


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition)


def percentile(scoped: sa.CTE, measure: str, percent: int) -> _Element:
    """Return the nearest-rank percentile of the succeeded jobs with a value."""
    rank, number = scoped.c[f"{measure}_rank"], scoped.c[f"{measure}_number"]
    # The ceiling, in whole numbers: floating point would be off by one for some.
    wanted = (number * percent + 99) // 100
    return sa.func.max(scoped.c[measure]).filter(_succeeded(scoped), rank == wanted)


def extremes(scoped: sa.CTE, measure: str) -> tuple[_Element, _Element]:
    """Return the minimum and maximum of the succeeded jobs."""
    value, succeeded = scoped.c[measure], _succeeded(scoped)
    return sa.func.min(value).filter(succeeded), sa.func.max(value).filter(succeeded)


def total(scoped: sa.FromClause, measure: str) -> list[_Element]:
    """Return the sum over the succeeded jobs in two `halves`; `joined` puts them together."""
    succeeded = _succeeded(scoped)
    high, low = halves(scoped.c[measure])
    return [
        sa.func.sum(high).filter(succeeded).label(f"{measure}_high"),
        sa.func.sum(low).filter(succeeded).label(f"{measure}_low"),
    ]


def joined(row: sa.Row[Any], measure: str) -> int | None:
    """Return the sum from the two halves of a `total`; None if there is none."""
    high, low = getattr(row, f"{measure}_high"), getattr(row, f"{measure}_low")
    # Sums of BIGINT are NUMERIC on PostgreSQL.
    return None if high is None else (int(high) << 32) + int(low)


def has_rate(scope: Scope) -> bool:
    """Return whether a scope has the jobs of a success rate: no status filter leaves out finished ones."""
    return not scope.statuses or set(FINISHED) <= set(scope.statuses)


def without_rate(row: Row) -> Row:
    """Return a row, a named tuple, without its success rate if it has one."""
    named: Any = row
    return named._replace(success_rate=None) if "success_rate" in named._fields else row


def rate(succeeded: int, finished: int) -> float | None:
    """Return the success rate (0 to 1); None if nothing has finished."""
    return succeeded / finished if finished else None


def outcomes(row: Any) -> tuple[int, int, int, int, int, float | None]:
    """Return the `counts` and the success rate in the order of `report.OUTCOMES`."""
    counted = (row.finished, row.succeeded, row.failed, row.open, row.other)
    return (*counted, rate(row.succeeded, row.finished))


def group(row: sa.Row[Any]) -> str | None:
    """Return the label of a row's group; None without one, or if rows are not grouped."""
    label: str | None = getattr(row, "grouped", None)
    return label


def _succeeded(scoped: sa.FromClause) -> sa.ColumnElement[bool]:
    return scoped.c.status == "SUCCEEDED"
