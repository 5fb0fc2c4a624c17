"""The filters of reports as SQL conditions: appliance, type, status, build, target and days.

A filter that is added to `Scope` becomes a condition here, for every table that reports read.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive.db import UnindexedDay, tables
from archive.statuses import FINISHED
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.reports.core.scope import Scope

# Ids of appliances; None for all of them, which needs no condition.
Ids = list[int] | None
# From this number of days on, SQLite reads all jobs faster than it looks up a range by index: with two
# years of jobs, 90 days take the same time either way, and the index is 3 to 8 times slower for all.
_MANY_DAYS = 90
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
# The first day that dates have.
_EARLIEST = "0001-01-01"


def of_jobs(scope: Scope, appliances: Ids, *, each: bool = False) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for a `job` to be in scope.

    Set `each` if the SELECT reads every job in scope, of all appliances at once, in any order.
    """
    job = tables.job
    many = each and scope.days is not None and scope.days >= _MANY_DAYS
    day = UnindexedDay(job.c.day) if many else job.c.day
    return of_table(job, scope, appliances) + within(job, scope, day)


def of_table(table: sa.Table, scope: Scope, appliances: Ids) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on appliance, status, build and target for the rows of a table."""
    conditions: list[sa.ColumnElement[bool]] = []
    if appliances is not None:
        conditions.append(of_appliances(table.c.appliance_id, appliances))
    if scope.statuses:
        conditions.append(table.c.status.in_(scope.statuses))
    build, location = tables.build, tables.location
    if scope.builds:
        labels = (build_label(), build.c.version, build.c.build_number)
        conditions.append(table.c.build_id.in_(_matching(build, labels, scope.builds)))
    if scope.locations:
        named = _matching(location, (location.c.masked_url,), scope.locations)
        conditions.append(table.c.location_id.in_(named))
    return conditions


def within(
    table: sa.Table, scope: Scope, day: sa.ColumnElement[str] | None = None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on type and day for a table's rows; `day` replaces its column `day`."""
    day = table.c.day if day is None else day
    conditions = of_types(table, scope)
    if scope.since is not None:
        conditions.append(day >= scope.since)
    if scope.until is not None:
        conditions.append(day <= scope.until)
    return conditions


def of_types(table: sa.Table, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the condition on the type of a table's rows; none if all types are in scope."""
    return [table.c.type.in_(scope.types)] if scope.types else []


def of_appliances(
    column: sa.ColumnElement[int], appliances: Iterable[int]
) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds the id of one of these appliances."""
    # Ids are written as literals, since both databases limit the number of parameters.
    ids: sa.BindParameter[int] = sa.bindparam(
        "appliances", list(appliances), expanding=True, literal_execute=True
    )
    return column.in_(ids)


def failed(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a job failed, in the words of an index: see `not_finished`."""
    job = tables.job
    status = job.c.status == sa.literal_column("'FAILED'")
    if scope.since is not None:
        return [status]
    # Without a first day, SQLite would rather read all jobs.
    return [status, job.c.day >= sa.literal(_EARLIEST, job.c.day.type)]


def not_finished() -> sa.ColumnElement[bool]:
    """Return the condition that a job has no final status, in the words of an index.

    SQLite uses a partial index only for the same values, not for parameters.
    """
    values: sa.BindParameter[str] = sa.bindparam(
        "finished", FINISHED, expanding=True, literal_execute=True
    )
    return tables.job.c.status.not_in(values)


def _matching(
    table: sa.Table, texts: Sequence[sa.ColumnElement[str]], globs: Sequence[str]
) -> sa.Select[Any]:
    """Return the ids of rows where any text matches any glob, ignoring case."""
    # Databases lower the letters of ASCII in these columns. Some would lower more in a value.
    patterns = [like(glob).translate(_LOWER) for glob in globs]
    found = [
        sa.func.lower(text).like(pattern, escape="\\") for text in texts for pattern in patterns
    ]
    return sa.select(table.c.id).where(sa.or_(*found))


def like(glob: str) -> str:
    """Return the LIKE pattern for a glob, with a backslash as the escape character."""
    escaped = re.sub(r"([\\%_])", r"\\\1", glob)
    return escaped.replace("*", "%").replace("?", "_")
