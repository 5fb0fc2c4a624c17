"""Single jobs, newest first: what `archive job list` shows.

Everything is read from the jobs and their messages, while the reader takes the rows: memory does
not grow with their number.

With a text, the way of searching depends on how many jobs are in scope; see `core.message_search`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.reports.core import filters, message_search, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("key", expendable=2),
    Column("status"),
    Column("type", expendable=9),
    Column("start_time", Kind.INSTANT, expendable=4),
    Column("duration_seconds", Kind.SECONDS, expendable=6),
    Column("size_bytes", Kind.BYTES, expendable=5),
    Column("message"),
)
# Rows fetched together; the list may be long, and its reader slow.
_ROWS_AT_A_TIME = 1000


class JobRow(NamedTuple):
    """One job with the first of its messages, if it has any.

    `start_time` is a fixed-width UTC text. `message` is as `first_message` returns it.
    """

    appliance: str
    key: str
    status: str
    type: str | None
    start_time: str | None
    duration_seconds: int | None
    size_bytes: int | None
    message: str | None


class JobFilter(NamedTuple):
    """A filter on the jobs of a scope; `text` is searched for in all of their messages.

    `statuses` are in upper case, none for all; `limit` None: all jobs. Case of ASCII letters in
    `text` does not matter.

    The statuses are those of the document. `text` is taken literally: `%` and `_` stand for
    themselves.
    """

    statuses: tuple[str, ...] = ()
    text: str | None = None
    limit: int | None = None


def run(connection: Connection, scope: Scope, wanted: JobFilter) -> Iterator[JobRow]:
    """Yield the jobs in scope that pass a filter, newest day first.

    Within a day the newest start comes first, and before it jobs without a start.
    """
    appliances = scope.appliance_ids(connection)
    query = _select(scope, appliances, wanted)
    if wanted.text is None:
        return _rows(connection, query)
    has_text = message_search.has_text(connection, wanted.text)
    if message_search.walkable(connection, scope, appliances):
        return _rows(connection, query.where(has_text))
    # Among the newest jobs there often are enough; then the others need not be searched.
    if wanted.limit:
        newest = replace(scope, since=message_search.recent(connection, scope))
        found = list(_rows(connection, _select(newest, appliances, wanted).where(has_text)))
        if len(found) == wanted.limit:
            return iter(found)
    # With a join, SQLite starts from the matches; a condition would be evaluated for each job.
    job, matches = tables.job, message_search.matches(connection, wanted.text, appliances)
    same = sa.and_(job.c.appliance_id == matches.c.appliance_id, job.c.id == matches.c.job_id)
    return _rows(connection, query.join(matches, same))


def _rows(connection: Connection, query: sa.Select[Any]) -> Iterator[JobRow]:
    """Yield the typed rows of a query while they are fetched."""
    found = connection.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    return (JobRow._make(row) for row in found)


def _select(scope: Scope, appliances: filters.Ids, wanted: JobFilter) -> sa.Select[Any]:
    """Return the SELECT of the jobs that pass a filter, but for its text."""
    job, appliance = tables.job, tables.appliance
    conditions = filters.of_jobs(scope, appliances)
    if wanted.statuses:
        conditions.append(job.c.status.in_(wanted.statuses))
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
        .where(*conditions)
        .order_by(
            job.c.day.desc(),
            job.c.start_time.desc().nulls_first(),
            appliance.c.name,
            job.c.key.desc(),
        )
        .limit(wanted.limit)
    )


def first_message() -> sa.ScalarSelect[Any]:
    """Return the text of a job's first message or error, or else its id; correlated with `job`.

    It is the text that `messages.text` shows, without arguments filled in.
    """
    template = tables.message_template
    texts = (tables.message_content.c.localized, template.c.default_message)
    # An empty text is none, as in `messages.text`.
    found = (sa.func.nullif(text, "") for text in texts)
    return _of_first(sa.func.coalesce(*found, template.c.message_id))


def first_message_id() -> sa.ScalarSelect[Any]:
    """Return the id of a job's first message or error; correlated with `job`."""
    return _of_first(tables.message_template.c.message_id)


def _of_first(value: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """Return a value of a job's first message that says what happened, by its place in the document."""
    job, message = tables.job, tables.message
    return (
        sa.select(value)
        .select_from(sql.messages())
        .where(message.c.appliance_id == job.c.appliance_id, message.c.job_id == job.c.id)
        .correlate(job)
        .where(message.c.role.in_(tables.OUTCOME_ROLES))
        .order_by(message.c.seq)
        .limit(1)
        .scalar_subquery()
    )
