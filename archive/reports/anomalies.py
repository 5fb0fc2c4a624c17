"""Anomalies: succeeded jobs that differ from those before them.

They are stored by the import that brings a job (`archive.store.anomalies`); the report only reads
them.

As of an earlier `now`, only jobs that had begun by then count. Their figures and expectations are
still those that were judged when the jobs were imported.

The severity of a row is stored with it; `archive.judgement.outliers` has the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement.levels import KEPT, KEPT_DAYS, LEAST
from archive.render.units import readable
from archive.reports.core import filters, job_order
from archive.reports.core.report import JOBS, Listing
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope

COLUMNS = (
    Column("appliance"),
    Column("day", Kind.DAY),
    Column("key", expendable=6),
    Column("severity", Kind.COUNT, expendable=2),
    Column("what"),
    Column("kind"),
    Column("figure", kind_in="kind", expendable=2),
    Column("expected", kind_in="kind", expendable=3),
    Column("lower", kind_in="kind", expendable=5),
    Column("upper", kind_in="kind", expendable=5),
    Column("reason"),
)
# Several anomalies of one job are shown in this order.
_ORDER = ("empty", "tiny", "size", "duration", "location", "user", "type", "build")
# The kinds of figures; changed texts have none.
_KINDS = {
    "empty": Kind.BYTES, "tiny": Kind.BYTES, "size": Kind.BYTES, "duration": Kind.SECONDS,
}  # fmt: skip
# The job that confirmed a new level: `job`, joined a second time.
_CONFIRMING = tables.job.alias("confirming")


class AnomaliesRow(NamedTuple):
    """One anomaly of a job. Values from `lower` to `upper` would have been normal.

    `severity` is 3 (critical), 2 (warning) or 1 (notice). `what` is empty, tiny or size (figures in
    bytes), duration (seconds), location, user, type or build. `kind` is the kind of the figures (see
    `columns.Kind`); a changed text has none.

    `day` is the archive's day of the job. `expected`, `lower` and `upper` are None where there was
    too little history for them.
    """

    appliance: str
    day: str
    key: str
    severity: int
    what: str
    kind: Kind
    figure: int | None
    expected: int | None
    lower: int | None
    upper: int | None
    reason: str


def _select(connection: Connection, scope: Scope) -> Iterator[AnomaliesRow]:
    """Yield the anomalies in scope, the most severe and newest first."""
    found = connection.execute(_stored(scope, scope.appliance_ids(connection))).all()
    # Names are not sorted by the database, whose collation may differ from others.
    found = sorted(
        found, key=lambda row: (row.appliance, row.place, row.key, _ORDER.index(row.what))
    )
    # A second sort, which is stable: the worst first, then the newest, then by name.
    found.sort(key=lambda row: (row.severity, row.day), reverse=True)
    return (
        AnomaliesRow._make((*row[:5], _KINDS.get(row.what, Kind.TEXT), *row[5:9], _reason(row)))
        for row in found
    )


def _reason(row: sa.Row[Any]) -> str:
    """Return how far a figure is from the expected one, or what has changed, in words."""
    if row.what == "empty":
        return "nothing was backed up"
    if row.figure is None:
        return f"from {row.previous} to {getattr(row, f'new_{row.what}')}"
    figure, expected = (
        readable(_KINDS[row.what], value) for value in (row.figure, row.expected or 0)
    )
    share = f"{figure} instead of {expected} ({100 * row.figure // max(row.expected, 1)} %)"
    return f"{share}, a new level" if row.is_level else share


def _stored(scope: Scope, appliances: list[int] | None) -> sa.Select[Any]:
    """Return the SELECT of the stored anomalies, with what a changed value is now.

    Rows have no order: names are sorted in Python. Location and build are joined from outside,
    since a job may have neither.
    """
    anomaly, job, appliance = tables.anomaly, tables.job, tables.appliance
    location, build = tables.location, tables.build
    # As of an earlier instant, a job that confirms the level has not run yet.
    confirmed = sa.or_(_CONFIRMING.c.start_time.is_(None), _CONFIRMING.c.start_time <= scope.now)
    source = (
        anomaly.join(
            job, sa.and_(job.c.appliance_id == anomaly.c.appliance_id, job.c.id == anomaly.c.job_id)
        )
        .join(appliance, appliance.c.id == job.c.appliance_id)
        .outerjoin(location, location.c.id == job.c.location_id)
        .outerjoin(build, build.c.id == job.c.build_id)
        .outerjoin(
            _CONFIRMING,
            sa.and_(
                _CONFIRMING.c.appliance_id == anomaly.c.appliance_id,
                _CONFIRMING.c.id == anomaly.c.confirmed_by,
                confirmed,
            ),
        )
    )
    return (
        sa.select(
            appliance.c.name.label("appliance"),
            job.c.day,
            job.c.key,
            anomaly.c.severity,
            anomaly.c.what,
            anomaly.c.figure,
            anomaly.c.expected,
            anomaly.c.lower,
            anomaly.c.upper,
            anomaly.c.previous,
            location.c.masked_url.label("new_location"),
            job.c.location_user.label("new_user"),
            job.c.type.label("new_type"),
            build_label().label("new_build"),
            _CONFIRMING.c.id.is_not(None).label("is_level"),
            job_order.place(job).label("place"),
        )
        .select_from(source)
        .where(
            job_order.not_later(scope),
            *filters.of_table(job, scope, appliances),
            # Few jobs have an anomaly: by an index of days, SQLite would read all jobs of these.
            *filters.within(job, scope, db.UnindexedDay(job.c.day)),
        )
    )


def drops(connection: Connection, keys: dict[str, str]) -> dict[str, int]:
    """Return by how many percent jobs are smaller than expected; `keys` are job keys by appliance.

    Percents are whole, from 0 to 100. A job without an anomaly of its size is left out, as is one
    that is larger. It reads all anomalies of sizes, of which there are few.
    """
    anomaly, job, appliance = tables.anomaly, tables.job, tables.appliance
    query = (
        sa.select(appliance.c.name, job.c.key, anomaly.c.figure, anomaly.c.expected)
        .select_from(
            anomaly.join(
                job,
                sa.and_(job.c.appliance_id == anomaly.c.appliance_id, job.c.id == anomaly.c.job_id),
            ).join(appliance, appliance.c.id == job.c.appliance_id)
        )
        .where(anomaly.c.what.in_(("empty", "tiny", "size")))
    )
    found = {}
    for name, key, figure, expected in connection.execute(query):
        # The first backup can be empty, and has none before it to compare with.
        usual = expected or 1
        if keys.get(name) == key and figure < usual:
            found[name] = 100 * (usual - figure) // usual
    return found


def _explain(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what a job is compared with, and what the severities mean."""
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
