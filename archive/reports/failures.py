"""What failed jobs say: grouped by the ids of their messages, never by language or text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import timestamps
from archive.charts import Bars
from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import sql
from archive.reports.core.job_order import place
from archive.reports.core.report import JOBS, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# A failure that began to occur within so many days is new: one has not yet got used to it.
NEW_DAYS = 7
COLUMNS = (
    Column("message_id"),
    Column("group", optional=True),
    Column("jobs", Kind.COUNT),
    Column("leading", Kind.COUNT),
    Column("appliances", Kind.COUNT),
    Column("first_time", Kind.INSTANT),
    Column("last_time", Kind.INSTANT),
    Column("new", Kind.FLAG),
    Column("varies"),
    Column("example"),
)
_Key = tuple[str | None, str | None]


class FailuresRow(NamedTuple):
    """Failed jobs with a message of an id; NULL for those without any message.

    A job counts once under each id that it has, and is `leading` under that of its first message:
    these add up to the failed jobs. `varies` names args (`#1`) and params that do not always say the
    same. `example` is the first of the texts in the order of text. Whether there were failures before
    those of the last days is not told of jobs without a message.
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
    ids = scope.appliance_ids(connection)
    varying = _varying(connection, scope, ids)
    recent = timestamps.to_datetime(scope.now) - timedelta(days=NEW_DAYS)
    limit = timestamps.from_datetime(recent)
    new: dict[str | None, bool | None] = {None: None}
    for row in map(tuple, connection.execute(_groups(scope, ids)).all()):
        message_id, group = row[:2]
        if message_id not in new:
            new[message_id] = not _was_before(connection, scope, ids, message_id, limit)
        varies = ", ".join(varying.get((message_id, group), ())) or None
        yield FailuresRow._make((*row[:7], new[message_id], varies, row[7]))


def _groups(scope: Scope, ids: sql.Ids) -> sa.Select[Any]:
    """Return a row for each id and group, the one with the most jobs first."""
    message, template = tables.message, tables.message_template
    failed = _failed(scope, ids)
    text = sa.func.coalesce(message.c.localized, template.c.default_message)
    told = sa.join(message, template, message.c.template_id == template.c.id)
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
        .select_from(failed.outerjoin(told, _said_by(failed)))
        .group_by(*alone, failed.c.grouped, failed.c.place, template.c.message_id)
        .subquery("once")
    )
    leads = sa.or_(once.c.seq == once.c.first_seq, once.c.message_id.is_(None))
    keys = (once.c.message_id, once.c.grouped)
    jobs = sa.func.count()
    return (
        sa.select(
            *keys,
            jobs,
            sa.func.count().filter(leads),
            sa.func.count(once.c.appliance_id.distinct()),
            sa.func.min(once.c.place),
            sa.func.max(once.c.place),
            sa.func.min(once.c.text),
        )
        .group_by(*keys)
        .order_by(jobs.desc(), *(key.asc().nulls_last() for key in keys))
    )


def _failed(scope: Scope, ids: sql.Ids) -> sa.CTE:
    """Return the failed jobs in scope: what finds them, `place` (when they began) and `grouped`."""
    job, build, location = tables.job, tables.build, tables.location
    source: sa.FromClause = job
    group: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)
    if scope.by == "build":
        source = job.outerjoin(build, job.c.build_id == build.c.id)
        group = sql.build_label()
    elif scope.by == "location":
        source = job.outerjoin(location, job.c.location_id == location.c.id)
        group = location.c.masked_url
    elif scope.by == "day":
        group = job.c.day
    return (
        sa.select(job.c.appliance_id, job.c.id, place(job).label("place"), group.label("grouped"))
        .select_from(source)
        .where(job.c.status == "FAILED", *sql.conditions(scope, ids, each=True))
        .cte("failed")
    )


def _varying(connection: Connection, scope: Scope, ids: sql.Ids) -> dict[_Key, list[str]]:
    """Return which args and params of the failures' messages have more than one value."""
    found: dict[_Key, list[str]] = {}
    for query in (_args(scope, ids), _params(scope, ids)):
        for message_id, group, name, number in connection.execute(query):
            shown = f"#{name + 1}" if isinstance(name, int) else name
            found.setdefault((message_id, group), []).append(f"{shown} ({number} values)")
    return found


def _args(scope: Scope, ids: sql.Ids) -> sa.Select[Any]:
    failed, arg = _failed(scope, ids), tables.message_arg
    return _numbered(
        sa.select(*_keys(failed), arg.c.seq.label("name"), arg.c.value)
        .select_from(_told(failed, arg))
        .distinct()
    )


def _params(scope: Scope, ids: sql.Ids) -> sa.Select[Any]:
    """Return the varying params; one below another is named after both."""
    failed, param = _failed(scope, ids), tables.message_param
    above = param.alias("above")
    below = sa.and_(
        above.c.appliance_id == param.c.appliance_id,
        above.c.job_id == param.c.job_id,
        above.c.message_seq == param.c.message_seq,
        above.c.seq == param.c.parent_seq,
    )
    whole = above.c.name + "." + param.c.name
    name = sa.case((above.c.name.is_not(None), whole), else_=param.c.name)
    values = (param.c.s, param.c.dt, param.c.i, param.c.d, param.c.nested_id)
    return _numbered(
        sa.select(*_keys(failed), name.label("name"), *values)
        .select_from(_told(failed, param).outerjoin(above, below))
        .distinct()
    )


def _keys(failed: sa.CTE) -> tuple[sa.ColumnElement[Any], ...]:
    return tables.message_template.c.message_id, failed.c.grouped


def _told(failed: sa.CTE, table: sa.Table) -> sa.Join:
    """Return failed jobs with their messages, and what a table has of these."""
    message, template = tables.message, tables.message_template
    of_message = sa.and_(
        table.c.appliance_id == message.c.appliance_id,
        table.c.job_id == message.c.job_id,
        table.c.message_seq == message.c.seq,
    )
    return (
        failed.join(message, _said_by(failed))
        .join(template, message.c.template_id == template.c.id)
        .join(table, of_message)
    )


def _said_by(job: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a message says what became of a job."""
    message = tables.message
    return sa.and_(
        message.c.appliance_id == job.c.appliance_id,
        message.c.job_id == job.c.id,
        message.c.role.in_(("message", "error")),
    )


def _numbered(values: sa.Select[Any]) -> sa.Select[Any]:
    """Return how many values each name has that has more than one."""
    value = values.subquery("value")
    keys = (value.c.message_id, value.c.grouped, value.c.name)
    number = sa.func.count()
    return sa.select(*keys, number).group_by(*keys).having(number > 1).order_by(*keys)


def _was_before(
    connection: Connection, scope: Scope, ids: sql.Ids, message_id: str, limit: str
) -> bool:
    """Say whether a job failed with a message id before an instant, however far back.

    It is looked for among the jobs that the scope means, of whatever day.
    """
    job, message, template = tables.job, tables.message, tables.message_template
    told = job.join(message, _said_by(job))
    query = (
        sa.select(job.c.id)
        .select_from(told.join(template, message.c.template_id == template.c.id))
        .where(
            template.c.message_id == message_id,
            job.c.status == "FAILED",
            place(job) < limit,
            *sql.conditions(replace(scope, since=None, until=None), ids),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection, scope
    yield (
        "A job counts once under each message id that it has, and is leading under that of its"
        " first message; what leads adds up to the failed jobs."
    )


REPORT = Listing(
    "failures",
    "What do failed backups say, how often, of how many appliances, and since when?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now", "by"},
    ("build", "location", "day"),
    _explain,
    (Bars(("message_id", "group"), ("jobs",)),),
)
