"""The builds of vCenter that backups ran on, and what changed with each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import tables
from archive.columns import Column, Kind
from archive.merge import FINISHED
from archive.reports import parts
from archive.reports.parts import DURATION, MEDIAN, SIZE
from archive.reports.report import JOBS, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection

    from archive.reports.scope import Scope


class BuildRow(NamedTuple):
    """One build: of the fleet, or of an appliance if rows are by appliance.

    `build_before` is what the appliance ran before. The ratios are of its medians to those of then;
    of the fleet they are the median of the ratios of its appliances. None stands where there is
    nothing to compare: no build before, no median, or one that is not greater than nothing.
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
    ids = scope.appliance_ids(connection)
    appliances = parts.streamed(connection, _select(scope, ids, each=True), _row)
    compared = _compared(appliances)
    if scope.by is not None:
        return compared
    return _fleet(connection, scope, ids, compared)


def _fleet(
    connection: Connection, scope: Scope, ids: parts.Ids, appliances: Iterable[BuildRow]
) -> Iterator[BuildRow]:
    """Yield the builds of the fleet, with the ratios that its appliances have."""
    sizes: dict[str | None, list[float]] = {}
    durations: dict[str | None, list[float]] = {}
    for row in appliances:
        for ratios, ratio in (
            (sizes, row.size_median_ratio),
            (durations, row.duration_median_ratio),
        ):
            if ratio is not None:
                ratios.setdefault(row.build, []).append(ratio)
    for row in parts.streamed(connection, _select(scope, ids, each=False), _row):
        yield row._replace(
            size_median_ratio=_median(sizes.get(row.build, [])),
            duration_median_ratio=_median(durations.get(row.build, [])),
        )


def _median(values: list[float]) -> float | None:
    """Return the nearest-rank median."""
    return sorted(values)[(len(values) - 1) // 2] if values else None


def _compared(rows: Iterable[BuildRow]) -> Iterator[BuildRow]:
    """Yield the rows of each appliance, in the order of time, beside the build before."""
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


def _select(scope: Scope, ids: parts.Ids, *, each: bool) -> sa.Select[Any]:
    """Return the SELECT of all builds, or of each appliance's, by name and in the order of time."""
    job, appliance, build, day = tables.job, tables.appliance, tables.build, tables.job.c.day
    source = job.outerjoin(build, job.c.build_id == build.c.id)
    name: sa.ColumnElement[Any] = sa.null()
    keys = [parts.build_label().label("build")]
    if each:
        source = source.join(appliance, job.c.appliance_id == appliance.c.id)
        keys.append(appliance.c.name.label("appliance"))
    measures = {SIZE: job.c[SIZE], DURATION: job.c[DURATION], "day": day}
    scoped = parts.scoped(source, keys, measures, parts.conditions(scope, ids), (SIZE, DURATION))
    columns = scoped.c
    if each:
        name = columns.appliance
    first, last = sa.func.min(columns.day), sa.func.max(columns.day)
    order: list[sa.ColumnElement[Any]] = [columns.build.asc().nulls_last()]
    if each:
        # Jobs that name no build are of no time.
        order = [columns.appliance, columns.build.is_(None), first, last, *order]
    return (
        sa.select(
            name.label("appliance"),
            columns.build,
            sa.func.count(columns.appliance_id.distinct()).label("appliances"),
            first.label("first_day"),
            last.label("last_day"),
            sa.func.count().label("jobs"),
            sa.func.count().filter(columns.status.in_(FINISHED)).label("finished"),
            sa.func.count().filter(columns.status == "SUCCEEDED").label("succeeded"),
            parts.percentile(scoped, SIZE, MEDIAN).label("size"),
            parts.percentile(scoped, DURATION, MEDIAN).label("duration"),
        )
        .group_by(*(columns[key.name] for key in keys))
        .order_by(*order)
    )


def _row(found: sa.Row[Any]) -> BuildRow:
    return BuildRow(
        found.appliance,
        found.build,
        None,
        found.appliances,
        found.first_day,
        found.last_day,
        found.jobs,
        found.finished,
        found.succeeded,
        found.finished - found.succeeded,
        parts.rate(found.succeeded, found.finished),
        found.size,
        None,
        found.duration,
        None,
    )


def _notes(connection: Connection, scope: Scope) -> Iterator[str]:  # noqa: ARG001 - what explains any report
    yield (
        "Sizes and durations are exact medians (nearest rank) of the succeeded backups; ratios are to"
        f" the build before {'on the appliance' if scope.by else 'on each appliance, their median'}."
    )


REPORT = Listing(
    "builds",
    "What changed with each build of vCenter: success, sizes, durations?",
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
