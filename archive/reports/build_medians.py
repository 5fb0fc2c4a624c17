"""Median sizes and durations of builds: from stored sketches if there are many jobs, or from the jobs.

The sketches have no days, types, targets or statuses: a scope that limits these is read from the
jobs.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import sqlalchemy as sa

from archive import quantile_sketch
from archive.db import tables
from archive.judgement import statistics
from archive.reports.core import filters, from_months, from_totals, pruned, sql
from archive.reports.core.sql import DURATION, MEDIAN, SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from archive.reports.core.scope import Scope


class Medians(NamedTuple):
    """Medians of the succeeded jobs in bytes and seconds; None without any value."""

    size: int | None
    duration: int | None


# The label of a build, as `build_label` gives it; None for jobs without a build.
Label = str | None
NOTHING = Medians(None, None)
_Number = TypeVar("_Number", int, float)
# The day (ISO) of a job, its bytes and its seconds; by place, since there are very many.
_Job = list[Any]


class Found(NamedTuple):
    """Medians by appliance id and the label of a build, and by the label alone."""

    of_appliances: dict[tuple[int, Label], Medians]
    of_builds: dict[Label, Medians]


class _Values:
    """Sizes or durations of a build's jobs: exact values, or counts by the bins of a sketch.

    Exact values of very many jobs would not fit in memory, so these are counted by bins of 1 %.
    """

    def __init__(self, *, exact: bool) -> None:
        self._values: array[int] | None = array("q") if exact else None
        self._bins: Counter[int] = Counter()

    def add(self, values: Sequence[int]) -> None:
        """Add the values of the build's jobs on one appliance."""
        if self._values is not None:
            self._values.extend(values)
        else:
            self._bins.update(quantile_sketch.bins_of(values))

    def median(self) -> int | None:
        """Return the median of all values added; None without any."""
        if self._values is not None:
            return median_of(self._values)
        return quantile_sketch.Merged([quantile_sketch.encode(self._bins)]).percentile(MEDIAN)


def read(
    connection: Connection, scopes: Sequence[Scope], ids: filters.Ids, labels: Mapping[int, str]
) -> list[Found]:
    """Return the medians of the succeeded jobs in each scope; `labels` are those of builds by id.

    Scopes differ in their first days alone, and the first one is the longest: jobs are read once.
    """
    if len(scopes) == 1 and _read_sketches(connection, scopes[0], ids):
        return [_from_sketches(connection, scopes[0], ids, labels)]
    return _from_jobs(connection, scopes, ids, labels)


def are_exact(connection: Connection, scope: Scope, ids: filters.Ids) -> bool:
    """Return whether the medians shown are exact, rather than within 1 %."""
    if _are_few(connection, scope, ids):
        return True
    return scope.by is not None and not _read_sketches(connection, scope, ids)


def median_of(values: Sequence[_Number]) -> _Number | None:
    """Return the median; None without any value."""
    return statistics.median(values) if values else None


def _read_sketches(connection: Connection, scope: Scope, ids: filters.Ids) -> bool:
    """Return whether to read the stored sketches: they have all days, and there are many jobs."""
    narrowed = scope.since or scope.until or scope.types or scope.locations or scope.statuses
    return not narrowed and not _are_few(connection, scope, ids)


def _from_sketches(
    connection: Connection, scope: Scope, ids: filters.Ids, labels: Mapping[int, str]
) -> Found:
    """Return the medians of each appliance and build, and those of each build, within 1 %."""
    table = tables.build_sketch
    found: dict[tuple[int, Label], tuple[list[bytes], list[bytes]]] = {}
    fleet: dict[Label, tuple[list[bytes], list[bytes]]] = {}
    for row in connection.execute(sa.select(table).where(*filters.of_table(table, scope, ids))):
        label = labels.get(row.build_id)
        own = found.setdefault((row.appliance_id, label), ([], []))
        for sizes, durations in (own, fleet.setdefault(label, ([], []))):
            sizes.append(row.sizes)
            durations.append(row.durations)
    return Found(
        {key: Medians(*map(_merged, parts)) for key, parts in found.items()},
        {label: Medians(*map(_merged, parts)) for label, parts in fleet.items()},
    )


def _merged(sketches: Iterable[bytes]) -> int | None:
    """Return the median of several sketches; None if they are empty."""
    return quantile_sketch.Merged(sketches).percentile(MEDIAN)


class _Period:
    """The medians of the succeeded jobs from a first day on, None for all, as appliances are added."""

    def __init__(self, since: str | None, *, of_fleet: bool, exact: bool) -> None:
        self._since = since
        self._of_fleet = of_fleet
        self._exact = exact
        self._fleet: dict[Label, tuple[_Values, _Values]] = {}
        self._medians: dict[tuple[int, Label], Medians] = {}

    def add(self, appliance_id: int, builds: Mapping[Label, Sequence[_Job]]) -> None:
        """Add the jobs of an appliance by build."""
        since = self._since
        for label, jobs in builds.items():
            own = jobs if since is None else [one for one in jobs if one[0] >= since]
            if not own:
                continue
            sizes = [size for _, size, _ in own if size is not None]
            durations = [duration for _, _, duration in own if duration is not None]
            self._medians[appliance_id, label] = Medians(median_of(sizes), median_of(durations))
            if self._of_fleet:
                all_sizes, all_durations = self._fleet.setdefault(
                    label, (_Values(exact=self._exact), _Values(exact=self._exact))
                )
                all_sizes.add(sizes)
                all_durations.add(durations)

    def found(self) -> Found:
        """Return the medians of all appliances added."""
        of_builds = {
            label: Medians(sizes.median(), durations.median())
            for label, (sizes, durations) in self._fleet.items()
        }
        return Found(self._medians, of_builds)


def _from_jobs(
    connection: Connection, scopes: Sequence[Scope], ids: filters.Ids, labels: Mapping[int, str]
) -> list[Found]:
    """Return the medians for each scope; the first one has all jobs of the others."""
    periods = [
        _Period(
            one.since if place else None,
            of_fleet=one.by is None,
            exact=one.by is not None or _are_few(connection, one, ids),
        )
        for place, one in enumerate(scopes)
    ]
    for appliance_id, builds in _succeeded(connection, scopes[0], ids, labels):
        for period in periods:
            period.add(appliance_id, builds)
    return [period.found() for period in periods]


def _succeeded(
    connection: Connection, scope: Scope, ids: filters.Ids, labels: Mapping[int, str]
) -> Iterator[tuple[int, dict[Label, list[_Job]]]]:
    """Yield each appliance id with its succeeded jobs by build."""
    job = tables.job
    query = (
        sa.select(job.c.appliance_id, job.c.build_id, job.c.day, job.c[SIZE], job.c[DURATION])
        .where(*filters.of_jobs(scope, ids, each=True), job.c.status == "SUCCEEDED")
        .order_by(job.c.appliance_id)
    )
    current: int | None = None
    found: dict[Label, list[_Job]] = {}
    for appliance_id, build_id, *one in sql.streamed(connection, query, tuple):
        # Rows come by appliance, so memory holds the values of one appliance at a time.
        if appliance_id != current:
            if current is not None:
                yield current, found
            current, found = appliance_id, {}
        found.setdefault(labels.get(build_id), []).append(one)
    if current is not None:
        yield current, found


def _are_few(connection: Connection, scope: Scope, ids: filters.Ids) -> bool:
    """Return whether exact medians of the jobs in scope are fast enough, fit in memory, and exist."""
    if pruned.find(connection, scope) is not None:
        return False
    of_days = replace(scope, by=None)
    if from_totals.suffice(of_days):
        return not from_totals.are_many(connection, of_days)
    query = sa.select(sa.func.sum(from_months.select(scope, ids).c.jobs))
    return (connection.execute(query).scalar() or 0) <= from_totals.EXACT_UP_TO
