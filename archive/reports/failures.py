"""Why jobs fail: failed jobs grouped by message id, independent of language and text.

Only jobs with the status FAILED count, and of their messages only those that describe the outcome:
`message` and `error`, not the progress. Everything is read from the jobs and messages themselves,
since day totals have no messages.

A message id is new if no job, of the same appliances and filters, had failed with it until
`NEW_DAYS` before now.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import filters, sql
from archive.reports.core.job_order import place
from archive.reports.core.report import JOBS, Listing
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# A failure is new if it first occurred within this number of days.
NEW_DAYS = 7
COLUMNS = (
    Column("message_id"),
    Column("group", optional=True, expendable=3),
    Column("jobs", Kind.COUNT),
    Column("leading", Kind.COUNT, expendable=6),
    Column("appliances", Kind.COUNT),
    Column("first_time", Kind.INSTANT, expendable=7),
    Column("last_time", Kind.INSTANT, expendable=4),
    Column("new", Kind.FLAG, expendable=5),
    Column("varies", expendable=8),
    Column("example"),
)
_Key = tuple[str | None, str | None]  # message id and group


class FailuresRow(NamedTuple):
    """The failed jobs with a message id; the id is NULL for jobs without any message.

    A job counts once under each of its message ids, and as `leading` under the id of its first
    message, so `leading` adds up to the failed jobs. `varies` names args (`#1`) and params with more
    than one value. `example` is the alphabetically first text. `new` is NULL without a message id.

    `first_time` and `last_time` are the instants at which the first and the last of the jobs began,
    as fixed-width UTC texts.
    """

    message_id: str | None
    group: str | None
    jobs: int
    leading: int
    appliances: int
    first_time: str
    last_time: str
    new: bool | None
    varies: str | None
    example: str | None


def _select(connection: Connection, scope: Scope) -> Iterator[FailuresRow]:
    """Yield the rows, the message with the most jobs first."""
    ids = scope.appliance_ids(connection)
    varying = _varying(connection, scope, ids)
    recent = timestamps.to_datetime(scope.now) - timedelta(days=NEW_DAYS)
    limit = timestamps.from_datetime(recent)
    # By message id: groups of the same id are looked up once.
    new: dict[str | None, bool | None] = {None: None}
    for row in connection.execute(_groups(scope, ids)).all():
        if row.message_id not in new:
            new[row.message_id] = not _was_before(connection, scope, ids, row.message_id, limit)
        yield FailuresRow(
            row.message_id,
            row.grouped,
            row.jobs,
            row.leading,
            row.appliances,
            row.first_time,
            row.last_time,
            new[row.message_id],
            ", ".join(varying.get((row.message_id, row.grouped), ())) or None,
            row.example,
        )


def _groups(scope: Scope, ids: filters.Ids) -> sa.Select[Any]:
    """Return a row for each message id and group, the one with the most jobs first.

    A job that repeats a message id counts once, with the first place of the id in the job.
    """
    message, template = tables.message, tables.message_template
    failed = _failed(scope, ids)
    # As `archive job list` shows it: in the appliance's language, otherwise in English.
    text = sa.func.coalesce(tables.message_content.c.localized, template.c.default_message)
    # Where a message id stands first in its job.
    seq = sa.func.min(message.c.seq)
    alone = [failed.c.appliance_id, failed.c.id]
    once = (
        sa.select(
            template.c.message_id,
            failed.c.grouped,
            failed.c.appliance_id,
            failed.c.place,
            seq.label("seq"),
            sa.func.min(seq).over(partition_by=alone).label("first_seq"),
            sa.func.min(text).label("text"),
        )
        .select_from(_with_any_messages(failed))
        # A row for each job and message id: a job may repeat a message.
        .group_by(*alone, failed.c.grouped, failed.c.place, template.c.message_id)
        .subquery("once")
    )
    # A job without messages leads the row whose id is NULL.
    leads = sa.or_(once.c.seq == once.c.first_seq, once.c.message_id.is_(None))
    keys = (once.c.message_id, once.c.grouped)
    jobs = sa.func.count()
    return (
        sa.select(
            *keys,
            jobs.label("jobs"),
            sa.func.count().filter(leads).label("leading"),
            sa.func.count(once.c.appliance_id.distinct()).label("appliances"),
            sa.func.min(once.c.place).label("first_time"),
            sa.func.max(once.c.place).label("last_time"),
            sa.func.min(once.c.text).label("example"),
        )
        .group_by(*keys)
        .order_by(jobs.desc(), *(key.asc().nulls_last() for key in keys))
    )


def _failed(scope: Scope, ids: filters.Ids) -> sa.CTE:
    """Return the failed jobs in scope: their key columns, `place` (when they began) and `grouped`.

    `grouped` is NULL without a grouping, and for a job without a build or location.
    """
    job, build, location = tables.job, tables.build, tables.location
    source: sa.FromClause = job
    group: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)
    if scope.by == "build":
        source = job.outerjoin(build, job.c.build_id == build.c.id)
        group = build_label()
    elif scope.by == "location":
        source = job.outerjoin(location, job.c.location_id == location.c.id)
        group = location.c.masked_url
    elif scope.by == "day":
        group = job.c.day
    return (
        sa.select(job.c.appliance_id, job.c.id, place(job).label("place"), group.label("grouped"))
        .select_from(source)
        .where(*filters.failed(scope), *filters.of_jobs(scope, ids))
        .cte("failed")
    )


def _varying(connection: Connection, scope: Scope, ids: filters.Ids) -> dict[_Key, list[str]]:
    """Return the args and params of failure messages that have more than one value.

    By message id and group, as `#1 (3 values)` or `name (2 values)`.
    """
    found: dict[_Key, list[str]] = {}
    for query in (_args(scope, ids), _params(scope, ids)):
        for message_id, group, name, number in connection.execute(query):
            shown = f"#{name + 1}" if isinstance(name, int) else name
            found.setdefault((message_id, group), []).append(f"{shown} ({number} values)")
    return found


def _args(scope: Scope, ids: filters.Ids) -> sa.Select[Any]:
    """Return the varying arguments; `name` is their position, from 0."""
    failed, arg = _failed(scope, ids), tables.message_arg
    return _numbered(
        sa.select(*_keys(failed), arg.c.seq.label("name"), arg.c.value)
        .select_from(_with_messages(failed, arg))
        .distinct()
    )


def _params(scope: Scope, ids: filters.Ids) -> sa.Select[Any]:
    """Return the varying params; `name` is their path, such as `parent.child`."""
    failed, param = _failed(scope, ids), tables.message_param
    values = (param.c.s, param.c.dt, param.c.i, param.c.d, param.c.nested_id)
    return _numbered(
        sa.select(*_keys(failed), param.c.path.label("name"), *values)
        .select_from(_with_messages(failed, param))
        .distinct()
    )


def _keys(failed: sa.CTE) -> tuple[sa.ColumnElement[Any], ...]:
    """Return the columns that name a row of the report."""
    return tables.message_template.c.message_id, failed.c.grouped


def _with_messages(failed: sa.CTE, table: sa.Table) -> sa.Join:
    """Return failed jobs joined with their messages and a table of args or params."""
    message = tables.message
    of_content = sa.and_(
        table.c.appliance_id == message.c.appliance_id,
        table.c.content_id == message.c.content_id,
    )
    return failed.join(sql.messages(), _outcome_of(failed)).join(table, of_content)


def _with_any_messages(failed: sa.CTE) -> sa.Join:
    """Return failed jobs with their messages, or with none.

    One table after the other: of an outer join with a join, SQLite first makes all of the join.
    """
    message, content, template = tables.message, tables.message_content, tables.message_template
    of_message = sa.and_(
        content.c.appliance_id == message.c.appliance_id, content.c.id == message.c.content_id
    )
    return (
        failed.outerjoin(message, _outcome_of(failed))
        .outerjoin(content, of_message)
        .outerjoin(template, template.c.id == content.c.template_id)
    )


def _outcome_of(job: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a message describes the outcome of a job."""
    message = tables.message
    return sa.and_(
        message.c.appliance_id == job.c.appliance_id,
        message.c.job_id == job.c.id,
        message.c.role.in_(tables.OUTCOME_ROLES),
    )


def _numbered(values: sa.Select[Any]) -> sa.Select[Any]:
    """Return the number of values of each name with more than one."""
    value = values.subquery("value")
    keys = (value.c.message_id, value.c.grouped, value.c.name)
    number = sa.func.count()
    return sa.select(*keys, number).group_by(*keys).having(number > 1).order_by(*keys)


def _was_before(
    connection: Connection, scope: Scope, ids: filters.Ids, message_id: str, limit: str
) -> bool:
    """Return whether any job in scope failed with a message id before an instant.

    The days of the scope are ignored: the whole history counts.
    """
    job, template = tables.job, tables.message_template
    always = replace(scope, since=None, until=None)
    query = (
        sa.select(job.c.id)
        .select_from(job.join(sql.messages(), _outcome_of(job)))
        .where(
            template.c.message_id == message_id,
            place(job) < limit,
            *filters.failed(always),
            *filters.of_jobs(always, ids),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield how a job with several message ids counts."""
    del connection, scope
    yield (
        "A job counts once under each of its message ids, and as leading under the id of its first"
        " message. Leading adds up to all failed jobs."
    )


REPORT = Listing(
    "failures",
    "Why do backups fail, how often, on how many appliances, and since when?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now", "by"},
    ("build", "location", "day"),
    _explain,
    (Bars(("message_id", "group"), ("jobs",)),),
)
