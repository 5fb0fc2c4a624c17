"""The vCenter builds that backups ran on, and what changed with each build."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import sqlalchemy as sa

from archive import quantile_sketch
from archive.columns import Column, Kind
from archive.db import tables
from archive.judgement import statistics
from archive.reports.core import sql
from archive.reports.core.from_totals import EXACT_UP_TO
from archive.reports.core.report import JOBS, Listing
from archive.reports.core.sql import DURATION, MEDIAN, SIZE
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


class _Medians(NamedTuple):
    """Medians of the succeeded jobs in bytes and seconds; None without any value."""

    size: int | None
    duration: int | None


class _Values:
    """Sizes or durations of a build's jobs: exact values, or counts by the bins of a sketch."""

    def __init__(self, *, exact: bool) -> None:
        self._values: array[int] | None = array("q") if exact else None
        self._bins: Counter[int] = Counter()

    def add(self, values: Sequence[int]) -> None:
        if self._values is not None:
            self._values.extend(values)
        else:
            self._bins.update(quantile_sketch.bins_of(values))

    def median(self) -> int | None:
        if self._values is not None:
            return _median(self._values)
        return quantile_sketch.Merged([quantile_sketch.encode(self._bins)]).percentile(MEDIAN)


_Label = str | None
_Number = TypeVar("_Number", int, float)
_NOTHING = _Medians(None, None)


def _rows(connection: Connection, scope: Scope) -> Iterator[BuildRow]:
    rows = _found(connection, scope)
    return rows if sql.has_rate(scope) else map(sql.without_rate, rows)


def _found(connection: Connection, scope: Scope) -> Iterator[BuildRow]:
    """Yield the rows: counts come from one SELECT, medians from reading the jobs by appliance."""
    ids = scope.appliance_ids(connection)
    exact = scope.by is not None or _are_few(connection, scope, ids)
    fleet: dict[_Label, tuple[_Values, _Values]] = {}
    labels = _names(connection, tables.build, build_label())
    medians: dict[tuple[int, _Label], _Medians] = {}
    for appliance_id, found in _succeeded(connection, scope, ids, labels):
        for label, (sizes, durations) in found.items():
            medians[appliance_id, label] = _Medians(_median(sizes), _median(durations))
            if scope.by is None:
                all_sizes, all_durations = fleet.setdefault(
                    label, (_Values(exact=exact), _Values(exact=exact))
                )
                all_sizes.add(sizes)
                all_durations.add(durations)
    each = list(_compared(_counted(connection, scope, ids, labels, medians)))
    if scope.by is not None:
        return iter(each)
    return _fleet(
        each,
        {
            label: _Medians(sizes.median(), durations.median())
            for label, (sizes, durations) in fleet.items()
        },
    )


def _succeeded(
    connection: Connection, scope: Scope, ids: sql.Ids, labels: Mapping[int, str]
) -> Iterator[tuple[int, dict[_Label, tuple[list[int], list[int]]]]]:
    """Yield each appliance id with the sizes and durations of its succeeded jobs by build."""
    job = tables.job
    query = (
        sa.select(job.c.appliance_id, job.c.build_id, job.c[SIZE], job.c[DURATION])
        .where(*sql.conditions(scope, ids, each=True), job.c.status == "SUCCEEDED")
        .order_by(job.c.appliance_id)
    )
    current: int | None = None
    found: dict[_Label, tuple[list[int], list[int]]] = {}
    for appliance_id, build_id, size, duration in sql.streamed(connection, query, tuple):
        if appliance_id != current:
            if current is not None:
                yield current, found
            current, found = appliance_id, {}
        label = labels.get(build_id)
        if label not in found:
            found[label] = ([], [])
        sizes, durations = found[label]
        if size is not None:
            sizes.append(size)
        if duration is not None:
            durations.append(duration)
    if current is not None:
        yield current, found


def _counted(
    connection: Connection,
    scope: Scope,
    ids: sql.Ids,
    labels: Mapping[int, str],
    medians: Mapping[tuple[int, _Label], _Medians],
) -> list[BuildRow]:
    """Return the rows by appliance name and time; jobs without a build come last."""
    job, finished = tables.job, tables.job.c.status.in_(FINISHED)
    query = (
        sa.select(
            job.c.appliance_id,
            job.c.build_id,
            sa.func.min(job.c.day),
            sa.func.max(job.c.day),
            sa.func.count(),
            sa.func.count().filter(finished),
            sa.func.count().filter(job.c.status == "SUCCEEDED"),
        )
        .where(*sql.conditions(scope, ids, each=True))
        .group_by(job.c.appliance_id, job.c.build_id)
    )
    names = _names(connection, tables.appliance, tables.appliance.c.name)
    rows: dict[tuple[int, _Label], BuildRow] = {}
    for appliance_id, build_id, first, last, jobs, done, succeeded in connection.execute(query):
        key = appliance_id, labels.get(build_id)
        size, duration = medians.get(key, _NOTHING)
        row = BuildRow(
            names[appliance_id], key[1], None, 1, first, last, jobs, done, succeeded,
            done - succeeded, sql.rate(succeeded, done), size, None, duration, None,
        )  # fmt: skip
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


def _fleet(each: Iterable[BuildRow], medians: Mapping[_Label, _Medians]) -> Iterator[BuildRow]:
    """Yield the builds of the fleet, with the median ratios of its appliances."""
    builds: dict[_Label, list[BuildRow]] = {}
    for row in each:
        builds.setdefault(row.build, []).append(row)
    for label, rows in sorted(builds.items(), key=lambda item: (item[0] is None, item[0] or "")):
        size, duration = medians.get(label, _NOTHING)
        yield _together(rows)._replace(
            appliance=None,
            build_before=None,
            appliances=len(rows),
            size_median_bytes=size,
            size_median_ratio=_median(_known(row.size_median_ratio for row in rows)),
            duration_median_seconds=duration,
            duration_median_ratio=_median(_known(row.duration_median_ratio for row in rows)),
        )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Sequence[_Number]) -> _Number | None:
    return statistics.median(values) if values else None


def _compared(rows: Iterable[BuildRow]) -> Iterator[BuildRow]:
    """Yield the rows of each appliance in time order, compared with the build before."""
    for _, builds in groupby(rows, key=lambda row: row.appliance):
        before: BuildRow | None = None
        for row in builds:
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
    return None if now is None or then is None or then <= 0 else now / then


def _names(connection: Connection, table: sa.Table, name: sa.ColumnElement[str]) -> dict[int, str]:
    return dict(map(tuple, connection.execute(sa.select(table.c.id, name))))


def _are_few(connection: Connection, scope: Scope, ids: sql.Ids) -> bool:
    """Return whether all values of the jobs in scope fit in memory."""
    some = sa.select(tables.job.c.id).where(*sql.conditions(scope, ids)).limit(EXACT_UP_TO + 1)
    query = sa.select(sa.func.count()).select_from(some.subquery())
    return connection.execute(query).scalar_one() <= EXACT_UP_TO


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:
    exact = scope.by is not None or _are_few(connection, scope, scope.appliance_ids(connection))
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
        Column("build_before", optional=True),
        Column("appliances", Kind.COUNT),
        Column("first_day", Kind.DAY),
        Column("last_day", Kind.DAY),
        Column("jobs", Kind.COUNT),
        Column("finished", Kind.COUNT),
        Column("succeeded", Kind.COUNT),
        Column("failed", Kind.COUNT),
        Column("success_rate", Kind.RATIO),
        Column("size_median_bytes", Kind.BYTES),
        Column("size_median_ratio", Kind.RATIO),
        Column("duration_median_seconds", Kind.SECONDS),
        Column("duration_median_ratio", Kind.RATIO),
    ),
    _rows,
    JOBS | {"by"},
    ("appliance",),
    _notes,
)
