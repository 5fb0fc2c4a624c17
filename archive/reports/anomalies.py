"""Succeeded jobs that are not like those before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import outliers
from archive.judgement.outliers import HISTORY_DAYS, Finding, Job
from archive.reports.core import job_order, sql
from archive.reports.core.report import JOBS, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

# Of daily backups a history is as long as it gets in so many days.
_NEAR_DAYS = 45
COLUMNS = (
    Column("appliance"),
    Column("day", Kind.DAY),
    Column("key"),
    Column("what"),
    Column("figure", Kind.COUNT),
    Column("expected", Kind.COUNT),
    Column("lower", Kind.COUNT),
    Column("upper", Kind.COUNT),
    Column("reason"),
)


class AnomaliesRow(NamedTuple):
    """`what` is size, tiny (both bytes), duration (seconds), location, user, type or build.

    `lower` and `upper` are the ends of what would have been usual.
    """

    appliance: str
    day: str
    key: str
    what: str
    figure: int | None
    expected: int | None
    lower: int | None
    upper: int | None
    reason: str


def _select(connection: Connection, scope: Scope) -> Iterator[AnomaliesRow]:
    labels = _Labels(connection)
    first = None if scope.since is None else _days_before(scope.since, HISTORY_DAYS)
    for batch in job_order.batches(connection, scope):
        jobs = job_order.rows(connection, _jobs(scope, batch, first), batch)
        for number, name in batch.items():
            for found in outliers.findings(_job(*row[1:]) for row in jobs[number]):
                if (row := _row(name, found, labels)) is not None:
                    yield row


def of_jobs(
    connection: Connection, scope: Scope, keys: Mapping[str, str], first: str
) -> Iterator[tuple[str, Finding]]:
    """Yield what is unusual in one job of each appliance, whose key is given by its name.

    No such job is before the day `first`. A change may be one of a password alone. Less is read
    than for the report: no more than it takes to hold these jobs against those before them.
    """
    meant = replace(scope, appliances=(), named=frozenset(keys))
    for batch in job_order.batches(connection, meant):
        near = _days_before(first, _NEAR_DAYS)
        jobs = _until_judged(connection, scope, batch, near, keys)
        few = {number: batch[number] for number in batch if not outliers.is_enough(jobs[number])}
        if few:
            far = _days_before(first, HISTORY_DAYS)
            jobs |= _until_judged(connection, scope, few, far, keys)
        for number, name in batch.items():
            for found in outliers.findings(jobs[number]):
                yield name, found


def _until_judged(
    connection: Connection, scope: Scope, batch: dict[int, str], first: str, keys: Mapping[str, str]
) -> dict[int, list[Job]]:
    """Return the jobs from a day on to the one of each appliance that is judged."""
    found: dict[int, list[Job]] = {}
    rows = job_order.rows(connection, _jobs(replace(scope, since=None), batch, first), batch)
    for number, name in batch.items():
        jobs = found[number] = []
        for _, day, key, *values, _ in rows[number]:
            is_judged = key == keys[name]
            jobs.append(_job(day, key, *values, is_judged))
            if is_judged:
                break
    return found


def _job(day: str, *values: Any) -> Job:
    return Job(date.fromisoformat(day).toordinal(), *values)


def _row(name: str, found: Finding, labels: _Labels) -> AnomaliesRow | None:
    """Return the row of a finding; None where a change is one that is not shown: of a password."""
    job, reason = found.job, _said(found)
    if found.figure is None:
        before, now = found.before, getattr(job, found.what)
        if found.what in ("location", "build"):
            before, now = labels.of(found.what, before), labels.of(found.what, now)
        if before == now:
            return None
        reason = f"from {before} to {now}"
    day = date.fromordinal(job.day).isoformat()
    expected, lower, upper = found.usual or (None, None, None)
    return AnomaliesRow(
        name, day, job.key, found.what, found.figure, expected, lower, upper, reason
    )


def _said(found: Finding) -> str:
    """Say how far a figure is from what was expected."""
    if found.figure is None or found.usual is None:
        return "the backup is empty, and no other was before it"
    expected = found.usual.expected
    if not expected:
        return "nothing was expected"
    return f"{100 * found.figure // expected} % of what was expected"


class _Labels:
    """Locations and builds as they may be shown, by their numbers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, what: str, number: int) -> str:
        """Return the label of a location or a build."""
        location, build = tables.location, tables.build
        if what == "location":
            query = sa.select(location.c.masked_url).where(location.c.id == number)
        else:
            query = sa.select(sql.build_label()).where(build.c.id == number)
        return str(self._connection.execute(query).scalar_one())


def _jobs(scope: Scope, batch: dict[int, str], first: str | None) -> sa.Select[Any]:
    """Return the succeeded jobs of a batch of appliances in their order: those in scope as judged.

    Others, from the day `first`, are read because those in scope are held against them.
    """
    job = tables.job
    judged = sa.and_(sa.true(), *sql.conditions(scope, None))
    whole = replace(scope, since=first, types=(), locations=(), builds=())
    return (
        sa.select(
            job.c.appliance_id,
            job.c.day,
            job.c.key,
            job.c.type,
            job.c.size_bytes,
            job.c.duration_seconds,
            job.c.location_id,
            job.c.location_user,
            job.c.build_id,
            sa.case((judged, 1), else_=0),
        )
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job_order.not_later(scope),
            *sql.conditions(whole, None),
        )
        .order_by(job.c.appliance_id, *job_order.order(job))
    )


def _days_before(day: str, number: int) -> str:
    """Return the day so many days before another, or the first that there is."""
    return date.fromordinal(max(date.fromisoformat(day).toordinal() - number, 1)).isoformat()


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection, scope
    yield (
        f"A job is held against up to {outliers.HISTORY} successes of its type in the"
        f" {HISTORY_DAYS} days before it; sizes and durations if there are {outliers.LEAST} or more."
    )


REPORT = Listing(
    "anomalies",
    "Which succeeded backups are not like those before them, and in what?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now"},
    explain=_explain,
)
