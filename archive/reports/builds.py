"""The vCenter builds that backups ran on, and what changed with each build.

Counts and days come from month totals, which have all jobs of an appliance and build of a month in
one row. Medians come from `build_medians`.

An appliance goes from build to build in the order of their first days. A build that it returned to
therefore has one row, at its first use.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from archive.columns import Column, Kind
from archive.db import tables
from archive.reports import build_medians
from archive.reports.build_medians import NOTHING, Label, Medians
from archive.reports.core import filters, from_months, sql
from archive.reports.core.report import JOBS, Listing
from archive.statuses import FINISHED
from archive.store.labels import build_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class BuildRow(NamedTuple):
    """One build of the fleet, or of an appliance if rows are grouped by appliance.

    `build_before` is the previous build of the appliance. Ratios compare the medians of both builds;
    for the fleet they are the median of the ratios of its appliances. They are None without a
    previous build or a median of it greater than 0.
    """

    appliance: str | None
    build: str | None
    build_before: str | None
    appliances: int
    first_day: str
    last_day: str
    jobs: int
    finished: int
    succeeded: int
    failed: int
    success_rate: float | None
    size_median_bytes: int | None
    size_median_ratio: float | None
    duration_median_seconds: int | None
    duration_median_ratio: float | None


def _rows(connection: Connection, scope: Scope) -> Iterator[BuildRow]:
    """Yield the rows of the report, without rates if a filter on statuses leaves out finished jobs."""
    found = next(periods(connection, [scope]))
    rows = found.of_fleet if scope.by is None else found.of_appliances
    # Where a status filter leaves out finished jobs, there is no rate.
    return iter(rows) if sql.has_rate(scope) else map(sql.without_rate, rows)


class Builds(NamedTuple):
    """The rows of each appliance and build, and those of the builds of the fleet."""

    of_appliances: list[BuildRow]
    of_fleet: list[BuildRow]


def periods(connection: Connection, scopes: Sequence[Scope]) -> Iterator[Builds]:
    """Yield the rows of each scope: counts come from month totals, medians from sketches or the jobs.

    Scopes differ in their first days alone, and the first one is the longest. Grouped by appliance,
    they have no rows of the fleet.
    """
    ids = scopes[0].appliance_ids(connection)
    labels = _names(connection, tables.build, build_label())
    found = build_medians.read(connection, scopes, ids, labels)
    for scope, medians in zip(scopes, found, strict=True):
        each = list(_compared(_counted(connection, scope, ids, labels, medians.of_appliances)))
        yield Builds(each, [] if scope.by else list(_fleet(each, medians.of_builds)))


def _counted(
    connection: Connection,
    scope: Scope,
    ids: filters.Ids,
    labels: Mapping[int, str],
    medians: Mapping[tuple[int, Label], Medians],
) -> list[BuildRow]:
    """Return the rows by appliance name and time; jobs without a build come last.

    An appliance and build that have no jobs in scope have no row.
    """
    totals = from_months.select(scope, ids)
    jobs, status = totals.c.jobs, totals.c.status
    counts = (
        sa.func.sum(jobs),
        sa.func.sum(jobs).filter(status.in_(FINISHED)),
        sa.func.sum(jobs).filter(status == "SUCCEEDED"),
    )
    query = sa.select(
        totals.c.appliance_id,
        totals.c.build_id,
        sa.func.min(totals.c.first_day),
        sa.func.max(totals.c.last_day),
        # Sums of BIGINT are NUMERIC on PostgreSQL.
        *(sa.cast(sa.func.coalesce(count, 0), sa.BigInteger) for count in counts),
    ).group_by(totals.c.appliance_id, totals.c.build_id)
    names = _names(connection, tables.appliance, tables.appliance.c.name)
    rows: dict[tuple[int, Label], BuildRow] = {}
    for appliance_id, build_id, first, last, number, done, succeeded in connection.execute(query):
        key = appliance_id, labels.get(build_id)
        size, duration = medians.get(key, NOTHING)
        row = BuildRow(
            names[appliance_id], key[1], None, 1, first, last, number, done, succeeded,
            done - succeeded, sql.rate(succeeded, done), size, None, duration, None,
        )  # fmt: skip
        # Builds that differ in their version name alone have one label.
        rows[key] = _together([rows[key], row]) if key in rows else row
    return sorted(
        rows.values(),
        key=lambda row: (
            row.appliance, row.build is None, row.first_day, row.last_day, row.build,
        ),
    )  # fmt: skip


def _together(rows: Sequence[BuildRow]) -> BuildRow:
    """Merge rows of one build: counts are added, other values are those of the first row."""
    finished = sum(row.finished for row in rows)
    succeeded = sum(row.succeeded for row in rows)
    return rows[0]._replace(
        first_day=min(row.first_day for row in rows),
        last_day=max(row.last_day for row in rows),
        jobs=sum(row.jobs for row in rows),
        finished=finished,
        succeeded=succeeded,
        failed=finished - succeeded,
        success_rate=sql.rate(succeeded, finished),
    )


def _fleet(each: Iterable[BuildRow], medians: Mapping[Label, Medians]) -> Iterator[BuildRow]:
    """Yield the builds of the fleet, with the median ratios of its appliances.

    Builds are ordered by label, and jobs without a build come last. `appliances` counts those that
    ran a job on the build.
    """
    builds: dict[Label, list[BuildRow]] = {}
    for row in each:
        builds.setdefault(row.build, []).append(row)
    for label, rows in sorted(builds.items(), key=lambda item: (item[0] is None, item[0] or "")):
        size, duration = medians.get(label, NOTHING)
        yield _together(rows)._replace(
            appliance=None,
            build_before=None,
            appliances=len(rows),
            size_median_bytes=size,
            size_median_ratio=build_medians.median_of(
                _known(row.size_median_ratio for row in rows)
            ),
            duration_median_seconds=duration,
            duration_median_ratio=build_medians.median_of(
                _known(row.duration_median_ratio for row in rows)
            ),
        )


def _known(values: Iterable[float | None]) -> list[float]:
    """Return the values that are not None."""
    return [value for value in values if value is not None]


def _compared(rows: Iterable[BuildRow]) -> Iterator[BuildRow]:
    """Yield the rows of each appliance in time order, compared with the build before.

    Rows must be ordered by appliance already, as those of `_counted` are.
    """
    for _, builds in groupby(rows, key=lambda row: row.appliance):
        before: BuildRow | None = None
        for row in builds:
            # Jobs without a build come last, and are compared with nothing.
            if row.build is None or before is None:
                yield row
            else:
                yield row._replace(
                    build_before=before.build,
                    size_median_ratio=_ratio(row.size_median_bytes, before.size_median_bytes),
                    duration_median_ratio=_ratio(
                        row.duration_median_seconds, before.duration_median_seconds
                    ),
                )
            before = row


def _ratio(now: int | None, then: int | None) -> float | None:
    """Return the ratio of two medians; None without both, and without an earlier one above 0."""
    return None if now is None or then is None or then <= 0 else now / then


def _names(connection: Connection, table: sa.Table, name: sa.ColumnElement[str]) -> dict[int, str]:
    """Return the names of a table's rows by id."""
    return dict(map(tuple, connection.execute(sa.select(table.c.id, name))))


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    """Yield what the medians are, and whether they are exact."""
    ids = scope.appliance_ids(connection)
    exact = build_medians.are_exact(connection, scope, ids)
    yield (
        "Sizes and durations are medians of the succeeded backups,"
        f" {'exact (nearest rank)' if exact else 'within 1 %'}. Ratios compare each build with the"
        f" build before{'' if scope.by else ' (median of the appliances)'}."
    )


REPORT = Listing(
    "builds",
    "What changed with each vCenter build: success rate, sizes, durations?",
    (
        Column("appliance", optional=True),
        Column("build"),
        Column("build_before", optional=True, expendable=5),
        Column("appliances", Kind.COUNT, expendable=2),
        Column("first_day", Kind.DAY, expendable=7),
        Column("last_day", Kind.DAY, expendable=6),
        Column("jobs", Kind.COUNT, expendable=9),
        Column("finished", Kind.COUNT, expendable=8),
        Column("succeeded", Kind.COUNT, expendable=9),
        Column("failed", Kind.COUNT, expendable=3),
        Column("success_rate", Kind.RATIO),
        Column("size_median_bytes", Kind.BYTES, expendable=6),
        Column("size_median_ratio", Kind.RATIO, expendable=4),
        Column("duration_median_seconds", Kind.SECONDS, expendable=5),
        Column("duration_median_ratio", Kind.RATIO, expendable=3),
    ),
    _rows,
    JOBS | {"by"},
    ("appliance",),
    _notes,
)
