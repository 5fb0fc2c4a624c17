"""Find the jobs whose messages contain a text.

No index covers parts of a text, so there are two ways. The first checks job by job, newest first: fast
if many jobs match, or if there are few jobs. The second scans all message texts at once, which takes the
same time however many jobs match.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.reports.core import filters

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.filters import Ids
    from archive.reports.core.scope import Scope

# Checking this many jobs one by one is faster than scanning all messages of a large archive.
NEWEST = 50_000


def walkable(connection: Connection, scope: Scope, appliances: Ids) -> bool:
    """Return whether the jobs in scope are few enough to check one by one.

    It counts at most NEWEST jobs.
    """
    job, conditions = tables.job, _days(scope)
    if appliances is not None:
        conditions.append(filters.of_appliances(job.c.appliance_id, appliances))
    some = sa.select(sa.literal(1)).select_from(job).where(*conditions).limit(NEWEST).subquery()
    number = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return number < NEWEST


def recent(connection: Connection, scope: Scope) -> str:
    """Return the first day of the NEWEST latest jobs of all appliances; the scope must have that many."""
    day = tables.job.c.day
    query = sa.select(day).where(*_days(scope)).order_by(day.desc()).offset(NEWEST - 1).limit(1)
    newest: str = connection.execute(query).scalar_one()
    return newest


def _days(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on the day of a job, without those on its type."""
    # Types are in no index: filtering by them would cost more than it saves.
    return filters.within(tables.job, replace(scope, types=()))


def has_text(connection: Connection, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a `job` has a text in its messages, evaluated job by job.

    `text` is taken literally; case matters except for ASCII letters.
    """
    job, message = tables.job, tables.message
    texts = [
        sa.select(sa.literal(1))
        .select_from(message.join(table, _same(message, table)))
        .where(message.c.appliance_id == job.c.appliance_id, message.c.job_id == job.c.id)
        .where(sa.or_(*conditions))
        .correlate(job)
        for table, conditions in _columns(connection, text)
    ]
    # One EXISTS over a union: with separate ones PostgreSQL prefers to scan whole tables.
    return sa.union_all(*texts).exists()


def matches(connection: Connection, text: str, appliances: Ids) -> sa.Subquery:
    """Return `appliance_id` and `job_id` of all jobs with a text in their messages.

    The contents of messages are found in one scan. A job comes once, however many messages match.
    """
    found = []
    for table, conditions in _columns(connection, text):
        # Separate queries for contents, because each condition has its own index.
        for condition in conditions if table is tables.message_content else [sa.or_(*conditions)]:
            query = sa.select(table.c.appliance_id, _content_id(table)).where(condition)
            if appliances is not None:
                query = query.where(filters.of_appliances(table.c.appliance_id, appliances))
            found.append(query)
    contents = sa.union(*found).subquery("contents")
    message = tables.message
    same = sa.and_(
        message.c.appliance_id == contents.c.appliance_id,
        message.c.content_id == contents.c.content_id,
    )
    return (
        sa.select(message.c.appliance_id, message.c.job_id)
        .join_from(contents, message, same)
        .distinct()
        .subquery("matches")
    )


def _content_id(table: sa.Table) -> sa.ColumnElement[int]:
    """Return the column with the ID of a content, labelled `content_id`."""
    column = table.c.id if table is tables.message_content else table.c.content_id
    return column.label("content_id")


def _same(message: sa.Table, table: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that a row belongs to the content of a message."""
    return sa.and_(
        message.c.appliance_id == table.c.appliance_id, message.c.content_id == _content_id(table)
    )


def _columns(
    connection: Connection, text: str
) -> list[tuple[sa.Table, list[sa.ColumnElement[bool]]]]:
    """Return the tables that can hold a text, each with conditions of which at least one must hold."""
    template, content, arg, param = (
        tables.message_template,
        tables.message_content,
        tables.message_arg,
        tables.message_param,
    )

    def within(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return db.contains(connection, column, text)

    templates = sa.select(template.c.id).where(
        sa.or_(within(template.c.default_message), within(template.c.message_id))
    )
    localized = content.c.localized
    return [
        (
            content,
            [
                content.c.template_id.in_(templates),
                sa.and_(localized.is_not(None), within(localized)),
            ],
        ),
        (arg, [within(arg.c.value)]),
        (param, [within(param.c.s), within(param.c.nested_id)]),
    ]
