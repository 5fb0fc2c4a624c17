"""Single jobs, newest first: what `archive job list` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import tables
from archive.columns import Column, Kind
from archive.reports import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("key"),
    Column("status"),
    Column("type"),
    Column("start_time", Kind.INSTANT),
    Column("duration_seconds", Kind.SECONDS),
    Column("size_bytes", Kind.BYTES),
    Column("message"),
)
_ROWS_AT_A_TIME = 1000


class JobRow(NamedTuple):
    """One job with the first of its messages, if it has any."""

    appliance: str
    key: str
    status: str
    type: str | None
    start_time: str | None
    duration_seconds: int | None
    size_bytes: int | None
    message: str | None


class JobFilter(NamedTuple):
    """Which jobs of a scope are listed; `text` is looked for in their messages."""

    statuses: tuple[str, ...] = ()
    text: str | None = None
    limit: int | None = None


def run(connection: Connection, scope: Scope, wanted: JobFilter) -> Iterator[JobRow]:
    """Yield the jobs of a scope that pass a filter, the newest day first."""
    query = _select(scope, scope.appliance_ids(connection), wanted)
    found = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    return (JobRow._make(row) for row in found)


def number(connection: Connection, scope: Scope, wanted: JobFilter) -> int:
    """Return how many jobs there are, whatever the limit of the filter."""
    conditions = _conditions(scope, scope.appliance_ids(connection), wanted)
    query = sa.select(sa.func.count()).select_from(tables.job).where(*conditions)
    return connection.execute(query).scalar_one()


def _select(scope: Scope, appliances: parts.Ids, wanted: JobFilter) -> sa.Select[Any]:
    job, appliance = tables.job, tables.appliance
    return (
        sa.select(
            appliance.c.name,
            job.c.key,
            job.c.status,
            job.c.type,
            job.c.start_time,
            job.c.duration_seconds,
            job.c.size_bytes,
            first_message(),
        )
        .join_from(job, appliance, job.c.appliance_id == appliance.c.id)
        .where(*_conditions(scope, appliances, wanted))
        .order_by(
            job.c.day.desc(),
            job.c.start_time.desc().nulls_first(),
            appliance.c.name,
            job.c.key.desc(),
        )
        .limit(wanted.limit)
    )


def _conditions(
    scope: Scope, appliances: parts.Ids, wanted: JobFilter
) -> list[sa.ColumnElement[bool]]:
    job = tables.job
    conditions = parts.conditions(scope, appliances)
    if wanted.statuses:
        conditions.append(job.c.status.in_(wanted.statuses))
    if wanted.text is not None:
        conditions.append(_says(wanted.text))
    return conditions


def _text() -> sa.ColumnElement[str]:
    return sa.func.coalesce(tables.message.c.localized, tables.message_template.c.default_message)


def _messages() -> sa.Select[Any]:
    job, message, template = tables.job, tables.message, tables.message_template
    return (
        sa.select(_text())
        .join_from(message, template, message.c.template_id == template.c.id)
        .where(message.c.appliance_id == job.c.appliance_id, message.c.job_id == job.c.id)
        .correlate(job)
    )


def first_message() -> sa.ScalarSelect[Any]:
    """Return the text of a job's first message or error, where `job` is selected from."""
    message = tables.message
    return (
        _messages()
        .where(message.c.role.in_(["message", "error"]))
        .order_by(message.c.seq)
        .limit(1)
        .scalar_subquery()
    )


def _says(text: str) -> sa.ColumnElement[bool]:
    """Look for a text in any message; only ASCII letters are the same in either case."""
    template = tables.message_template
    wanted = text.lower()
    return (
        _messages()
        .where(
            sa.or_(
                sa.func.lower(_text()).contains(wanted, autoescape=True),
                sa.func.lower(template.c.message_id).contains(wanted, autoescape=True),
            )
        )
        .exists()
    )
