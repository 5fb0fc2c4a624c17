"""Succeeded jobs that are not like those before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import tables
from archive.columns import Column, Kind
from archive.reports import parts, unusual, walk
from archive.reports.report import JOBS, Listing
from archive.reports.unusual import HISTORY_DAYS, Finding, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope

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
    for batch in walk.batches(connection, scope):
        jobs = walk.rows(connection, _jobs(scope, batch), batch)
        for number, name in batch.items():
            for found in unusual.findings(_job(*row[1:]) for row in jobs[number]):
                if (row := _row(name, found, labels)) is not None:
                    yield row


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
            query = sa.select(parts.build_label()).where(build.c.id == number)
        return str(self._connection.execute(query).scalar_one())


def _jobs(scope: Scope, batch: dict[int, str]) -> sa.Select[Any]:
    """Return the succeeded jobs of a batch of appliances in their order: those in scope as judged.

    Others are read because those in scope are held against them.
    """
    job = tables.job
    judged = sa.and_(sa.true(), *parts.conditions(scope, None))
    whole = replace(scope, since=_before(scope.since), types=(), locations=(), builds=())
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
            parts.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            walk.not_later(scope),
            *parts.conditions(whole, None),
        )
        .order_by(job.c.appliance_id, *walk.order(job))
    )


def _before(since: str | None) -> str | None:
    """Return the first day whose jobs those of a day are held against."""
    if since is None:
        return None
    day = date.fromisoformat(since).toordinal() - HISTORY_DAYS
    return date.fromordinal(max(day, 1)).isoformat()


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection, scope
    yield (
        f"A job is held against up to {unusual.HISTORY} successes of its type in the"
        f" {HISTORY_DAYS} days before it; sizes and durations if there are {unusual.LEAST} or more."
    )


REPORT = Listing(
    "anomalies",
    "Which succeeded backups are not like those before them, and in what?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now"},
    explain=_explain,
)
