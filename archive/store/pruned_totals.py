"""Totals of pruned jobs: all that is left of them.

Rows have the form of those that follow from jobs, so that both can be added. What a prune adds to them
is exactly what it takes from the jobs: so no total changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.store import appliance_months, build_sketches, day_totals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

_TABLE = tables.pruned_month
# Type, status, location and build: what the rows of a month are by.
_Key = tuple[str | None, str, int | None, int | None]
_LOW_BITS = 2**32 - 1


class PrunedJob(NamedTuple):
    """A job to be pruned, in bytes and seconds; `day` is an ISO date."""

    id: int
    key: str
    day: str
    type: str | None
    status: str
    start_time: str | None
    size_bytes: int | None
    duration_seconds: int | None
    location_id: int | None
    build_id: int | None


class _Month:
    """The totals of a month, type, status, location and build, as `month_values` has them."""

    def __init__(self) -> None:
        self.counts = [0] * 7
        self.first_day, self.last_day = "9999-12-31", "0001-01-01"
        self.days = 0

    def add(self, counts: Iterable[int], first_day: str, last_day: str, days: int) -> None:
        """Add numbers of jobs and halves of sums, and days as bits."""
        self.counts = [one + other for one, other in zip(self.counts, counts, strict=True)]
        self.first_day = min(self.first_day, first_day)
        self.last_day = max(self.last_day, last_day)
        self.days |= days

    def values(self) -> tuple[Any, ...]:
        """Return the columns of a row from `jobs` on."""
        return (*self.counts, self.first_day, self.last_day, self.days)


def add(connection: Connection, appliance_id: int, jobs: Iterable[PrunedJob]) -> None:
    """Add jobs of an appliance, which the caller has locked, to its totals of pruned jobs.

    Takes the lock of the day totals.
    """
    days, builds = day_totals.Totals(), build_sketches.BuildSketches()
    months: dict[str, dict[_Key, _Month]] = {}
    for job in jobs:
        size, duration = job.size_bytes, job.duration_seconds
        days.add(day_totals.Contribution(job.day, job.type or "", job.status, size, duration))
        builds.add(build_sketches.Ran(appliance_id, job.build_id, job.status, size, duration))
        of_month = months.setdefault(job.day[:7], {})
        key = (job.type, job.status, job.location_id, job.build_id)
        counts = (1, *_counted(size), *_counted(duration))
        bit = 1 << (int(job.day[8:]) - 1)
        of_month.setdefault(key, _Month()).add(counts, job.day, job.day, bit)
    _write_months(connection, appliance_id, months)
    builds.write_pruned(connection)
    days.write_pruned(connection)


def _counted(value: int | None) -> tuple[int, int, int]:
    """Return whether there is a value, and its halves."""
    return (0, 0, 0) if value is None else (1, value >> 32, value & _LOW_BITS)


def _write_months(
    connection: Connection, appliance_id: int, months: dict[str, dict[_Key, _Month]]
) -> None:
    """Add totals to the stored ones of these months, and number the rows again."""
    for month, totals in sorted(months.items()):
        own = (_TABLE.c.appliance_id == appliance_id, _TABLE.c.month == month)
        for row in connection.execute(sa.select(_TABLE).where(*own)):
            _, _, _, kind, status, location, build, *counts, first, last, days, _ = row
            key = (kind, status, location, build)
            totals.setdefault(key, _Month()).add(counts, first, last, days)
        connection.execute(sa.delete(_TABLE).where(*own))
        ordered = sorted(totals.items(), key=lambda item: _place(item[0]))
        db.insert(
            connection,
            _TABLE,
            [
                (appliance_id, month, seq, *key, *total.values())
                for seq, (key, total) in enumerate(ordered, 1)
            ],
        )


def _place(key: _Key) -> tuple[Any, ...]:
    """Return what sorts keys, with those that are missing first."""
    kind, status, location, build = key
    return (kind or "", status, location or 0, build or 0)


def join(connection: Connection, source: int, target: int) -> None:
    """Add the totals of one appliance's pruned jobs to those of another; the caller deletes the first.

    Those of days have no appliance. The caller has locked both, and has loaded the jobs.
    """
    months: dict[str, dict[_Key, _Month]] = {}
    for row in connection.execute(sa.select(_TABLE).where(_TABLE.c.appliance_id == source)):
        _, month, _, kind, status, location, build, *counts, first, last, days, _ = row
        total = months.setdefault(month, {}).setdefault((kind, status, location, build), _Month())
        total.add(counts, first, last, days)
    _write_months(connection, target, months)
    changed = appliance_months.ChangedMonths()
    for month in months:
        changed.add(target, f"{month}-01")
    changed.write(connection)
    build_sketches.join_pruned(connection, source, target)
