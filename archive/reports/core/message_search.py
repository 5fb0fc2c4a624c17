"""Jobs that say something: a text looked for in all that their messages consist of.

There are two ways, since no index knows what is within a text. Jobs can be walked, the newest first, and
asked one by one: quick where many say it, or where there are few jobs. Or all messages are asked at once:
whatever has a text of its own is read through, which takes the same time whoever says it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.reports.core import sql

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope
    from archive.reports.core.sql import Ids

# So many jobs are walked in less time than all messages of a large archive are read.
NEWEST = 50_000


def walkable(connection: Connection, scope: Scope, appliances: Ids) -> bool:
    """Say whether the jobs of a scope are few enough to be asked one by one."""
    job, conditions = tables.job, _days(scope)
    if appliances is not None:
        conditions.append(sql.of_appliances(job.c.appliance_id, appliances))
    some = sa.select(sa.literal(1)).select_from(job).where(*conditions).limit(NEWEST).subquery()
    number = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return number < NEWEST


def recent(connection: Connection, scope: Scope) -> str:
    """Return since which day there are the newest jobs, of all appliances; for scopes of many."""
    day = tables.job.c.day
    query = sa.select(day).where(*_days(scope)).order_by(day.desc()).offset(NEWEST - 1).limit(1)
    newest: str = connection.execute(query).scalar_one()
    return newest


def _days(scope: Scope) -> list[sa.ColumnElement[bool]]:
    # Types are in no index; to look for them would take longer than it saves.
    return sql.within(tables.job, replace(scope, types=()))


def says(connection: Connection, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a `job` says a text: asked of each that is looked at."""
    job = tables.job
    places = [
        sa.select(sa.literal(1))
        .where(table.c.appliance_id == job.c.appliance_id, table.c.job_id == job.c.id)
        .where(sa.or_(*conditions))
        .correlate(job)
        for table, conditions in _places(connection, text)
    ]
    # As one: each on its own, PostgreSQL would rather read a whole table once than ask it often.
    return sa.union_all(*places).exists()


def saying(connection: Connection, text: str, appliances: Ids) -> sa.Subquery:
    """Return `appliance_id` and `job_id` of the jobs that say a text, all found at once."""
    found = []
    for table, conditions in _places(connection, text):
        # One by one: each of a message's has an index of its own.
        for condition in conditions if table is tables.message else [sa.or_(*conditions)]:
            query = sa.select(table.c.appliance_id, table.c.job_id).where(condition)
            if appliances is not None:
                query = query.where(sql.of_appliances(table.c.appliance_id, appliances))
            found.append(query)
    return sa.union(*found).subquery("said")


def _places(
    connection: Connection, text: str
) -> list[tuple[sa.Table, list[sa.ColumnElement[bool]]]]:
    """Return the tables that a text may stand in, and the conditions of which one is met."""
    template, message, arg, param = (
        tables.message_template,
        tables.message,
        tables.message_arg,
        tables.message_param,
    )

    def within(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return db.contains(connection, column, text)

    templates = sa.select(template.c.id).where(
        sa.or_(within(template.c.default_message), within(template.c.message_id))
    )
    localized = message.c.localized
    return [
        (
            message,
            [
                message.c.template_id.in_(templates),
                sa.and_(localized.is_not(None), within(localized)),
            ],
        ),
        (arg, [within(arg.c.value)]),
        (param, [within(param.c.s), within(param.c.nested_id)]),
    ]
