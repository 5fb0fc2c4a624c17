"""Anomalies: succeeded jobs that differ from those before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import outliers
from archive.judgement.levels import KEPT, KEPT_DAYS, LEAST
from archive.judgement.outliers import Finding, Job
from archive.reports.core import job_order, sql
from archive.reports.core.date_ranges import days_before
from archive.reports.core.report import JOBS, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("day", Kind.DAY),
    Column("key"),
    Column("severity", Kind.COUNT),
    Column("what"),
    Column("figure", Kind.COUNT),
    Column("expected", Kind.COUNT),
    Column("lower", Kind.COUNT),
    Column("upper", Kind.COUNT),
    Column("reason"),
)


class AnomaliesRow(NamedTuple):
    """One anomaly of a job. Values from `lower` to `upper` would have been normal.

    `severity` is 3 (critical), 2 (warning) or 1 (notice). `what` is empty, tiny or size (figures in
    bytes), duration (seconds), location, user, type or build.
    """

    appliance: str
    day: str
    key: str
    severity: int
    what: str
    figure: int | None
    expected: int | None
    lower: int | None
    upper: int | None
    reason: str


def _select(connection: Connection, scope: Scope) -> Iterator[AnomaliesRow]:
    labels = _Labels(connection)
    first = None if scope.since is None else days_before(scope.since, KEPT_DAYS)
    found: list[AnomaliesRow] = []
    for batch in job_order.batches(connection, scope):
        jobs = job_order.rows(connection, _jobs(scope, batch, first), batch)
        for number, name in batch.items():
            rows = (_row(name, one, labels) for one in outliers.findings(map(_job, jobs[number])))
            found += filter(None, rows)
    found.sort(key=lambda row: (row.severity, row.day), reverse=True)
    return iter(found)


def of_jobs(
    connection: Connection, scope: Scope, keys: Mapping[str, str], first: str
) -> Iterator[tuple[str, Finding]]:
    """Yield the anomalies of one job of each appliance; `keys` are job keys by appliance name.

    None of these jobs may be before the day `first`. A location may differ in its password only.
    """
    selected = replace(scope, appliances=(), named=frozenset(keys))
    for batch in job_order.batches(connection, selected):
        jobs = _until_judged(connection, scope, batch, days_before(first, KEPT_DAYS), keys)
        for number, name in batch.items():
            for found in outliers.findings(jobs[number]):
                yield name, found


def _until_judged(
    connection: Connection, scope: Scope, batch: dict[int, str], first: str, keys: Mapping[str, str]
) -> dict[int, list[Job]]:
    """Return the jobs of each appliance from a day on, up to and including its judged job."""
    found: dict[int, list[Job]] = {}
    rows = job_order.rows(connection, _jobs(replace(scope, since=None), batch, first), batch)
    for number, name in batch.items():
        jobs = found[number] = []
        for row in rows[number]:
            is_judged = row.key == keys[name]
            jobs.append(_job(row, is_judged=is_judged))
            if is_judged:
                break
    return found


def _job(row: Iterable[Any], *, is_judged: bool | None = None) -> Job:
    """Return the job of a row of `_jobs`; `is_judged` overrides what the row says."""
    # Unpacked, because ten lookups by name for each job would cost a fifth of the time.
    _, number, day, key, kind, size, duration, location, user, build, judged = row
    ordinal = date.fromisoformat(day).toordinal()
    is_judged = judged if is_judged is None else is_judged
    return Job(number, ordinal, key, kind, size, duration, location, user, build, is_judged)


def _row(name: str, found: Finding, labels: _Labels) -> AnomaliesRow | None:
    """Return the row of a finding; None for a change that is not shown, such as a password."""
    job, reason = found.job, _reason(found)
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
        name, day, job.key, found.severity, found.what, found.figure, expected, lower, upper, reason
    )


def _reason(found: Finding) -> str:
    """Return how far a figure is from the expected one, in words."""
    if found.figure is None or found.usual is None or found.what == "empty":
        return "nothing was backed up"
    share = f"{100 * found.figure // max(found.usual.expected, 1)} % of the expected value"
    return share if found.confirmed_by is None else f"{share}, a new level"


class _Labels:
    """Labels of locations (without passwords) and builds by id."""

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
    """Return the succeeded jobs of a batch of appliances in order; jobs in scope are `judged`.

    Jobs from the day `first` on are included, because those in scope are compared with them.
    """
    job = tables.job
    judged = sa.and_(sa.true(), *sql.conditions(scope, None))
    whole = replace(scope, since=first, until=None, types=(), locations=(), builds=())
    return (
        sa.select(
            job.c.appliance_id,
            job.c.id,
            job.c.day,
            job.c.key,
            job.c.type,
            job.c.size_bytes,
            job.c.duration_seconds,
            job.c.location_id,
            job.c.location_user,
            job.c.build_id,
            sa.case((judged, 1), else_=0).label("judged"),
        )
        .where(
            sql.of_appliances(job.c.appliance_id, batch),
            job.c.status == "SUCCEEDED",
            job_order.not_later(scope),
            *sql.conditions(whole, None),
        )
        .order_by(job.c.appliance_id, *job_order.order(job))
    )


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    del connection, scope
    yield (
        f"A job is compared with up to {KEPT} successes of its type in the {KEPT_DAYS} days before"
        f" it. Sizes and durations need at least {LEAST}. Severity: 3 critical, 2 warning, 1 notice."
    )


REPORT = Listing(
    "anomalies",
    "Which succeeded backups differ from those before them, and how?",
    COLUMNS,
    _select,
    JOBS - {"statuses"} | {"now"},
    explain=_explain,
)
